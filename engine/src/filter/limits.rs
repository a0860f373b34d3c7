//! Named bounds of filters.

/// Deepest nesting of `and`, `or` and `not`.
pub const MAX_DEPTH: usize = 16;
/// Most conditions and combinators in one filter.
pub const MAX_NODES: usize = 256;
/// Most values in one `in` list.
pub const MAX_IN: usize = 1_000;
/// Longest field path, in bytes.
pub const MAX_FIELD: usize = 512;
/// Longest string to compare with, in bytes.
pub const MAX_STRING: usize = 8_192;
