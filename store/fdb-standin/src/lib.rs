//! FoundationDB's C API (version 7.3) on an in-memory database, for tests. It is never shipped.
//!
//! A database lives as long as the process, under the `description:id` of its cluster file: all clients of one process that
//! name the same one share it; other processes do not see it. Everything that FoundationDB does on its network thread happens
//! here on the thread that calls `fdb_run_network`.
//!
//! The data structures are plain on purpose (ordered maps of versions, lists of ranges): this library is what other code is
//! measured against, so it is written to be compared with FoundationDB's documentation, not to be fast.
#![allow(unsafe_code, reason = "a C API is pointers; each block says why it holds")]
#![allow(missing_docs, reason = "functions and their parameters are those of FoundationDB's C API")]
#![allow(clippy::missing_safety_doc, reason = "as above: the C API's documentation says what a caller owes")]

pub mod abi;
pub mod api;
mod atomic;
mod client;
mod cluster;
mod connection;
pub mod errors;
mod faults;
mod future;
mod mutation;
mod network;
mod options;
mod ranges;
mod reading;
mod size;
mod transaction;
mod versions;
mod view;
mod write_map;
