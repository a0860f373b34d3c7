//! Tests of the three in-memory indexes: vectors, keywords, filters.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filter;
mod keyword;
mod vector;
