//! Changes to keys, as a commit carries them.

use crate::abi::ErrorCode;
use crate::errors;

/// An atomic operation, with its `FDBMutationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Set,
    Add,
    And,
    Or,
    Xor,
    AppendIfFits,
    Max,
    Min,
    ByteMin,
    ByteMax,
    CompareAndClear,
    SetVersionstampedKey,
    SetVersionstampedValue,
}

impl Op {
    /// The operation of a `FDBMutationType`.
    pub(crate) fn from_code(code: i32) -> Result<Self, ErrorCode> {
        Ok(match code {
            2 => Self::Add,
            6 => Self::And,
            7 => Self::Or,
            8 => Self::Xor,
            9 => Self::AppendIfFits,
            12 => Self::Max,
            13 => Self::Min,
            14 => Self::SetVersionstampedKey,
            15 => Self::SetVersionstampedValue,
            16 => Self::ByteMin,
            17 => Self::ByteMax,
            20 => Self::CompareAndClear,
            _ => return Err(errors::INVALID_MUTATION_TYPE),
        })
    }

    /// Whether the value afterwards depends on the value before.
    pub(crate) fn is_dependent(self) -> bool {
        !matches!(self, Self::Set | Self::SetVersionstampedKey | Self::SetVersionstampedValue)
    }
}

/// A change, in the order in which a commit makes it.
#[derive(Debug, Clone)]
pub(crate) enum Mutation {
    Clear { begin: Vec<u8>, end: Vec<u8> },
    Apply { op: Op, key: Vec<u8>, param: Vec<u8> },
}

/// The first key behind `key`.
pub(crate) fn key_after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// Length of a versionstamp in keys and values.
const STAMP: usize = 10;

/// Where the stamp goes: the last four bytes, little endian, which are no part of the result.
fn stamp_position(template: &[u8]) -> Result<usize, ErrorCode> {
    let Some((body, suffix)) = template.len().checked_sub(4).map(|at| template.split_at(at)) else {
        return Err(errors::INVALID_OPERATION);
    };
    let position = suffix.iter().rev().fold(0usize, |sum, &byte| sum * 256 + usize::from(byte));
    match position + STAMP <= body.len() && i32::try_from(position).is_ok() {
        true => Ok(position),
        false => Err(errors::INVALID_OPERATION),
    }
}

/// The template with the stamp in place and without its suffix.
pub(crate) fn stamped(template: &[u8], stamp: [u8; STAMP]) -> Result<Vec<u8>, ErrorCode> {
    let position = stamp_position(template)?;
    let mut result = template[..template.len() - 4].to_vec();
    result[position..position + STAMP].copy_from_slice(&stamp);
    Ok(result)
}

/// The template with the stamp in place, and still with its suffix.
pub(crate) fn restamped(template: &[u8], stamp: [u8; STAMP]) -> Result<Vec<u8>, ErrorCode> {
    let mut result = stamped(template, stamp)?;
    result.extend_from_slice(&template[template.len() - 4..]);
    Ok(result)
}

/// A versionstamp: eight bytes of version and two of order within its batch, both big endian.
pub(crate) fn stamp(version: i64, order: u16) -> [u8; STAMP] {
    let mut stamp = [0; STAMP];
    stamp[..8].copy_from_slice(&version.to_be_bytes());
    stamp[8..].copy_from_slice(&order.to_be_bytes());
    stamp
}
