//! Tests of the three in-memory indexes: vectors, keywords, filters.

mod filter;
mod keyword;
mod vector;
