// Owns every bound of this client, with its unit. Those of the protocol are from docs/resume-protocol.md.

/** Bytes of an envelope before its piece of the message. */
export const ENVELOPE_HEAD_BYTES = 9;

/** Envelopes after which what arrived is acknowledged. */
export const ACK_ENVELOPES = 32;
/** Bytes of envelopes after which what arrived is acknowledged. */
export const ACK_BYTES = 64 * 1024;
/** Longest time before what arrived is acknowledged, milliseconds. */
export const ACK_WAIT_MS = 200;

/** Time between two pings, milliseconds. */
export const PING_EVERY_MS = 15_000;
/** A connection on which nothing came for so long is dead, milliseconds. */
export const SILENCE_MS = 40_000;
/** What an attempt has from asking for the token to `ready`, milliseconds. */
export const CONNECT_WAIT_MS = 40_000;

/** First pause between attempts to connect, milliseconds; later ones double. */
export const FIRST_PAUSE_MS = 250;
/** Longest pause between attempts to connect, milliseconds. */
export const LONGEST_PAUSE_MS = 10_000;
/** Longest pause that a sidecar that restarts may ask for, milliseconds. */
export const LONGEST_RETRY_HINT_MS = 60_000;

/** What the sidecar has to answer a Close before the connection is dropped, milliseconds. */
export const CLOSE_ANSWER_MS = 5_000;
/** What close() has to deliver queued messages and the Close, new connections included, milliseconds. */
export const CLOSE_WAIT_MS = 10_000;
/** Longest reason of a Close, bytes of UTF-8 (RFC 6455, section 5.5, less the code). */
export const CLOSE_REASON_BYTES = 123;

/** Bytes of messages that may wait for acknowledgement unless the option `maxBufferedBytes` says otherwise. */
export const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;
