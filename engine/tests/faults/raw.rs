//! The keys of a run as they lie in the database.

use std::collections::{BTreeMap, BTreeSet};

use coditect_engine::model::{DocumentHead, Version};
use coditect_store::tuple::{Element, Subspace, unpack};
use coditect_store::{KeyValue, RangeQuery, Store};

/// All keys below `root`.
pub(crate) fn range(root: &str) -> (Vec<u8>, Vec<u8>) {
    Subspace::all().subspace(&root).range()
}

/// The generation that a document names, as [`Keys::generations`] has it.
pub(crate) fn generation(head: &DocumentHead) -> String {
    serde_json::to_value(head.generation).unwrap().as_str().unwrap().to_owned()
}

/// What there is below a root.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Keys of each table.
    pub(crate) tables: BTreeMap<String, usize>,
    /// Generations that have something in a table.
    pub(crate) generations: BTreeSet<String>,
    /// The first entry of the log.
    pub(crate) first_entry: Option<Version>,
    /// Up to where entries of the log are gone.
    pub(crate) trimmed: Option<Version>,
    /// Holders of leases that are not given back.
    pub(crate) held: usize,
}

impl Keys {
    pub(crate) fn count(&self, table: &str) -> usize {
        self.tables.get(table).copied().unwrap_or(0)
    }
}

/// Reads everything below a root.
pub(crate) async fn keys(store: &Store, root: &str) -> Keys {
    let (begin, end) = range(root);
    let query = RangeQuery::from((begin, end));
    let query = &query;
    let read = |tx: coditect_store::Transaction| async move { tx.snapshot().collect_range(query.clone()).await };
    let mut keys = Keys::default();
    store.run(read).await.unwrap().items.iter().for_each(|item| keys.add(item));
    keys
}

impl Keys {
    fn add(&mut self, item: &KeyValue) {
        let key: Vec<Element<'_>> = unpack(&item.key).unwrap();
        // `(root, "t", tenant, table, collection, …)`, or `(root, table, …)`.
        let is_of_tenant = key[1] == Element::String("t".into());
        let Element::String(table) = &key[if is_of_tenant { 3 } else { 1 }] else { return };
        *self.tables.entry(table.to_string()).or_default() += 1;
        match (&**table, key.last(), key.get(5)) {
            ("p" | "k" | "s", _, Some(Element::Uuid(generation))) => {
                self.generations.insert(generation.to_string());
            }
            ("log", Some(Element::Versionstamp(stamp)), _) => {
                let version = Version::from_bytes(stamp.as_bytes()[..10].try_into().unwrap());
                self.first_entry.get_or_insert(version);
            }
            ("trimmed", ..) => self.trimmed = item.value.as_ref().try_into().ok().map(Version::from_bytes),
            // Its format, then the holder: nil for none.
            ("lease", ..) => self.held += usize::from(item.value[1..17] != [0; 16]),
            _ => {}
        }
    }
}
