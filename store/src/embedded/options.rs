//! Where an embedded store lives and how it is tuned.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::limits;

/// Settings of an embedded store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// The store's own directory; created when missing.
    pub dir: PathBuf,
    /// Memory for cached pages, in bytes.
    pub cache_bytes: usize,
    /// Whether opening reads the whole file and checks every page of it, so that damage is found there and not by a later read.
    pub verify: bool,
    /// Source of time, jitter and ids.
    pub clock: Clock,
    #[cfg(feature = "testing")]
    pub(super) disk_faults: Option<crate::faults::DiskFaults>,
}

impl EmbeddedOptions {
    /// A store in `dir` with default tuning and the machine's clock.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_bytes: limits::CACHE_BYTES,
            verify: true,
            clock: Clock::system(),
            #[cfg(feature = "testing")]
            disk_faults: None,
        }
    }

    /// The same settings with a disk that fails on request.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_disk_faults(mut self, faults: crate::faults::DiskFaults) -> Self {
        self.disk_faults = Some(faults);
        self
    }
}
