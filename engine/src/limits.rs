//! Every bound of the engine, by name.

use std::time::Duration;

/// Longest document id, bytes of UTF-8. Keeps keys far below the store's 10 kB.
pub const DOCUMENT_ID_BYTES: usize = 1_024;
/// Longest collection name, bytes.
pub const COLLECTION_NAME_BYTES: usize = 64;
/// Longest title, bytes.
pub const TITLE_BYTES: usize = 2_048;
/// Longest source (path or URL), bytes.
pub const SOURCE_BYTES: usize = 4_096;
/// Largest metadata object, bytes of JSON.
pub const METADATA_BYTES: usize = 32 * 1024;
/// Largest source text of a document, bytes.
pub const DOCUMENT_BYTES: usize = 64 * 1024 * 1024;
/// Most passages of a document.
pub const DOCUMENT_PASSAGES: usize = 100_000;
/// Largest vector dimension.
pub const DIMENSION: usize = 4_096;

/// A value in the store is cut into parts of this size (the store's limit is 100 kB).
pub const VALUE_PART_BYTES: usize = 90_000;
/// A staging transaction is closed when it has grown to this size (the store's limit is 10 MB).
pub const STAGE_TRANSACTION_BYTES: usize = 768 * 1024;
/// A document up to this size is written in one transaction, without staging.
pub const SINGLE_TRANSACTION_BYTES: usize = 1024 * 1024;

/// Most log entries read in one step.
pub const LOG_BATCH: usize = 256;
/// Most passages that one step of the follower loads before it publishes.
pub const APPLY_PASSAGES: usize = 2_048;
/// Most heads read in one step of a rebuild.
pub const REBUILD_BATCH: usize = 128;
/// How long the follower sleeps at most before it looks at the log again (a safety net for lost watches).
pub const FOLLOW_POLL: Duration = Duration::from_millis(500);
/// A follower that has not read the log for so long is taken to have lost it: many times its longest pause between two reads.
pub const FOLLOW_LOST: Duration = Duration::from_secs(15);
/// First pause after a failed step of the follower; doubles up to [`FOLLOW_BACKOFF_MAX`].
pub const FOLLOW_BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Longest pause after a failed step of the follower.
pub const FOLLOW_BACKOFF_MAX: Duration = Duration::from_secs(5);
/// How long a read waits for `min_version` unless it says otherwise.
pub const MIN_VERSION_WAIT: Duration = Duration::from_secs(5);

/// After how long a job of the upkeep is taken over from a process that does not renew its lease: many times the pauses of a process or of the store.
pub const LEASE: Duration = Duration::from_secs(15);
/// Longest pause after rounds of a job that failed, where it is not longer anyway; each doubles the pause.
pub const UPKEEP_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long entries of the change log are kept: for processes that were away, and longer than any of them follows behind.
pub const LOG_RETENTION: Duration = Duration::from_secs(3_600);
/// Pause between two rounds that take old entries off the log; the marks by which their age is known are as far apart.
pub const TRIM_INTERVAL: Duration = Duration::from_secs(60);
/// Most entries of the log that are taken off in one transaction.
pub const TRIM_BATCH: usize = 10_000;
/// Pause between two sweeps of generations that nothing names: they read one key of each generation and every document's record.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// Most records that one transaction of a sweep reads.
pub const SWEEP_BATCH: usize = 1_000;
/// Pause between two looks at whether a collection needs a snapshot.
pub const SNAPSHOT_LOOK: Duration = Duration::from_secs(30);
/// Age of its last snapshot at which a collection that has changed gets another.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// Snapshots that are kept of a collection.
pub const SNAPSHOTS_KEPT: usize = 2;
/// So often it is written down up to where the snapshot of an unchanged collection reaches.
pub const SNAPSHOT_CONFIRMED: Duration = Duration::from_secs(10 * 60);
/// Age of the newest snapshot from which on older ones are no longer kept: they would only hold the change log.
pub const SNAPSHOT_SETTLED: Duration = Duration::from_secs(6 * 3_600);
/// A snapshot of which nobody has written down for so long up to where it reaches does not hold the change log any more.
pub const SNAPSHOT_HOLDS: Duration = Duration::from_secs(24 * 3_600);
/// Files go to the bucket in parts of this size.
pub const BUCKET_PART_BYTES: usize = 32 << 20;
/// Parts that are on their way at a time.
pub const BUCKET_CONCURRENCY: usize = 4;
/// So often at most a request to a bucket is sent again.
pub const BUCKET_RETRIES: usize = 6;
/// A request to a bucket is not sent again when it was first sent so long ago.
pub const BUCKET_RETRY_WITHIN: Duration = Duration::from_secs(45);
/// Pause before a request to a bucket is sent again for the first time.
pub const BUCKET_RETRY_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause before a request to a bucket is sent again.
pub const BUCKET_RETRY_PAUSE_MAX: Duration = Duration::from_secs(8);
/// Longest time to connect to a bucket.
pub const BUCKET_CONNECT: Duration = Duration::from_secs(5);
/// Longest time of one request to a bucket: all parts that are on their way at a time over a link of 6 Mbit/s.
pub const BUCKET_REQUEST: Duration = Duration::from_secs(180);
/// Longest wait for what a bucket answers, where nothing has to go up first.
pub const BUCKET_ANSWER: Duration = Duration::from_secs(60);
/// Pause between two looks at whether something is missing in the backup.
pub const BACKUP_LOOK: Duration = Duration::from_secs(2);
/// How long it stays possible to go back to a state that was replaced or removed.
pub const BACKUP_HISTORY: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Pause between two times that the backup's history is pruned, for which all of it is listed.
pub const BACKUP_PRUNE: Duration = Duration::from_secs(24 * 3_600);
/// Most objects of the history that one round takes away.
pub const BACKUP_PRUNE_BATCH: usize = 1_000;
/// A backup that has stood still for so long does not hold the change log any more.
pub const BACKUP_HOLDS: Duration = Duration::from_secs(3 * 24 * 3_600);
/// Longest part of a path that is made of a document's id, bytes: what a directory takes as a file's name, with its ending.
pub const BACKUP_NAME_BYTES: usize = 200;
/// Longest path that is made of a document's id, bytes: a bucket takes 1,024 with all that stands around it.
pub const BACKUP_PATH_BYTES: usize = 600;
/// How long a comparison waits for the indexes to follow what is written.
pub const VERIFY_WAIT: Duration = Duration::from_secs(60);
/// How long a comparison tries to count a collection at one version.
pub const VERIFY_COUNT: Duration = Duration::from_secs(12);
/// How far the store's versions go beyond those that were restored: a cluster's grow by a million a second, so what it gave out in the eleven days after its last backup is of the
/// past as well.
pub const RESTORE_LEAP: u64 = 1_000_000_000_000;
/// Pause between two rounds of the clean-up of retired generations.
pub const CLEANUP_INTERVAL: Duration = Duration::from_secs(10);
/// Most generations that one round of clean-up removes.
pub const CLEANUP_BATCH: usize = 64;
/// How long a retired generation stays readable for searches already under way.
pub const RETIRED_GRACE: Duration = Duration::from_secs(60);
/// How long a staged generation may stay without its flip before it counts as abandoned.
pub const STAGED_GRACE: Duration = Duration::from_secs(3_600);

