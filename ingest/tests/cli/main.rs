//! The `coditect-ingest` command as users run it, against a gateway in memory.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod faults;
mod gateway;
mod harness;
mod interrupt;
mod names;
mod push;
mod status;
mod sync;
mod watch;
