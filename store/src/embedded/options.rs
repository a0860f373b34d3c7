//! Where an embedded store lives and how it is tuned.

use std::path::PathBuf;

use crate::clock::Clock;
use crate::limits;

/// Settings of an embedded store.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The store's own directory; created when missing.
    pub dir: PathBuf,
    /// Memory for cached pages, in bytes.
    pub cache_bytes: usize,
    /// Source of time, jitter and ids.
    pub clock: Clock,
}

impl EmbeddedOptions {
    /// A store in `dir` with default tuning and the machine's clock.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_bytes: limits::CACHE_BYTES,
            clock: Clock::system(),
        }
    }
}
