//! Every bound of this crate, with its unit and where it comes from.

use std::time::Duration;

/// Longest name of a workspace, in bytes.
pub const NAME_BYTES: usize = 200;
/// Workspaces that one user may have, unless set otherwise.
pub const PER_USER: usize = 1;
/// Most workspaces that the setting may allow one user.
pub const PER_USER_MOST: usize = 50;
/// Workspaces that the users of a tenant may have together, unless set otherwise.
pub const PER_TENANT: usize = 1_000;
/// Most workspaces that the setting may allow a tenant: every one is looked at with each [`RESYNC`].
pub const PER_TENANT_MOST: usize = 100_000;
/// Records that one user may have, those of deleted workspaces counted: whoever makes and deletes without end is stopped for a while.
pub const RECORDS_PER_USER: usize = 100;
/// Longest message about a failure, in bytes.
pub const MESSAGE_BYTES: usize = 400;

/// Characters of an id that is used as it is in a DNS label: a UUID has 36, and `workspace-` with it stays below the 63 of a label (RFC 1123).
pub const LABEL_CHARS: usize = 40;
/// Characters that are kept of an id that cannot be used as it is, before its hash.
pub const LABEL_HEAD_CHARS: usize = 18;
/// Bytes of the hash behind them; two characters each.
pub const LABEL_HASH_BYTES: usize = 10;

/// Longest wait for the store with a change, before it is given up.
pub const WRITE_WAIT: Duration = Duration::from_secs(10);
/// The use of a workspace is written down when its record is older than this.
pub const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// How long the record of a deleted workspace stays, unless set otherwise. Longer than any request to the cluster can take: before the record goes, the cluster is
/// looked through once more for what a late one may have made.
pub const TERMINATED_KEPT: Duration = Duration::from_secs(3_600);

/// Time to live of the lease under which one of several servers reconciles.
pub const LEASE: Duration = Duration::from_secs(30);
/// All workspaces are looked at again after so long.
pub const RESYNC: Duration = Duration::from_secs(300);
/// A workspace that is on its way is looked at again after so long, whatever the cluster tells.
pub const RECHECK: Duration = Duration::from_secs(10);
/// Wishes are looked for after so long, should the watch in the store be lost.
pub const WISHES_POLL: Duration = Duration::from_secs(15);
/// Workspaces that are worked on at once.
pub const CONCURRENCY: usize = 8;
/// Failures in a row after which a workspace has failed.
pub const ATTEMPTS: u32 = 5;
/// First pause after a failure; it doubles with each.
pub const BACKOFF_MIN: Duration = Duration::from_secs(2);
/// Longest pause before a workspace has failed.
pub const BACKOFF_MAX: Duration = Duration::from_secs(120);
/// Pause between attempts for a workspace that has failed.
pub const FAILED_RETRY: Duration = Duration::from_secs(600);
/// What is not done after so long has failed. A cluster that has to add a node first takes minutes.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(600);
/// A workspace without connection and access for so long is suspended.
pub const IDLE_AFTER: Duration = Duration::from_secs(3_600);
/// Longest work on one workspace at a time; what is left is done the next time.
pub const STEP_WAIT: Duration = Duration::from_secs(60);
/// Records that one transaction reads while all are looked at.
pub const SCAN_BATCH: usize = 500;
/// How long the end waits for the lease to be given back.
pub const STOP_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for one answer of the Kubernetes API.
pub const REQUEST_WAIT: Duration = Duration::from_secs(10);
/// Attempts of one request while the API throttles or does not answer.
pub const REQUEST_ATTEMPTS: usize = 4;
/// First pause between two of them; it doubles with each.
pub const REQUEST_PAUSE: Duration = Duration::from_millis(200);
/// The API's `Retry-After` is kept up to this; a longer one is taken as this.
pub const RETRY_AFTER_MOST: Duration = Duration::from_secs(60);
/// Requests to the API in a second, over time.
pub const REQUESTS_PER_SECOND: u32 = 50;
/// Requests to the API that may go out at once after a pause.
pub const REQUESTS_BURST: u32 = 100;
/// How long one watch of the API lasts. A connection that was cut without a word is noticed a few seconds after that.
pub const WATCH: Duration = Duration::from_secs(240);
/// Longest pause between two attempts to watch.
pub const WATCH_PAUSE_MOST: Duration = Duration::from_secs(30);
/// Events of the simulated cluster that a slow listener may be behind; then it has to look at everything.
pub const SIMULATED_EVENTS: usize = 1_024;

const _: () = assert!("workspace-".len() + LABEL_CHARS <= 63);
const _: () = assert!(LABEL_HEAD_CHARS + "--".len() + 2 * LABEL_HASH_BYTES <= LABEL_CHARS);
const _: () = assert!(PER_USER <= PER_USER_MOST && PER_USER_MOST < RECORDS_PER_USER);
const _: () = assert!(PER_USER_MOST <= PER_TENANT && PER_TENANT <= PER_TENANT_MOST);
const _: () = assert!(BACKOFF_MIN.as_secs() <= BACKOFF_MAX.as_secs() && BACKOFF_MAX.as_secs() < FAILED_RETRY.as_secs());
const _: () = assert!(RECHECK.as_secs() * 3 < SETTLE_WITHIN.as_secs());
const _: () = assert!(RESYNC.as_secs() * 2 < IDLE_AFTER.as_secs() && TOUCH_EVERY.as_secs() < RESYNC.as_secs());
const _: () = assert!(TERMINATED_KEPT.as_secs() > 10 * STEP_WAIT.as_secs());
