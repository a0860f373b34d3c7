//! The engine over the embedded store: what callers may rely on, one behaviour a test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod atomic;
mod backup;
mod cleanup;
mod collections;
mod copies;
mod documents;
mod filters;
mod harness;
mod late;
mod model;
mod reach;
mod recall;
mod replicas;
mod restart;
mod search;
mod snapshots;
mod tenants;
mod traps;
mod unknown;
mod upkeep;
mod verify;
