//! The size of a transaction, as the client of FoundationDB counts it: keys, values, and a fixed amount for each part.

/// Bytes that a mutation counts beside its key and value.
const MUTATION: usize = 32;
/// Bytes that a range counts beside its two keys.
const RANGE: usize = 24;

/// A set or an atomic operation, with its conflict range if it has one.
pub(crate) fn apply(key: &[u8], param: &[u8], conflict: bool) -> usize {
    key.len() + param.len() + MUTATION + if conflict { key_range(key) } else { 0 }
}

/// A cleared range.
pub(crate) fn clear(begin: &[u8], end: &[u8], conflict: bool) -> usize {
    begin.len() + end.len() + MUTATION + if conflict { range(begin, end) } else { 0 }
}

/// A conflict range.
pub(crate) fn range(begin: &[u8], end: &[u8]) -> usize {
    begin.len() + end.len() + RANGE
}

/// The conflict range of one key.
pub(crate) fn key_range(key: &[u8]) -> usize {
    2 * key.len() + 1 + RANGE
}
