//! What can be wrong with a filter.

/// A filter that was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter at \"{pointer}\": {message}")]
pub struct FilterError {
    /// RFC 6901 pointer to the offending place, relative to the filter (empty for the filter itself).
    pub pointer: String,
    /// What is wrong there and what would be right.
    pub message: String,
}
