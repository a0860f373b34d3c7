//! Bounds of the benchmark programs: how long they wait, and how much they send at once.

use std::time::Duration;

/// How long a server may take from its start until it is ready, with data to recover.
pub const START: Duration = Duration::from_secs(120);

/// How long a server may take to stop after SIGTERM.
pub const STOP: Duration = Duration::from_secs(30);

/// Pause between two looks at whether a server is ready.
pub const POLL: Duration = Duration::from_millis(10);

/// How long any one request may take; a batch waits for its embeddings.
pub const REQUEST: Duration = Duration::from_secs(600);

/// Documents in one batch.
pub const BATCH: usize = 32;

/// Batches on their way at once.
pub const BATCHES_IN_FLIGHT: usize = 2;

/// Requests on their way at once where order does not matter.
pub const REQUESTS_IN_FLIGHT: usize = 8;

/// Documents on one page of a listing.
pub const PAGE: usize = 500;

/// Lines of a server's log that an error message repeats.
pub const LOG_TAIL: usize = 20;

/// Resamples of a paired bootstrap.
pub const RESAMPLES: usize = 10_000;

const _: () = assert!(BATCH <= 256, "the server takes at most 256 documents in a batch");
