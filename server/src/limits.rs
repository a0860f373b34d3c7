//! Every bound of the server, by name. Those that an operator may change are the defaults of settings.

use std::time::Duration;

/// Largest request body, bytes (`limits.body_bytes`).
pub const BODY_BYTES: u64 = 32 * 1024 * 1024;
/// Largest body that `limits.body_bytes` may allow, bytes.
pub const BODY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most documents of one batch (`limits.batch_documents`).
pub const BATCH_DOCUMENTS: usize = 256;
/// Longest wait for a request's body, milliseconds (`limits.body_timeout_ms`).
pub const BODY_TIMEOUT_MS: u64 = 30_000;
/// Longest handling of a request that reads, milliseconds (`limits.read_timeout_ms`).
pub const READ_TIMEOUT_MS: u64 = 30_000;
/// Longest handling of a request that writes, milliseconds (`limits.write_timeout_ms`).
pub const WRITE_TIMEOUT_MS: u64 = 600_000;
/// Requests that read and are handled at once; further ones are turned away (`limits.read_concurrency`).
pub const READ_CONCURRENCY: usize = 256;
/// Requests that write and are handled at once; further ones are turned away (`limits.write_concurrency`).
pub const WRITE_CONCURRENCY: usize = 16;
/// Open connections; further ones wait to be accepted (`limits.connections`).
pub const CONNECTIONS: usize = 1_024;
/// How long requests under way may take to finish at shutdown, milliseconds (`limits.shutdown_ms`).
pub const SHUTDOWN_MS: u64 = 20_000;
/// Memory for vectors of recent queries, mebibytes (`query_cache_mb`).
pub const QUERY_CACHE_MB: u64 = 32;

/// Longest wait for a request's head that has begun, and for the first of a connection.
pub const HEAD_WAIT: Duration = Duration::from_secs(30);
/// Longest wait for the next request on an open connection. Longer than clients keep idle connections, so that it is they who close them: Google's load
/// balancer, which does not ask again when a connection closes under its request, keeps them for 600 s. How many there are is bounded (`limits.connections`).
pub const IDLE_WAIT: Duration = Duration::from_secs(620);
/// Pause after a failed accept (no file descriptors left), before the next.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A body larger than this is parsed on a thread where blocking is allowed, bytes.
pub const PARSE_INLINE_BYTES: usize = 64 * 1024;
/// Largest body of a request about accounts and tokens, bytes.
pub const SHORT_BODY_BYTES: u64 = 64 * 1024;
/// Requests of those who sign in that are handled at once; further ones are turned away.
pub const SIGN_IN_CONCURRENCY: usize = 256;
/// Longest query string of a URL, bytes.
pub const QUERY_STRING_BYTES: usize = 48 * 1024;
/// Longest `x-request-id` that is taken over from a client, bytes.
pub const REQUEST_ID_BYTES: usize = 64;
/// Most characters of a problem's `detail`; a longer one is cut.
pub const PROBLEM_DETAIL_CHARS: usize = 1_000;
/// `Retry-After` of answers that turn a request away, seconds.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// Entries of a page when a listing's `limit` is not given.
pub const PAGE_DEFAULT: usize = 100;
/// Results when `top_k` is not given.
pub const TOP_K_DEFAULT: usize = 10;
/// Longest cursor, bytes of its text.
pub const CURSOR_BYTES: usize = 2_048;
/// Largest `max_latency_ms` of a search.
pub const MAX_LATENCY_MS: u32 = 60_000;
/// Letters of a word that may be misspelt.
pub const SPELLED_LETTERS: std::ops::RangeInclusive<usize> = 4..=24;
/// Most words of a query that are looked at for their spelling.
pub const SPELLED_WORDS: usize = 8;
/// Longest description of a collection, bytes.
pub const DESCRIPTION_BYTES: usize = 4_096;
/// Longest kind of a document, bytes.
pub const KIND_BYTES: usize = 64;

/// Budget of a packed context when `max_tokens` is not given, tokens.
pub const CONTEXT_TOKENS_DEFAULT: usize = 2_000;
/// Smallest budget of a packed context, tokens.
pub const CONTEXT_TOKENS_MIN: usize = 16;
/// A passage is taken to have at least this many tokens when guessing how many fit into a context.
pub const CONTEXT_PASSAGE_TOKENS: usize = 40;
/// Fewest passages that a context is packed from.
pub const CONTEXT_TOP_K_MIN: usize = 20;
/// Most passages that a context is packed from.
pub const CONTEXT_TOP_K_MAX: usize = 400;

