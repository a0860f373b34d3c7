//! The server as its clients meet it: over HTTP, and as a process. The embedder is a small HTTP server of the tests' own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[path = "../../../workspaces/tests/it/cluster/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests of workspaces need more of it")]
mod cluster;
mod collections;
mod commands;
mod context;
mod description;
mod documents;
mod embedder;
mod faults;
mod first_start;
mod gateway;
mod harness;
mod hostile;
mod http;
mod ingest;
mod isolation;
mod late;
mod recall;
mod search;
mod shutdown;
mod sidecars;
mod sign_in;
mod workspaces;
