//! What several tests need.

use std::path::Path;

use coditect_store::{Clock, EmbeddedOptions, Error, ErrorKind, Store};

/// Opens the store of a directory with the machine's clock.
pub(crate) async fn open(dir: &Path) -> Store {
    Store::open_embedded(EmbeddedOptions::new(dir)).await.unwrap()
}

/// Opens the store of a directory with a clock that stands still.
pub(crate) async fn open_at(dir: &Path, clock: &Clock) -> Store {
    let mut options = EmbeddedOptions::new(dir);
    options.clock = clock.clone();
    Store::open_embedded(options).await.unwrap()
}

/// A clock that only moves when it is told to.
pub(crate) fn manual_clock() -> Clock {
    Clock::manual("2026-01-01T00:00:00Z".parse().unwrap())
}

/// Commits one key in one attempt.
pub(crate) async fn put(store: &Store, key: &[u8], value: &[u8]) -> Result<u64, Error> {
    let tx = store.begin();
    tx.set(key, value);
    Ok(tx.commit().await?.version)
}

/// The value of a key, retrying what is worth it.
pub(crate) async fn get(store: &Store, key: &[u8]) -> Option<Vec<u8>> {
    let value = store.run(|tx| async move { tx.get(key).await }).await.unwrap();
    value.map(|value| value.to_vec())
}

pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// A program's arguments that make it run one ignored test of this binary.
pub(crate) fn child(test: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}
