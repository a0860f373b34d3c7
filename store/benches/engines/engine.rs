//! The two engines behind the few calls that the sections need.

use std::path::Path;
use std::sync::Arc;

use redb::{ReadableDatabase as _, ReadableTableMetadata as _};

const TABLE: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new("data");
/// Page and block cache, the same for both.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

pub(crate) type Change = (Vec<u8>, Option<Vec<u8>>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Redb,
    /// redb that saves its allocator state with each commit, so that it needs no repair after a crash.
    RedbQuick,
    Fjall,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Redb, Self::RedbQuick, Self::Fjall];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redb => "redb",
            Self::RedbQuick => "redb-q",
            Self::Fjall => "fjall",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).unwrap()
    }

    pub(crate) fn open(self, dir: &Path) -> Arc<Engine> {
        Arc::new(match self {
            Self::Redb | Self::RedbQuick => {
                let mut builder = redb::Database::builder();
                builder.set_cache_size(CACHE_BYTES);
                let database = builder.create(dir.join("data.redb")).unwrap();
                let transaction = database.begin_write().unwrap();
                transaction.open_table(TABLE).unwrap();
                transaction.commit().unwrap();
                Engine::Redb(database, self == Self::RedbQuick)
            }
            Self::Fjall => {
                let builder = fjall::Database::builder(dir.join("fjall"));
                let database = builder.cache_size(CACHE_BYTES as u64).open().unwrap();
                let keyspace = database.keyspace("data", fjall::KeyspaceCreateOptions::default).unwrap();
                Engine::Fjall(database, keyspace)
            }
        })
    }
}

pub(crate) enum Engine {
    Redb(redb::Database, bool),
    Fjall(fjall::Database, fjall::Keyspace),
}

impl Engine {
    /// Makes the changes durable together.
    pub(crate) fn commit<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) {
        match self {
            Self::Redb(database, quick) => {
                let mut transaction = database.begin_write().unwrap();
                transaction.set_quick_repair(*quick);
                {
                    let mut table = transaction.open_table(TABLE).unwrap();
                    for (key, value) in changes {
                        match value {
                            Some(value) => drop(table.insert(&key[..], &value[..]).unwrap()),
                            None => drop(table.remove(&key[..]).unwrap()),
                        }
                    }
                }
                transaction.commit().unwrap();
            }
            Self::Fjall(database, keyspace) => {
                let mut batch = database.batch().durability(Some(fjall::PersistMode::SyncData));
                for (key, value) in changes {
                    match value {
                        Some(value) => batch.insert(keyspace, &key[..], &value[..]),
                        None => batch.remove(keyspace, &key[..]),
                    }
                }
                batch.commit().unwrap();
            }
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Redb(database, _) => {
                let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
                table.get(key).unwrap().map(|value| value.value().to_vec())
            }
            Self::Fjall(_, keyspace) => keyspace.get(key).unwrap().map(|value| value.to_vec()),
        }
    }

    /// Reads up to `limit` items from `begin` on; answers how many, and their bytes.
    pub(crate) fn scan(&self, begin: &[u8], limit: usize) -> (usize, usize) {
        let mut count = 0;
        let mut bytes = 0;
        match self {
            Self::Redb(database, _) => {
                let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
                for item in table.range::<&[u8]>(begin..).unwrap().take(limit) {
                    let (key, value) = item.unwrap();
                    count += 1;
                    bytes += key.value().len() + value.value().len();
                }
            }
            Self::Fjall(_, keyspace) => {
                for item in keyspace.range(begin..).take(limit) {
                    let (key, value) = item.into_inner().unwrap();
                    count += 1;
                    bytes += key.len() + value.len();
                }
            }
        }
        (count, bytes)
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Redb(database, _) => {
                let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
                table.len().unwrap() as usize
            }
            Self::Fjall(_, keyspace) => keyspace.len().unwrap(),
        }
    }
}

/// Bytes that the files of a folder take on the disk.
pub(crate) fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(dir).unwrap().filter_map(Result::ok);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// A reproducible stream of numbers.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    /// Bytes that do not compress.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}

/// A key like those of the product: a prefix that many share, then a number.
pub(crate) fn key(number: usize) -> Vec<u8> {
    let mut key = b"tenant/collection/document/".to_vec();
    key.extend_from_slice(&(number as u64).to_be_bytes());
    key
}
