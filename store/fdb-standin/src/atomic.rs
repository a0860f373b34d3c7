//! What atomic operations do to a value, as <https://apple.github.io/foundationdb/api-c.html#c.FDBMutationType> says.

use crate::mutation::Op;

/// Longest value, in bytes.
pub(crate) const VALUE_LIMIT: usize = 100_000;

/// The value that an operation leaves; `None` when the key is then gone.
pub(crate) fn apply(op: Op, before: Option<&[u8]>, param: &[u8]) -> Option<Vec<u8>> {
    let Some(before) = before else {
        return (op != Op::CompareAndClear).then(|| param.to_vec());
    };
    let after = match op {
        Op::Set | Op::SetVersionstampedKey | Op::SetVersionstampedValue => param.to_vec(),
        Op::Add => add(&fitted(before, param.len()), param),
        Op::And => bitwise(before, param, |old, new| old & new),
        Op::Or => bitwise(before, param, |old, new| old | new),
        Op::Xor => bitwise(before, param, |old, new| old ^ new),
        Op::AppendIfFits if before.len() + param.len() <= VALUE_LIMIT => [before, param].concat(),
        Op::AppendIfFits => before.to_vec(),
        Op::Max => later(fitted(before, param.len()), param.to_vec(), |old, new| number(old) > number(new)),
        Op::Min => later(fitted(before, param.len()), param.to_vec(), |old, new| number(old) < number(new)),
        Op::ByteMax => later(before.to_vec(), param.to_vec(), |old, new| old > new),
        Op::ByteMin => later(before.to_vec(), param.to_vec(), |old, new| old < new),
        Op::CompareAndClear if before == param => return None,
        Op::CompareAndClear => before.to_vec(),
    };
    Some(after)
}

/// The value with zero bytes behind it, or cut, so that it has this length.
fn fitted(value: &[u8], length: usize) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(length, 0);
    value
}

fn bitwise(before: &[u8], param: &[u8], combine: fn(u8, u8) -> u8) -> Vec<u8> {
    fitted(before, param.len()).into_iter().zip(param).map(|(old, &new)| combine(old, new)).collect()
}

/// Adds little-endian numbers of one length; what does not fit is lost.
fn add(one: &[u8], two: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let digits = one.iter().zip(two).map(|(&one, &two)| {
        let sum = u16::from(one) + u16::from(two) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    digits.collect()
}

/// A little-endian number in an order that compares as numbers of one length do.
fn number(value: &[u8]) -> Vec<u8> {
    value.iter().rev().copied().collect()
}

fn later(old: Vec<u8>, new: Vec<u8>, keeps: fn(&[u8], &[u8]) -> bool) -> Vec<u8> {
    if keeps(&old, &new) { old } else { new }
}
