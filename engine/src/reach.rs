//! Which collections a caller can reach: its tenant's, or some of them, and those that are shared with all.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::documents::collections::missing;
use crate::error::Result;
use crate::index::{CollectionIndex, Indexes};
use crate::model::{CollectionName, CollectionRef};
use crate::storage::TenantKeys;

/// The way to all keys that a caller may use: there is none that leads elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    own: TenantKeys,
    /// The tenant whose collections everybody may read.
    shared: Option<TenantKeys>,
    /// Only these of its own, and none that are shared.
    only: Option<Arc<BTreeSet<CollectionName>>>,
}

/// A collection that can be reached.
pub(crate) struct Reached {
    pub(crate) name: CollectionRef,
    pub(crate) keys: TenantKeys,
    pub(crate) index: Arc<CollectionIndex>,
}

impl Reach {
    pub(crate) fn of(own: TenantKeys) -> Self {
        Self { own, shared: None, only: None }
    }

    pub(crate) fn sharing(self, shared: TenantKeys) -> Self {
        // Whoever is that tenant has it as its own.
        let shared = Some(shared).filter(|shared| shared.tenant() != self.own.tenant());
        Self { shared, ..self }
    }

    pub(crate) fn confined_to(self, only: BTreeSet<CollectionName>) -> Self {
        Self { only: Some(Arc::new(only)), ..self }
    }

    /// The tenant's keys, whatever of it can be reached.
    pub(crate) fn tenant(&self) -> &TenantKeys {
        &self.own
    }

    /// The keys of the tenant whose collections everybody may read, unless they are out of reach.
    pub(crate) fn shared(&self) -> Option<&TenantKeys> {
        self.shared.as_ref().filter(|_| self.only.is_none())
    }

    /// The only ones of its own that can be reached; `None` for all.
    pub(crate) fn only(&self) -> Option<&BTreeSet<CollectionName>> {
        self.only.as_deref()
    }

    pub(crate) fn has(&self, name: &CollectionName) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name))
    }

    /// The keys of one of the tenant's own collections.
    ///
    /// # Errors
    /// `NotFound`, in the words for a collection that does not exist, when it is out of reach.
    pub(crate) fn own(&self, name: &CollectionName) -> Result<&TenantKeys> {
        match self.has(name) {
            true => Ok(&self.own),
            false => Err(missing(name)),
        }
    }

    /// The keys of a collection that may be read.
    ///
    /// # Errors
    /// As [`Reach::own`].
    pub(crate) fn keys_of(&self, name: &CollectionRef) -> Result<&TenantKeys> {
        match name {
            CollectionRef::Own(name) => self.own(name),
            CollectionRef::Shared(_) => self.shared().ok_or_else(|| missing(name)),
        }
    }

    /// Every collection that may be read, own ones first.
    pub(crate) fn all(&self, indexes: &Indexes) -> Vec<Reached> {
        let of = |keys: &TenantKeys, name: fn(CollectionName) -> CollectionRef| {
            let named = indexes.of_tenant(keys.tenant()).into_iter();
            let all = named.map(|named| Reached { name: name(named.name), keys: keys.clone(), index: named.index });
            all.collect::<Vec<_>>()
        };
        let mut all = of(&self.own, CollectionRef::Own);
        all.retain(|reached| self.has(reached.name.name()));
        if let Some(shared) = self.shared() {
            all.extend(of(shared, CollectionRef::Shared));
        }
        all
    }
}
