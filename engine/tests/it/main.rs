//! The engine over the embedded store: what callers may rely on, one behaviour a test.

mod atomic;
mod cleanup;
mod collections;
mod copies;
mod documents;
mod filters;
mod harness;
mod model;
mod restart;
mod search;
mod tenants;