/// Token codes of a collection go from memory to a file when there are this many bytes of them at least.
pub const TOKEN_FILE_MIN: usize = 1024 * 1024;
/// Token codes of a collection go from memory to a file when there are this many bytes of them at the latest.
pub const TOKEN_FILE_MAX: usize = 16 * 1024 * 1024;
/// Between the two, they go when they are this share of what is in files already: few files, little memory.
pub const TOKEN_FILE_SHARE: usize = 8;

/// Most tokens of a query that take part in late interaction: the rarest of a longer one.
pub const QUERY_TOKENS: usize = 64;
/// Passages that late interaction looks at unless the request says otherwise.
pub const RERANK_DEPTH: usize = 100;
/// Most passages that late interaction looks at.
pub const RERANK_DEPTH_MAX: usize = 1_000;
/// Most pieces of evidence of a result.
pub const EVIDENCE: usize = 3;

/// Most results of a search.
pub const TOP_K: usize = 1_000;
/// Most collections of a search.
pub const SEARCH_COLLECTIONS: usize = 64;
/// Longest query, bytes. Longer ones are refused.
pub const QUERY_BYTES: usize = 32 * 1024;
/// Candidates that each leg brings at least into the fusion.
pub const LEG_DEPTH: usize = 100;
/// Most entries of `also_in` of a result.
pub const ALSO_IN: usize = 20;
/// Most documents of a page of a listing.
pub const PAGE: usize = 1_000;
/// Most tokens of a packed context.
pub const CONTEXT_TOKENS: usize = 200_000;

/// Recall that a collection's searches shall have: least and most that can be asked for.
pub const RECALL_TARGETS: std::ops::RangeInclusive<f64> = 0.5..=0.999;
/// Recall that a collection's searches shall have, unless its settings say otherwise.
pub const RECALL_TARGET: f64 = 0.95;
/// Samples that an estimate of recall is made of at most: the last ones.
pub const RECALL_WINDOW: usize = 200;
/// Samples from which on an estimate of recall can raise the effort.
pub const RECALL_SAMPLES_MIN: usize = 12;
/// Numbers of vectors that an exact answer for a sample compares in one go: few enough for one thread.
pub const RECALL_PART: usize = 1 << 20;

// A bucket that cannot be reached is said to be just that, and not to be late.
const _: () = assert!(BUCKET_RETRY_WITHIN.as_secs() + BUCKET_CONNECT.as_secs() < BUCKET_ANSWER.as_secs());
// 6 Mbit/s are 750 bytes a millisecond.
const _: () = assert!(BUCKET_CONCURRENCY * BUCKET_PART_BYTES <= 750 * BUCKET_REQUEST.as_millis() as usize);
const _: () = assert!(RECALL_SAMPLES_MIN < RECALL_WINDOW);
const _: () = assert!(VALUE_PART_BYTES < 100_000);
const _: () = assert!(STAGE_TRANSACTION_BYTES + 2 * VALUE_PART_BYTES < 10_000_000);
const _: () = assert!(SINGLE_TRANSACTION_BYTES + METADATA_BYTES < 10_000_000);
const _: () = assert!(METADATA_BYTES + TITLE_BYTES + SOURCE_BYTES + DOCUMENT_ID_BYTES < 90_000);
