//! Every bound of this crate, with its unit and where it comes from.

use std::time::Duration;

/// Shortest secret that signs tokens, in bytes: HS256 wants a key as long as its hash (RFC 7518, section 3.2).
pub const SECRET_BYTES: usize = 32;
/// Longest bearer token that is looked at, in bytes.
pub const BEARER_BYTES: usize = 4_096;
/// Longest life of a JWT. Its session may end it at any time.
pub const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// A session that was not used for so long is expired.
pub const SESSION_IDLE: Duration = Duration::from_secs(24 * 3_600);
/// The use of a session is written down when the record is older than this.
pub const TOUCH_EVERY: Duration = Duration::from_secs(15);
/// Uses of sessions that wait to be written down, at most; more are written down with a later request.
pub const TOUCH_QUEUE: usize = 16_384;
/// Uses of sessions that are being written down at once.
pub const TOUCH_CONCURRENCY: usize = 16;
/// A session cannot be prolonged for longer than this after login.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long a refresh token still works after another took its place: tabs of a browser refresh at the same time.
pub const REFRESH_GRACE: Duration = Duration::from_secs(30);
/// How long a terminated session's record stays.
pub const TERMINATED_KEPT: Duration = Duration::from_secs(3_600);
/// Longest id of a session or a user, in bytes.
pub const ID_BYTES: usize = 128;
/// Longest `workspace_id`, in bytes.
pub const WORKSPACE_BYTES: usize = 256;
/// Longest `metadata` of a session as JSON, in bytes.
pub const METADATA_BYTES: usize = 16 * 1_024;
/// Sessions that one user may have; the one that was made first makes place for another.
pub const SESSIONS_PER_USER: usize = 100;

/// Longest e-mail address, in bytes (RFC 5321 as corrected by erratum 1690).
pub const EMAIL_BYTES: usize = 254;
/// Longest name of a person or a token, in bytes.
pub const NAME_BYTES: usize = 200;
/// Shortest password, in characters.
pub const PASSWORD_CHARS: usize = 12;
/// Longest password, in bytes.
pub const PASSWORD_BYTES: usize = 1_024;

/// Memory of one password hash, KiB. With the next two, the first choice of OWASP's Password Storage Cheat Sheet for Argon2id.
pub const ARGON2_MEMORY_KIB: u32 = 19 * 1_024;
/// Passes of one password hash.
pub const ARGON2_PASSES: u32 = 2;
/// Lanes of one password hash.
pub const ARGON2_LANES: u32 = 1;
/// How much the threads that hash passwords give way to others (`nice`, 0 to 19).
pub const HASH_NICENESS: i32 = 10;
/// Password hashes that may wait for a thread; more logins are turned away for the moment.
pub const HASHES_WAITING: usize = 128;

/// Attempts to log in to one account from one address that are free at once.
pub const LOGIN_ACCOUNT_BURST: u32 = 10;
/// The pause in which an account regains an attempt from an address.
pub const LOGIN_ACCOUNT_PAUSE: Duration = Duration::from_secs(6);
/// Attempts to log in to one account from anywhere that are free at once.
pub const LOGIN_EVERYWHERE_BURST: u32 = 100;
/// The pause in which an account regains an attempt from anywhere.
pub const LOGIN_EVERYWHERE_PAUSE: Duration = Duration::from_secs(2);
/// Attempts to log in or register from one address that are free at once.
pub const LOGIN_ADDRESS_BURST: u32 = 60;
/// The pause in which an address regains an attempt.
pub const LOGIN_ADDRESS_PAUSE: Duration = Duration::from_secs(1);
/// Accounts, addresses, tenants or tokens that are remembered at once, each for its own limit.
pub const LIMITED_KEYS: usize = 100_000;

/// How long an invitation can be used.
pub const INVITATION_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Longest life of a service token that has an end.
pub const SERVICE_TOKEN_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
/// How long a pod's token is good after another took its place: a pod sees the new one within a minute or two.
pub const POD_TOKEN_KEPT: Duration = Duration::from_secs(3_600);
/// Collections that one service token may be confined to.
pub const TOKEN_COLLECTIONS: usize = 100;

/// Entries of a page.
pub const PAGE: usize = 1_000;
/// How long the end waits for uses of sessions and the like to be written down.
pub const STOP_WAIT: Duration = Duration::from_secs(5);
/// An idle session is refused at once, and deleted so much later: a request may have been let in at the last moment by another server's clock.
pub const EXPIRED_KEPT: Duration = Duration::from_secs(600);
/// Longest wait for the store with a change, before it is given up.
pub const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for the store before a request is refused for now.
pub const GUARD_WAIT: Duration = Duration::from_secs(2);

/// A sidecar renews its lease so often.
pub const SIDECAR_BEAT: Duration = Duration::from_secs(10);
/// A sidecar that has not renewed its lease for so long is not there any more. Several missed beats, and more than clocks differ.
pub const SIDECAR_LEASE: Duration = Duration::from_secs(45);
/// Connections that one transaction takes out of the registry: few, because each is several reads, of which none may fail.
pub const CONNECTIONS_BATCH: usize = 10;

/// Time to live of the lease under which one of several servers cleans up.
pub const CLEANUP_LEASE: Duration = Duration::from_secs(30);
/// Sessions that one transaction of the clean-up looks at.
pub const CLEANUP_BATCH: usize = 100;
/// The clean-up rests for so many times as long as a transaction of it took, so that requests hardly feel it.
pub const CLEANUP_REST: u32 = 2;
/// How long entries of the audit log stay.
pub const AUDIT_KEPT: Duration = Duration::from_secs(365 * 24 * 3_600);
/// Entries of the audit log that one transaction takes away.
pub const AUDIT_BATCH: usize = 1_000;
/// Ranges of [`PAGE`] entries that one page of the audit log is looked for in.
pub const AUDIT_PAGES: usize = 20;
/// Longest text of an audit entry's target, in bytes.
pub const AUDIT_TARGET_BYTES: usize = 2_048;

const _: () = assert!(TOUCH_EVERY.as_secs() * 100 < SESSION_IDLE.as_secs());
const _: () = assert!(SESSION_IDLE.as_secs() <= SESSION_LIFE.as_secs());
const _: () = assert!(REFRESH_GRACE.as_secs() < SESSION_IDLE.as_secs());
const _: () = assert!(SIDECAR_BEAT.as_secs() * 3 < SIDECAR_LEASE.as_secs());
