//! Tests of the stand-in through its C functions, each from what FoundationDB documents.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(unsafe_code, reason = "the functions under test are a C API; each block says why it holds")]

mod api;
mod conflicts;
mod errors;
mod faults;
mod futures;
mod limits;
mod model;
mod options;
mod own_writes;
mod reads;
mod retries;
mod stamps;
mod time;
mod watches;
