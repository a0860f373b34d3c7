//! Users, sessions and tokens as their callers see them, on the embedded store or FoundationDB's stand-in.

mod accounts;
mod audit;
mod cleanup;
mod guard;
mod harness;
mod hostile;
mod refresh;
mod service;
mod sessions;
