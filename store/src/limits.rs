//! Every bound of the store, with its unit. The first group is FoundationDB's and holds on every
//! backend, so that code that works on one works on the other.

use std::time::Duration;

/// Longest key, in bytes (FoundationDB: 10 kB).
pub const KEY_BYTES: usize = 10_000;
/// Longest value, in bytes (FoundationDB: 100 kB).
pub const VALUE_BYTES: usize = 100_000;
/// Largest transaction, in bytes of keys, values and conflict ranges (FoundationDB: 10 MB).
pub const TRANSACTION_BYTES: usize = 10_000_000;
/// Longest life of a transaction after its first read (FoundationDB: 5 s).
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(5);
/// Most watches that may be pending in one store (FoundationDB: 10,000 per client).
pub const WATCHES: usize = 10_000;

/// Longest name of a tenant, or of what else people name in keys, in bytes.
pub const NAME_BYTES: usize = 64;

/// Greatest version that [`crate::Store::advance`] takes: a cluster's versions are 63 bits, and go on by a million a second for ages from here.
pub const VERSION: u64 = 1 << 62;

/// Key bytes are below this; what lies above belongs to the database itself.
pub const SYSTEM_PREFIX: u8 = 0xff;

/// Most bytes of keys and values that one range read answers before it says `more`.
pub const RANGE_BYTES: usize = 4 * 1024 * 1024;

/// Longest time that [`crate::Store::run`] keeps retrying.
pub const RUN_DEADLINE: Duration = Duration::from_secs(30);
/// First pause between two attempts of [`crate::Store::run`].
pub const RUN_BACKOFF_MIN: Duration = Duration::from_millis(1);
/// Longest pause between two attempts of [`crate::Store::run`], before jitter.
pub const RUN_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How long opening a store on FoundationDB waits for the cluster, unless configured otherwise.
pub const FDB_START: Duration = Duration::from_secs(15);

/// Commits that may wait for the embedded committer; more callers wait for a place.
pub const COMMIT_QUEUE: usize = 1024;
/// Most transactions that the embedded committer makes durable together.
pub const BATCH_TRANSACTIONS: usize = 512;
/// Bytes after which the embedded committer closes a batch.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait for the writers of the last batch to come back, so that they share the next flush as well.
pub const BATCH_WAIT: Duration = Duration::from_micros(200);
/// After an error of the disk, commits are refused for this many times as long as the recovery took.
pub const REST_FACTOR: u32 = 10;
/// Pause between two attempts to open the engine again while nobody commits.
pub const RECOVERY_PAUSE: Duration = Duration::from_millis(200);
/// Memory for cached pages of the embedded backend, unless configured otherwise, in bytes.
pub const CACHE_BYTES: usize = 64 * 1024 * 1024;

const _: () = assert!(KEY_BYTES < VALUE_BYTES && VALUE_BYTES < TRANSACTION_BYTES);
const _: () = assert!(BATCH_TRANSACTIONS <= u16::MAX as usize, "the batch order of a versionstamp has two bytes");
const _: () = assert!(RANGE_BYTES > KEY_BYTES + VALUE_BYTES, "one item always fits");
const _: () = assert!(RUN_DEADLINE.as_secs() > TRANSACTION_LIFE.as_secs());
