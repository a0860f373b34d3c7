//! Named bounds of the tree walk.

/// Largest file or record that is read, in bytes, unless the caller says otherwise.
pub const FILE_BYTES: u64 = 5 * 1024 * 1024;
/// Bytes at the start of a file that are searched for signs of a binary format.
pub const SAMPLE_BYTES: usize = 64 * 1024;
/// A file is binary when more than one in this many sampled bytes is a control byte.
pub const CONTROL_SHARE: usize = 10;
/// A file is not text when more than one in this many sampled bytes is not UTF-8.
pub const INVALID_SHARE: usize = 3;
/// Longest reason text that is kept of an error.
pub const REASON_BYTES: usize = 300;
