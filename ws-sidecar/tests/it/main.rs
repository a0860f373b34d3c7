//! The sidecar as its clients meet it: over sockets, with a workspace of the tests' own, and sessions on an embedded store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod bridging;
mod harness;
mod large;
mod plain;
mod relaying;
mod resuming;
mod sessions;
mod signing_in;
mod torture;
mod workspace;
