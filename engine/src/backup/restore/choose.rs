//! Which objects hold the state that is to be restored.

use std::collections::BTreeMap;

use super::super::place;
use super::Restore;
use crate::error::Result;
use crate::model::{CollectionName, TenantId, Version};

/// An object that holds what something was until a version, or what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    /// `None` for what is.
    until: Option<Version>,
    path: String,
}

impl Restore<'_> {
    /// The collections by their paths, each with the object that holds its state.
    pub(super) async fn collections(&self) -> Result<Vec<(String, String)>> {
        let folder = match &self.options.tenant {
            Some(tenant) => format!("{}/{tenant}", place::COLLECTIONS),
            None => place::COLLECTIONS.to_owned(),
        };
        let mut found = self.chosen(&folder).await?;
        found.retain(|(path, _)| place::of_collection(path).is_some());
        Ok(found)
    }

    /// The documents of a collection by their paths, each with the object that holds its state.
    pub(super) async fn documents(&self, tenant: &TenantId, name: &CollectionName) -> Result<Vec<(String, String)>> {
        self.chosen(&place::documents_of(tenant, name)).await
    }

    /// What there is below a folder: by its path, the object that holds its state.
    async fn chosen(&self, folder: &str) -> Result<Vec<(String, String)>> {
        let current = self.bucket.list(folder).await?;
        let mut all: BTreeMap<String, Vec<Source>> = BTreeMap::new();
        for path in current {
            all.entry(path.clone()).or_default().push(Source { until: None, path });
        }
        if self.options.at.is_some() {
            for path in self.bucket.list(&format!("{}/{folder}", place::HISTORY)).await? {
                let Some((original, until)) = place::of_superseded(&path) else { continue };
                all.entry(original.to_owned()).or_default().push(Source { until: Some(until), path: path.clone() });
            }
        }
        let found = all.into_iter().filter_map(|(path, sources)| Some((path, at(sources, self.options.at)?.path)));
        Ok(found.collect())
    }
}

/// The object that holds the state at a version: the first one that was replaced after it, or what is.
fn at(mut sources: Vec<Source>, version: Option<Version>) -> Option<Source> {
    sources.retain(|source| match (source.until, version) {
        (Some(until), Some(version)) => until > version,
        (Some(_), None) => false,
        (None, _) => true,
    });
    sources.into_iter().min_by_key(|source| (source.until.is_none(), source.until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_at_a_version_is_what_was_replaced_next() {
        let version = |number: u8| Version::from_bytes([number; 10]);
        let source = |until: Option<u8>| Source { until: until.map(version), path: format!("{until:?}") };
        let all = || vec![source(None), source(Some(9)), source(Some(5))];
        let first = |at_version: Option<u8>| at(all(), at_version.map(version));
        assert_eq!(first(None), Some(source(None)));
        assert_eq!(first(Some(3)), Some(source(Some(5))));
        assert_eq!(first(Some(5)), Some(source(Some(9))));
        assert_eq!(first(Some(9)), Some(source(None)));
        assert_eq!(at(vec![source(Some(5))], Some(version(5))), None);
    }
}
