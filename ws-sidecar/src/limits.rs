//! Every bound of this crate that is no setting, with its unit and where it comes from.

use std::time::Duration;

/// Longest payload of a control frame, bytes (RFC 6455, section 5.5).
pub const CONTROL_BYTES: usize = 125;
/// Messages pass in pieces of at most this many bytes; a frame that is not longer stays one frame.
pub const PIECE_BYTES: usize = 64 * 1_024;
/// So many bytes of a frame must still be to come before they are led past this process.
pub const SPLICE_FROM: usize = 16 * 1_024;
/// Size of a pipe, bytes: what is led past this process at once, at most.
pub const PIPE_BYTES: usize = 1 << 20;
/// Pipes at once. Each takes two files; what Linux lets the pipes of a user have on a node (`fs.pipe-user-pages-soft`, 64 MiB) is for all its processes.
pub const PIPES: usize = 32;
/// Empty pipes that are kept for their next use.
pub const SPARE_PIPES: usize = 8;
/// Pause before another pipe is asked for when there was none.
pub const PIPE_RETRY: Duration = Duration::from_secs(1);
/// Of so many frames that were queued last, so many may be in pipes.
pub const QUEUED_PIPES: (usize, usize) = (8, 4);
/// An end that has not taken everything for so long is slow: it gets large frames in parts, between which control frames pass.
pub const QUICK_WITHIN: Duration = Duration::from_millis(200);
/// Longest head of a frame, bytes (RFC 6455, section 5.2).
pub const FRAME_HEAD_BYTES: usize = 14;
/// Room for the first read of a connection, bytes. It doubles while reads fill it.
pub const READ_BYTES: usize = 4 * 1_024;
/// Most room for a read, bytes.
pub const READ_MOST_BYTES: usize = 128 * 1_024;
/// Payloads of fewer bytes are copied out of the buffer that they were read into.
pub const OWN_BYTES: usize = 2 * 1_024;
/// Slices of one vectored write.
pub const SLICES: usize = 64;
/// Control frames that wait for one end, at most; the oldest makes room.
pub const CONTROLS_WAITING: usize = 32;
/// Deflate and inflate contexts that each thread keeps for the next message.
pub const SPARE_CONTEXTS: usize = 8;
/// Compression level: fast, because terminals and editors wait for each message.
pub const DEFLATE_LEVEL: u32 = 3;
/// Messages of fewer bytes are not compressed.
pub const DEFLATE_FROM: usize = 512;

/// A client that signs in with its first message has so long to send it.
pub const FIRST_MESSAGE_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for the workspace before a new connection is refused for now.
pub const DIAL_WAIT: Duration = Duration::from_secs(10);
/// Longest wait for one attempt to connect to the workspace.
pub const DIAL_ATTEMPT: Duration = Duration::from_secs(3);
/// First pause between attempts; later ones double.
pub const DIAL_PAUSE: Duration = Duration::from_millis(100);
/// Longest pause between attempts.
pub const DIAL_MOST_PAUSE: Duration = Duration::from_secs(2);
/// What the other end has to answer a Close.
pub const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// What an end has to take all that waits before Close, if it takes some of it within each [`CLOSE_WAIT`].
pub const LAST_WAIT: Duration = Duration::from_secs(60);
/// Longest wait for a request's head.
pub const HEAD_WAIT: Duration = Duration::from_secs(10);
/// Longest head of an answer of the workspace, bytes.
pub const HEAD_BYTES: usize = 16 * 1_024;
/// Subprotocols of an offer that are looked at.
pub const PROTOCOLS: usize = 32;
/// Pause between looks at a session that may not be used, whose connections are ending.
pub const REFUSED_PAUSE: Duration = Duration::from_millis(100);
/// Longest wait of one question to the store about a session, or about orders.
pub const LOOK_WAIT: Duration = Duration::from_secs(5);
/// The same for the gateway: each question is a request.
pub const POLL_WAIT: Duration = Duration::from_secs(20);
/// Longest wait for an answer of the gateway.
pub const GATEWAY_WAIT: Duration = Duration::from_secs(30);
/// Longest answer of the gateway, bytes: the ids of all connections.
pub const ANSWER_BYTES: usize = 1 << 20;
/// Connections that are entered in the registry at once, when it has forgotten all of them.
pub const ENTERING: usize = 32;
/// Pause before the store is asked again after it did not answer.
pub const STANDING_RETRY: Duration = Duration::from_secs(1);
/// The longest message of the resume protocol that is no envelope, bytes.
pub const RESUME_TEXT_BYTES: usize = 4 * 1_024;
/// Bytes of an envelope before its payload.
pub const ENVELOPE_HEAD_BYTES: usize = 9;
/// Envelopes after which what arrived is acknowledged.
pub const ACK_ENVELOPES: u64 = 32;
/// Bytes after which what arrived is acknowledged.
pub const ACK_BYTES: usize = 64 * 1_024;
/// Longest time before what arrived is acknowledged.
pub const ACK_WAIT: Duration = Duration::from_millis(200);
/// Clients are asked to come back after a restart within this time, each after its own part of it.
pub const RETRY_SPREAD: Duration = Duration::from_secs(2);
/// Connections of the operator at once.
pub const OPS_CONNECTIONS: usize = 64;
/// Pause after a connection could not be accepted.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const _: () = assert!(POLL_WAIT.as_secs() < GATEWAY_WAIT.as_secs());
