//! Tests of the three in-memory indexes: vectors, keywords, filters.

mod vector;
