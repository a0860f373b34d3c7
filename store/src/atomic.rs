//! The arithmetic of atomic operations, byte for byte as FoundationDB does it.

use bytes::Bytes;

use crate::limits::VALUE_BYTES;
use crate::mutation::AtomicOp;

/// The value that `op` leaves behind; `None` clears the key.
///
/// The versionstamped operations have been turned into plain sets before; here they set the parameter.
pub(crate) fn apply(op: AtomicOp, existing: Option<&[u8]>, param: &Bytes) -> Option<Bytes> {
    let Some(existing) = existing else {
        return (op != AtomicOp::CompareAndClear).then(|| param.clone());
    };
    let resized = || (0..param.len()).map(|index| existing.get(index).copied().unwrap_or(0));
    let bitwise = |combine: fn(u8, u8) -> u8| -> Bytes {
        resized().zip(param.iter()).map(|(old, &new)| combine(old, new)).collect()
    };
    Some(match op {
        AtomicOp::Add => add(resized(), param),
        AtomicOp::Min if resized().rev().cmp(param.iter().rev().copied()).is_le() => resized().collect(),
        AtomicOp::Max if resized().rev().cmp(param.iter().rev().copied()).is_ge() => resized().collect(),
        AtomicOp::ByteMin if *existing < **param => Bytes::copy_from_slice(existing),
        AtomicOp::ByteMax if *existing > **param => Bytes::copy_from_slice(existing),
        AtomicOp::BitAnd => bitwise(|old, new| old & new),
        AtomicOp::BitOr => bitwise(|old, new| old | new),
        AtomicOp::BitXor => bitwise(|old, new| old ^ new),
        AtomicOp::AppendIfFits if existing.len() + param.len() > VALUE_BYTES => Bytes::copy_from_slice(existing),
        AtomicOp::AppendIfFits => [existing, param].concat().into(),
        AtomicOp::CompareAndClear if *existing == **param => return None,
        AtomicOp::CompareAndClear => Bytes::copy_from_slice(existing),
        AtomicOp::Min | AtomicOp::Max | AtomicOp::ByteMin | AtomicOp::ByteMax => param.clone(),
        AtomicOp::SetVersionstampedKey | AtomicOp::SetVersionstampedValue => param.clone(),
    })
}

fn add(existing: impl Iterator<Item = u8>, param: &[u8]) -> Bytes {
    let mut carry = false;
    existing
        .zip(param)
        .map(|(old, &new)| {
            let (sum, over) = old.overflowing_add(new);
            let (sum, over_carry) = sum.overflowing_add(u8::from(carry));
            carry = over || over_carry;
            sum
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(op: AtomicOp, existing: Option<&[u8]>, param: &[u8], expected: Option<&[u8]>) {
        let result = apply(op, existing, &Bytes::copy_from_slice(param));
        assert_eq!(result.as_deref(), expected, "{op:?} {existing:?} {param:?}");
    }

    #[test]
    fn missing_values_take_the_parameter() {
        use AtomicOp::*;
        for op in [Add, Min, Max, ByteMin, ByteMax, BitAnd, BitOr, BitXor, AppendIfFits] {
            check(op, None, b"\x05\x01", Some(b"\x05\x01"));
        }
        check(CompareAndClear, None, b"", None);
    }

    #[test]
    fn numbers_take_the_length_of_the_parameter() {
        use AtomicOp::*;
        check(Add, Some(b"\xff"), b"\x01\x00", Some(b"\x00\x01"));
        check(Add, Some(b"\xff\xff\x07"), b"\x01\x00", Some(b"\x00\x00"));
        check(Add, Some(b"\xff"), b"", Some(b""));
        check(Max, Some(b"\x01\x02\x09"), b"\x02\x02", Some(b"\x02\x02"));
        check(Max, Some(b"\x03\x02\x09"), b"\x02\x02", Some(b"\x03\x02"));
        check(Max, Some(b"\x03"), b"\x02\x00", Some(b"\x03\x00"));
        check(Min, Some(b"\x03"), b"\x02\x01", Some(b"\x03\x00"));
        check(Min, Some(b"\x03\x00\x01"), b"\x04\x00", Some(b"\x03\x00"));
        check(Min, Some(b""), b"\x04", Some(b"\x00"));
    }

    #[test]
    fn bytes_compare_in_key_order() {
        use AtomicOp::*;
        check(ByteMin, Some(b"b"), b"ab", Some(b"ab"));
        check(ByteMin, Some(b"a"), b"ab", Some(b"a"));
        check(ByteMax, Some(b"a"), b"ab", Some(b"ab"));
        check(ByteMax, Some(b"b"), b"ab", Some(b"b"));
    }

    #[test]
    fn bits_append_and_compare() {
        use AtomicOp::*;
        check(BitAnd, Some(b"\x0f"), b"\x3c\xff", Some(b"\x0c\x00"));
        check(BitOr, Some(b"\x0f"), b"\x30\x01", Some(b"\x3f\x01"));
        check(BitXor, Some(b"\x0f\xff"), b"\x3c", Some(b"\x33"));
        check(AppendIfFits, Some(b"ab"), b"c", Some(b"abc"));
        let full = vec![7; VALUE_BYTES];
        check(AppendIfFits, Some(&full), b"c", Some(&full));
        check(CompareAndClear, Some(b"a"), b"a", None);
        check(CompareAndClear, Some(b"a"), b"b", Some(b"a"));
    }
}
