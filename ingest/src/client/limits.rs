//! The client's bounds: time-outs, retries and sizes.

use std::time::Duration;

/// How long a connection may take to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take unless the caller says otherwise. A batch waits for the server's embedder; the server
/// gives up by itself after ten minutes.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(620);
/// Documents asked for in one page of a listing.
pub const PAGE: usize = 500;
/// Most bytes of an error answer that are read.
pub const PROBLEM_BYTES: usize = 64 * 1024;
/// Most characters of an error that is no problem document that are shown.
pub const EXCERPT_CHARS: usize = 200;

/// First pause before a retry; doubles, with jitter, up to [`BACKOFF_MAX`].
pub const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// Longest pause of our own choice before a retry.
pub const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that is obeyed; a longer one is cut to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// Tries of a request to which the server answers that it is broken (500, an unreadable answer).
pub const BROKEN_TRIES: usize = 4;
/// Tries of a request that runs into a time-out and cannot be made smaller.
pub const SLOW_TRIES: usize = 3;

const _: () = assert!(BACKOFF_MIN.as_millis() < BACKOFF_MAX.as_millis());
const _: () = assert!(BACKOFF_MAX.as_millis() <= RETRY_AFTER_MAX.as_millis());
