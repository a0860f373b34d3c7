//! Users, sessions and tokens as their callers see them, on the embedded store or FoundationDB's stand-in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod accounts;
mod audit;
mod cleanup;
mod connections;
mod guard;
mod harness;
mod hostile;
mod pods;
mod refresh;
mod service;
mod sessions;
mod unknown;
