//! What a transaction asks to change, before it is committed.

use bytes::Bytes;

/// An operation on a value that needs no read by the caller and so conflicts with no other writer.
///
/// Numbers are little endian and unsigned. The parameter's length decides: a shorter stored value is extended with
/// zero bytes, a longer one is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AtomicOp {
    /// Adds, wrapping at the parameter's length. A missing value counts as zero.
    Add,
    /// Keeps the smaller number. A missing value takes the parameter.
    Min,
    /// Keeps the greater number. A missing value takes the parameter.
    Max,
    /// Keeps the value that sorts first, byte by byte. A missing value takes the parameter.
    ByteMin,
    /// Keeps the value that sorts last, byte by byte. A missing value takes the parameter.
    ByteMax,
    /// Bitwise and. A missing value takes the parameter.
    BitAnd,
    /// Bitwise or.
    BitOr,
    /// Bitwise exclusive or.
    BitXor,
    /// Appends the parameter, unless the value would grow over its limit: then it stays as it is.
    AppendIfFits,
    /// Clears the key when its value equals the parameter.
    CompareAndClear,
    /// Sets `key`, after putting the commit's 10-byte versionstamp at the position that the key's last four bytes
    /// (little endian; they are removed) name. They count against the limit of a key.
    SetVersionstampedKey,
    /// Sets the value, after putting the commit's 10-byte versionstamp at the position that the parameter's last four bytes
    /// (little endian; they are removed) name. They count against the limit of a value. Until the key is cleared, this
    /// transaction cannot read it any more.
    SetVersionstampedValue,
}

/// A change in the order in which the transaction made it.
#[derive(Debug, Clone)]
pub(crate) enum Mutation {
    Set { key: Bytes, value: Bytes },
    ClearRange { begin: Bytes, end: Bytes },
    Atomic { op: AtomicOp, key: Bytes, param: Bytes },
}

impl Mutation {
    /// What it adds to the transaction's size, in bytes: itself and the conflict range that it implies.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Set { key, value } => 3 * key.len() + value.len() + 1,
            Self::ClearRange { begin, end } => 2 * (begin.len() + end.len()),
            Self::Atomic { key, param, .. } => 3 * key.len() + param.len() + 1,
        }
    }
}
