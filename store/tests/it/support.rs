//! What several tests need.

use std::path::Path;

use coditect_store::{Clock, EmbeddedOptions, Store};

/// Opens the store of a directory with the machine's clock.
pub(crate) async fn open(dir: &Path) -> Store {
    Store::open_embedded(EmbeddedOptions::new(dir))
        .await
        .unwrap()
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
