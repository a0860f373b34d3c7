//! The key layout. Every key is a packed tuple under the root prefix; tenant keys can only be made from a tenant.
//!
//! | tuple under the root | value |
//! |---|---|
//! | `("c", tenant, name)` | [`CollectionHead`](crate::model::CollectionHead) |
//! | `("t", tenant, "d", collection, document)` | [`DocumentHead`](crate::model::DocumentHead) + version |
//! | `("t", tenant, "f", collection, document)` | [`Failure`](crate::model::Failure) |
//! | `("t", tenant, "n", collection, counter)` | little-endian i64, atomic add |
//! | `("t", tenant, "p", collection, generation, ordinal, part)` | passage, split |
//! | `("t", tenant, "k", collection, generation, ordinal, part)` | [`TokenCodes`](crate::model::TokenCodes), split |
//! | `("t", tenant, "s", collection, generation, part)` | source text, split |
//! | `("log", versionstamp)` | [`LogEntry`](crate::documents::log::LogEntry) |
//! | `("tail")` | versionstamp of the last log entry; watched |
//! | `("trimmed")` | version up to which entries of the log are gone |
//! | `("marks")` | [`Marks`](crate::documents::log::trim::Marks) |
//! | `("snapshot", collection, id)` | [`Manifest`](crate::snapshots::manifest::Manifest) |
//! | `("backup")` | [`State`](crate::backup::state::State) |
//! | `("restoring")` | [`Restoring`](crate::backup::state::Restoring) |
//! | `("lease", job)` | lease of a job that one process does for all |
//! | `("gc", versionstamp)` | [`Retired`](crate::documents::cleanup::Retired) |
//! | `("staged", generation)` | [`Staged`](crate::documents::cleanup::Staged) |

use coditect_store::tuple::{Subspace, TuplePack, Versionstamp};

use crate::model::{CollectionId, CollectionName, DocumentId, Generation, TenantId};

/// All keys that belong to no tenant, and the way to those that do.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    root: Subspace,
}

/// The keys of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct TenantKeys {
    tenant: TenantId,
    collections: Subspace,
    space: Subspace,
}

/// A counter of a collection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    Documents,
    Passages,
}

impl Keys {
    pub(crate) fn new(root: &str) -> Self {
        Self { root: Subspace::all().subspace(&root) }
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        TenantKeys {
            tenant: tenant.clone(),
            collections: self.all_collections().subspace(&tenant.as_str()),
            space: self.root.subspace(&("t", tenant.as_str())),
        }
    }

    /// The records of all collections of all tenants: `(tenant, name)` behind this prefix.
    pub(crate) fn all_collections(&self) -> Subspace {
        self.root.subspace(&"c")
    }

    pub(crate) fn log(&self) -> Subspace {
        self.root.subspace(&"log")
    }

    pub(crate) fn tail(&self) -> Vec<u8> {
        self.root.pack(&"tail")
    }

    pub(crate) fn trimmed(&self) -> Vec<u8> {
        self.root.pack(&"trimmed")
    }

    pub(crate) fn marks(&self) -> Vec<u8> {
        self.root.pack(&"marks")
    }

    pub(crate) fn backup(&self) -> Vec<u8> {
        self.root.pack(&"backup")
    }

    pub(crate) fn restoring(&self) -> Vec<u8> {
        self.root.pack(&"restoring")
    }

    pub(crate) fn lease(&self, job: &str) -> Vec<u8> {
        self.root.pack(&("lease", job))
    }

    pub(crate) fn snapshots(&self) -> Subspace {
        self.root.subspace(&"snapshot")
    }

    pub(crate) fn snapshots_of(&self, collection: CollectionId) -> Subspace {
        self.snapshots().subspace(&collection.0)
    }

    pub(crate) fn retired(&self) -> Subspace {
        self.root.subspace(&"gc")
    }

    pub(crate) fn staged(&self) -> Subspace {
        self.root.subspace(&"staged")
    }

    pub(crate) fn staged_generation(&self, generation: Generation) -> Vec<u8> {
        self.staged().pack(&generation.0)
    }
}

/// A key of `space` whose last element is the versionstamp of the commit that will write it; `user` orders several of one commit.
pub(crate) fn stamped(space: &Subspace, user: u16) -> Vec<u8> {
    space.pack_with_versionstamp(&Versionstamp::incomplete(user))
}

impl TenantKeys {
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn collections(&self) -> &Subspace {
        &self.collections
    }

    pub(crate) fn collection(&self, name: &CollectionName) -> Vec<u8> {
        self.collections.pack(&name.as_str())
    }

    pub(crate) fn heads(&self, collection: CollectionId) -> Subspace {
        self.of("d", collection)
    }

    pub(crate) fn head(&self, collection: CollectionId, document: &DocumentId) -> Vec<u8> {
        self.heads(collection).pack(&document.as_str())
    }

    pub(crate) fn failures(&self, collection: CollectionId) -> Subspace {
        self.of("f", collection)
    }

    pub(crate) fn failure(&self, collection: CollectionId, document: &DocumentId) -> Vec<u8> {
        self.failures(collection).pack(&document.as_str())
    }

    pub(crate) fn counter(&self, collection: CollectionId, counter: Counter) -> Vec<u8> {
        let name = match counter {
            Counter::Documents => "documents",
            Counter::Passages => "passages",
        };
        self.of("n", collection).pack(&name)
    }

    pub(crate) fn passages(&self, collection: CollectionId, generation: Generation) -> Subspace {
        self.of("p", collection).subspace(&generation.0)
    }

    pub(crate) fn passage(&self, collection: CollectionId, generation: Generation, ordinal: u32) -> Subspace {
        self.passages(collection, generation).subspace(&ordinal)
    }

    pub(crate) fn codes(&self, collection: CollectionId, generation: Generation) -> Subspace {
        self.of("k", collection).subspace(&generation.0)
    }

    pub(crate) fn codes_of(&self, collection: CollectionId, generation: Generation, ordinal: u32) -> Subspace {
        self.codes(collection, generation).subspace(&ordinal)
    }

    pub(crate) fn text(&self, collection: CollectionId, generation: Generation) -> Subspace {
        self.of("s", collection).subspace(&generation.0)
    }

    /// The ranges of a collection whose keys begin with a generation.
    pub(crate) fn generations(&self, collection: CollectionId) -> [Subspace; 3] {
        ["p", "k", "s"].map(|table| self.of(table, collection))
    }

    /// The ranges that hold one generation.
    pub(crate) fn of_generation(&self, collection: CollectionId, generation: Generation) -> [Subspace; 3] {
        self.generations(collection).map(|table| table.subspace(&generation.0))
    }

    /// Every key range that belongs to a collection, its name's record left out.
    pub(crate) fn everything_of(&self, collection: CollectionId) -> [Subspace; 6] {
        ["d", "f", "k", "n", "p", "s"].map(|table| self.of(table, collection))
    }

    fn of(&self, table: &str, collection: CollectionId) -> Subspace {
        self.space.subspace(&(table, collection.0))
    }
}

/// Packs `value` in `space`; shorter than calling the tuple crate by its full path.
pub(crate) fn pack<T: TuplePack>(space: &Subspace, value: &T) -> Vec<u8> {
    space.pack(value)
}
