//! The collections whose indexes this process holds, by tenant and name and by identity.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;

use super::collection::CollectionIndex;
use crate::model::{CollectionId, CollectionName, TenantId};

/// A collection's indexes with its name.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) name: CollectionName,
    pub(crate) index: Arc<CollectionIndex>,
}

#[derive(Default)]
struct Maps {
    by_name: HashMap<TenantId, HashMap<CollectionName, CollectionId>>,
    by_id: HashMap<CollectionId, Arc<CollectionIndex>>,
}

/// All collections.
#[derive(Default)]
pub(crate) struct Indexes {
    maps: RwLock<Maps>,
}

impl Indexes {
    /// Takes up a collection's indexes, in place of those it has.
    pub(super) fn put(&self, tenant: &TenantId, name: &CollectionName, index: Arc<CollectionIndex>) {
        let mut maps = self.maps.write();
        maps.by_name.entry(tenant.clone()).or_default().insert(name.clone(), index.id);
        maps.by_id.insert(index.id, index);
    }

    /// Forgets all collections but these.
    pub(super) fn retain(&self, there: &HashSet<CollectionId>) {
        let mut maps = self.maps.write();
        maps.by_id.retain(|id, _| there.contains(id));
        maps.by_name.values_mut().for_each(|names| names.retain(|_, id| there.contains(id)));
    }

    /// Forgets a collection. A newer one of the same name stays.
    pub(super) fn remove(&self, tenant: &TenantId, name: &CollectionName, id: CollectionId) {
        let mut maps = self.maps.write();
        maps.by_id.remove(&id);
        if let Some(names) = maps.by_name.get_mut(tenant)
            && names.get(name) == Some(&id)
        {
            names.remove(name);
        }
    }

    /// A tenant's collection by name.
    pub(crate) fn get(&self, tenant: &TenantId, name: &CollectionName) -> Option<Arc<CollectionIndex>> {
        let maps = self.maps.read();
        maps.by_id.get(maps.by_name.get(tenant)?.get(name)?).cloned()
    }

    /// A collection by identity.
    pub(crate) fn by_id(&self, id: CollectionId) -> Option<Arc<CollectionIndex>> {
        self.maps.read().by_id.get(&id).cloned()
    }

    /// All collections of a tenant, in the order of their names.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Named> {
        let maps = self.maps.read();
        let Some(names) = maps.by_name.get(tenant) else { return Vec::new() };
        let named = names
            .iter()
            .filter_map(|(name, id)| Some(Named { name: name.clone(), index: maps.by_id.get(id)?.clone() }));
        let mut all: Vec<Named> = named.collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Every collection.
    pub(crate) fn all(&self) -> Vec<Arc<CollectionIndex>> {
        self.maps.read().by_id.values().cloned().collect()
    }
}
