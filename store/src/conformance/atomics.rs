//! Atomic operations as the database does them at the commit.

use super::{Bed, kind, put, value};
use crate::{AtomicOp, ErrorKind};

type Row = (AtomicOp, Option<&'static [u8]>, &'static [u8], Option<&'static [u8]>);

/// Operation, value before, parameter, value after.
const TABLE: &[Row] = &[
    (AtomicOp::Add, None, b"\x05\x00", Some(b"\x05\x00")),
    (AtomicOp::Add, Some(b"\xff\x00"), b"\x01\x00", Some(b"\x00\x01")),
    (AtomicOp::Add, Some(b"\xff"), b"\x01\x00", Some(b"\x00\x01")),
    (AtomicOp::Add, Some(b"\x01\x02\x03"), b"\x01\x01", Some(b"\x02\x03")),
    (AtomicOp::Add, Some(b"\xff\xff"), b"\x01\x00", Some(b"\x00\x00")),
    (AtomicOp::Min, None, b"\x05", Some(b"\x05")),
    (AtomicOp::Min, Some(b"\x03\x01"), b"\x04\x01", Some(b"\x03\x01")),
    (AtomicOp::Min, Some(b"\x03\x02"), b"\x04\x01", Some(b"\x04\x01")),
    (AtomicOp::Min, Some(b"\x03"), b"\x04\x01", Some(b"\x03\x00")),
    (AtomicOp::Max, None, b"\x05", Some(b"\x05")),
    (AtomicOp::Max, Some(b"\x03\x02"), b"\x04\x01", Some(b"\x03\x02")),
    (AtomicOp::Max, Some(b"\x03\x01"), b"\x04\x01", Some(b"\x04\x01")),
    (AtomicOp::Max, Some(b"\x03\x01\x09"), b"\x04\x01", Some(b"\x04\x01")),
    (AtomicOp::ByteMin, None, b"b", Some(b"b")),
    (AtomicOp::ByteMin, Some(b"b"), b"ab", Some(b"ab")),
    (AtomicOp::ByteMin, Some(b"a"), b"ab", Some(b"a")),
    (AtomicOp::ByteMax, None, b"b", Some(b"b")),
    (AtomicOp::ByteMax, Some(b"a"), b"ab", Some(b"ab")),
    (AtomicOp::ByteMax, Some(b"b"), b"ab", Some(b"b")),
    (AtomicOp::BitAnd, None, b"\x0f", Some(b"\x0f")),
    (AtomicOp::BitAnd, Some(b"\x0f"), b"\x3c\xff", Some(b"\x0c\x00")),
    (AtomicOp::BitOr, None, b"\x0f", Some(b"\x0f")),
    (AtomicOp::BitOr, Some(b"\x0f"), b"\x30\x01", Some(b"\x3f\x01")),
    (AtomicOp::BitXor, None, b"\x0f", Some(b"\x0f")),
    (AtomicOp::BitXor, Some(b"\x0f"), b"\x3c\x01", Some(b"\x33\x01")),
    (AtomicOp::AppendIfFits, None, b"a", Some(b"a")),
    (AtomicOp::AppendIfFits, Some(b"a"), b"b", Some(b"ab")),
    (AtomicOp::CompareAndClear, None, b"a", None),
    (AtomicOp::CompareAndClear, Some(b"a"), b"a", None),
    (AtomicOp::CompareAndClear, Some(b"a"), b"b", Some(b"a")),
];

pub(super) async fn atomic_table_holds(bed: Bed) {
    for (op, before, param, after) in TABLE {
        let tx = bed.store.begin();
        match before {
            Some(before) => tx.set(b"k", before),
            None => tx.clear(b"k"),
        }
        tx.commit().await.unwrap();
        let tx = bed.store.begin();
        tx.atomic(*op, b"k", param);
        assert_eq!(tx.get(b"k").await.unwrap().as_deref(), *after, "read back {op:?} {before:?} {param:?}");
        tx.commit().await.unwrap();
        assert_eq!(value(&bed.store, b"k").await.as_deref(), *after, "stored {op:?} {before:?} {param:?}");
    }
}

pub(super) async fn atomics_do_not_conflict_with_each_other(bed: Bed) {
    let open: Vec<_> = (0..32).map(|_| bed.store.begin()).collect();
    for tx in &open {
        tx.read_version().await.unwrap();
        tx.atomic(AtomicOp::Add, b"n", &1u64.to_le_bytes());
    }
    let commits = open.iter().map(crate::Transaction::commit);
    futures::future::try_join_all(commits).await.unwrap();
    assert_eq!(value(&bed.store, b"n").await.as_deref(), Some(&32u64.to_le_bytes()[..]));
}

pub(super) async fn atomics_conflict_with_readers(bed: Bed) {
    put(&bed.store, b"n", &[1]).await;
    let reader = bed.store.begin();
    reader.get(b"n").await.unwrap();
    reader.set(b"x", b"");
    let own = bed.store.begin();
    own.atomic(AtomicOp::Add, b"n", &[1]);
    own.get(b"n").await.unwrap();
    let adder = bed.store.begin();
    adder.atomic(AtomicOp::Add, b"n", &[1]);
    adder.commit().await.unwrap();
    assert_eq!(kind(reader.commit().await), ErrorKind::Conflict);
    assert_eq!(kind(own.commit().await), ErrorKind::Conflict, "reading back depends on what was stored");
}