/// Documents that one request splits at once, and is ahead of the embedder by.
pub const SPLIT_AHEAD: usize = 2;
/// Documents of one request that are embedded at once; they share the embedder's batches.
pub const EMBED_AHEAD: usize = 256;
/// Documents of one request that are written at once; they share the store's commits.
pub const WRITES_AT_ONCE: usize = 16;
/// Texts of one call to the embedder.
pub const EMBED_BATCH_TEXTS: usize = 128;
/// Calls to the embedder at once: the second fills the pauses at the first one's end.
pub const EMBED_CALLS: usize = 2;
/// Texts that wait for the embedder, over all requests; further ones hold their request back.
pub const EMBED_QUEUE_TEXTS: usize = 1_024;
/// Memory for vectors of passages just embedded, bytes: copies find them before the index has them.
pub const RECENT_VECTOR_BYTES: u64 = 16 * 1024 * 1024;

/// A request that took longer is logged as slow.
pub const SLOW_REQUEST: Duration = Duration::from_secs(5);
/// How often the metrics' histograms are tidied.
pub const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// Connections of those who read metrics.
pub const METRICS_CONNECTIONS: usize = 16;
/// Most collections that have gauges of their own.
pub const METRICS_COLLECTIONS: usize = 200;

const _: () = assert!(BODY_BYTES <= BODY_BYTES_MAX);
const _: () = assert!(SHORT_BODY_BYTES as usize > 2 * coditect_auth::limits::METADATA_BYTES);
const _: () = assert!(QUERY_STRING_BYTES > coditect_engine::limits::QUERY_BYTES);
const _: () = assert!(CURSOR_BYTES > 4 * coditect_engine::limits::DOCUMENT_ID_BYTES / 3 + 64);
const _: () = assert!(CONTEXT_TOP_K_MAX <= coditect_engine::limits::TOP_K);
const _: () = assert!(PAGE_DEFAULT <= coditect_engine::limits::PAGE);
/// Age of its last snapshot at which a collection that has changed gets another, seconds.
pub const SNAPSHOT_INTERVAL_S: u64 = 900;
/// Snapshots that are kept of a collection.
pub const SNAPSHOTS_KEPT: usize = 2;
/// How long it stays possible to go back to a state that was replaced or removed, seconds.
pub const BACKUP_HISTORY_S: u64 = 7 * 24 * 3_600;
/// How often the server deletes sessions that are over, seconds (`auth.cleanup_interval_s`).
pub const CLEANUP_INTERVAL_S: u64 = 3_600;
/// Sockets to workspaces at once; further ones are turned away (`gateway.sockets`).
pub const SOCKETS: usize = 10_000;
/// Sockets to workspaces of one user at once (`gateway.sockets_per_user`).
pub const SOCKETS_PER_USER: usize = 100;
/// Longest wait for a sidecar's answer to a handshake. It waits for its workspace itself.
pub const SIDECAR_WAIT: Duration = Duration::from_secs(15);
/// Longest wait of a sidecar's question for news.
pub const SIDECAR_POLL: Duration = Duration::from_secs(25);
/// Longest body of a sidecar's answer that is no socket, bytes.
pub const SIDECAR_ANSWER_BYTES: usize = 64 * 1024;
/// Buffer of a tunnel, for each direction, bytes.
pub const TUNNEL_BUFFER_BYTES: usize = 16 * 1024;
/// What one end of a tunnel has to end when the other has.
pub const TUNNEL_END_WAIT: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it is sent: longer than its sidecar waits for a sign of it.
pub const UNREAD_WAIT: Duration = Duration::from_secs(60);
/// Longest reason of a Close, bytes (RFC 6455, section 5.5, less the code).
pub const CLOSE_REASON_BYTES: usize = 123;
/// What a page has to answer a Close.
pub const GOODBYE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for a client that begins to speak TLS.
pub const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// How often certificates are looked at for newer ones.
pub const TLS_LOOK: Duration = Duration::from_secs(60);
/// How often a command's line on a terminal is drawn.
pub const PROGRESS_TICK: Duration = Duration::from_millis(120);
/// How long the start waits for a cluster, milliseconds.
pub const STORE_START_TIMEOUT_MS: u64 = 15_000;
