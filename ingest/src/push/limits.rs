//! Bounds of a run: batches, requests in flight, pauses and what counts as too much to delete.

use std::time::Duration;

/// Most documents of a batch that the gateway takes.
pub(crate) const BATCH_DOCUMENTS_MAX: usize = 256;
/// Documents in a batch unless the user says otherwise.
pub(crate) const BATCH_DOCUMENTS: usize = 64;
/// Bytes of text after which a batch is full: some 200 passages, a few seconds of a small machine's embedder. A longer
/// document is a batch of its own.
pub(crate) const BATCH_BYTES: usize = 64 * 1024;
/// Most bytes of text that a batch may be set to: well below the 32 MiB that the gateway takes, as JSON escapes grow.
pub(crate) const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest file that can be asked for, bytes: as JSON it still fits the gateway's 32 MiB.
pub(crate) const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Requests under way at once unless the user says otherwise: one embeds while others are split, stored and sent.
pub(crate) const IN_FLIGHT: usize = 4;
/// Most requests under way at once.
pub(crate) const IN_FLIGHT_MAX: usize = 64;
/// Batches read ahead of the requests.
pub(crate) const BATCHES_AHEAD: usize = 2;

/// How long an unavailable server is waited for in the middle of a run, seconds.
pub(crate) const RETRY_FOR_SECONDS: u64 = 60;
/// How long the first contact with a server may take: nothing is lost yet, so a wrong address shows soon.
pub(crate) const FIRST_CONTACT: Duration = Duration::from_secs(5);
/// Rounds in which documents are sent again that the server put off one by one (429, 503).
pub(crate) const PUT_OFF_ROUNDS: usize = 6;
/// Answers in a row that say that the server is broken, after which the run ends.
pub(crate) const BROKEN_IN_A_ROW: usize = 12;

/// One in this many documents of a collection may go without `--yes`: half of them.
pub(crate) const DELETE_SHARE: usize = 2;
/// While watching, this many documents may go at once without `--yes`, whatever their share.
pub(crate) const WATCH_DELETE_FREE: usize = 20;
/// While watching, changes are gathered until none has come for this long,
pub(crate) const WATCH_SETTLE: Duration = Duration::from_millis(150);
/// but for no longer than this.
pub(crate) const WATCH_SETTLE_MAX: Duration = Duration::from_millis(750);
/// A watch rests for this many times as long as the last reading of the tree took, however often it changes.
pub(crate) const WATCH_REST: u32 = 3;
/// How often a watched tree is read though no change was told of: file systems forget to.
pub(crate) const WATCH_REREAD: Duration = Duration::from_secs(300);
/// The same where the operating system tells of no change at all.
pub(crate) const WATCH_BLIND: Duration = Duration::from_secs(10);
/// The same after a round that could not do all that it had to.
pub(crate) const WATCH_OWED: Duration = Duration::from_secs(5);

/// Time between two lines of progress where no bar can be drawn.
pub(crate) const PROGRESS_LINES: Duration = Duration::from_secs(5);
/// How often the bar is drawn at most, times a second.
pub(crate) const BAR_RATE: u8 = 8;

const _: () = assert!(BATCH_DOCUMENTS <= BATCH_DOCUMENTS_MAX);
const _: () = assert!(BATCH_BYTES <= BATCH_BYTES_MAX);
const _: () = assert!(IN_FLIGHT <= IN_FLIGHT_MAX);
const _: () = assert!(WATCH_SETTLE.as_millis() < WATCH_SETTLE_MAX.as_millis());
