//! The `coditect-ingest` command as users run it, against a gateway in memory.

mod faults;
mod gateway;
mod harness;
mod interrupt;
mod names;
mod push;
mod status;
mod sync;
mod watch;
