//! Where the tests of the crates above keep things, and how they keep the forms of their records: the embedded store, or with the feature `fdb` a part of the cluster that `FDB_CLUSTER_FILE` names, or
//! without one a database of FoundationDB's stand-in, which lasts as long as the process.

use std::fmt::Debug;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Clock, Result, Store, record};

/// Opens the store that belongs to `dir`.
///
/// # Errors
/// As [`Store::open_embedded`] and `Store::open_fdb`.
pub async fn open(dir: &Path, clock: Clock) -> Result<Store> {
    backend::open(dir, clock).await
}

/// The store of `dir` as another process has it: on a cluster, connected by itself; embedded, `first`.
///
/// # Errors
/// As [`open`].
pub async fn open_again(dir: &Path, first: &Store) -> Result<Store> {
    backend::open_again(dir, first).await
}

/// Checks that the record `name` is still read as it was written by every form that it has had: the bytes are kept in `fixtures` of `folder`, the crate's own.
/// With `UPDATE_FIXTURES` in the environment those of today's form are written.
///
/// # Panics
/// When they are not there, or are read as something else.
pub fn check_form<T: Serialize + DeserializeOwned + PartialEq + Debug>(folder: &str, name: &str, expected: &T) {
    let file = Path::new(folder).join(format!("fixtures/{name}-{}.bin", record::FORMAT));
    let bytes = match std::env::var_os("UPDATE_FIXTURES") {
        Some(_) => written(&file, expected),
        None => std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
    };
    let read = record::decode::<T>(&bytes, name);
    assert_eq!(read.unwrap_or_else(|error| panic!("{name}: {error}")), *expected, "{name}");
}

fn written<T: Serialize>(file: &Path, record: &T) -> Vec<u8> {
    let bytes = record::encode(record).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, &bytes))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    bytes
}

#[cfg(not(feature = "fdb"))]
mod backend {
    use super::{Clock, Path, Result, Store};

    pub(super) async fn open(dir: &Path, clock: Clock) -> Result<Store> {
        let mut options = crate::EmbeddedOptions::new(dir.join("store"));
        options.clock = clock;
        Store::open_embedded(options).await
    }

    pub(super) fn open_again(_: &Path, first: &Store) -> std::future::Ready<Result<Store>> {
        std::future::ready(Ok(first.clone()))
    }
}

#[cfg(feature = "fdb")]
pub use backend::{clear_cluster, open_standin};

#[cfg(feature = "fdb")]
mod backend {
    use super::{Clock, Path, Result, Store};
    use crate::conformance::{part, remove_part};
    use crate::{FdbCluster, FdbOptions};

    /// What the keys of all tests begin with on a cluster.
    const ON_CLUSTER: &str = "tests/";

    pub(super) async fn open(dir: &Path, clock: Clock) -> Result<Store> {
        match cluster_file() {
            Some(file) => {
                let root = format!("{ON_CLUSTER}{}", name_of(dir));
                part(&connect(FdbCluster::File(file), clock).await?, root.as_bytes()).await
            }
            None => connect(standin(dir, None), clock).await,
        }
    }

    pub(super) async fn open_again(dir: &Path, first: &Store) -> Result<Store> {
        open(dir, first.clock().clone()).await
    }

    /// A database of the stand-in that is reached through these faults; `None` on a cluster.
    ///
    /// # Errors
    /// As [`super::open`].
    pub async fn open_standin(dir: &Path, faults: &str) -> Result<Option<Store>> {
        match cluster_file() {
            Some(_) => Ok(None),
            None => connect(standin(dir, Some(faults)), Clock::system()).await.map(Some),
        }
    }

    /// Removes what tests have left on the cluster of `FDB_CLUSTER_FILE`. Does nothing without one.
    ///
    /// # Errors
    /// As [`super::open`].
    pub async fn clear_cluster() -> Result<()> {
        let Some(file) = cluster_file() else { return Ok(()) };
        remove_part(&connect(FdbCluster::File(file), Clock::system()).await?, ON_CLUSTER.as_bytes()).await
    }

    /// Without faults of its own a client meets those of `FDB_STANDIN_FAULTS`.
    fn standin(dir: &Path, faults: Option<&str>) -> FdbCluster {
        let faults = faults.map_or_else(String::new, |faults| format!("# faults: {faults}\n"));
        FdbCluster::ConnectionString(format!("{}:standin@127.0.0.1:4500\n{faults}", name_of(dir)))
    }

    fn name_of(dir: &Path) -> String {
        dir.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect()
    }

    fn cluster_file() -> Option<std::path::PathBuf> {
        std::env::var_os("FDB_CLUSTER_FILE").map(Into::into)
    }

    async fn connect(cluster: FdbCluster, clock: Clock) -> Result<Store> {
        let mut options = FdbOptions::new(cluster);
        options.clock = clock;
        Store::open_fdb(options).await
    }
}
