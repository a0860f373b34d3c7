//! FoundationDB's limits, on every backend.

use super::{Bed, kind, put, value};
use crate::limits::{KEY_BYTES, TRANSACTION_BYTES, VALUE_BYTES};
use crate::{AtomicOp, ErrorKind, KeySelector, Limit, RangeQuery, Transaction};

/// A versionstamped key whose first byte is the database's own.
const SYSTEM_STAMP: &[u8] = b"\xff0123456789\x01\0\0\0";

async fn outcome(bed: &Bed, change: impl Fn(&Transaction)) -> Option<ErrorKind> {
    let tx = bed.store.begin();
    change(&tx);
    tx.commit().await.err().map(|error| error.kind())
}

pub(super) async fn keys_are_limited(bed: Bed) {
    let longest = vec![b'k'; bed.longest_key];
    let over = vec![b'k'; KEY_BYTES + 1];
    let refused = Some(ErrorKind::TooLarge(Limit::Key));
    assert_eq!(outcome(&bed, |tx| tx.set(&longest, b"1")).await, None);
    assert_eq!(value(&bed.store, &longest).await.as_deref(), Some(&b"1"[..]));
    assert_eq!(outcome(&bed, |tx| tx.clear(&longest)).await, None);
    assert_eq!(value(&bed.store, &longest).await, None);
    assert_eq!(outcome(&bed, |tx| tx.set(&over, b"1")).await, refused);
    assert_eq!(outcome(&bed, |tx| tx.clear(&over)).await, refused);
    assert_eq!(outcome(&bed, |tx| tx.atomic(AtomicOp::Add, &over, b"1")).await, refused);
    assert_eq!(kind(bed.store.begin().get(&over).await), ErrorKind::TooLarge(Limit::Key));
    // The position of a stamp counts, though the stored key is without it.
    let stamped = |length: usize| [&vec![b'k'; length - 4][..], &0u32.to_le_bytes()].concat();
    let set = |tx: &Transaction, key: &[u8]| tx.atomic(AtomicOp::SetVersionstampedKey, key, b"");
    assert_eq!(outcome(&bed, |tx| set(tx, &stamped(bed.longest_key))).await, None);
    assert_eq!(outcome(&bed, |tx| set(tx, &stamped(KEY_BYTES + 1))).await, refused);
}

pub(super) async fn values_are_limited(bed: Bed) {
    let longest = vec![7; VALUE_BYTES];
    let over = vec![7; VALUE_BYTES + 1];
    let refused = Some(ErrorKind::TooLarge(Limit::Value));
    assert_eq!(outcome(&bed, |tx| tx.set(b"k", &longest)).await, None);
    assert_eq!(value(&bed.store, b"k").await.unwrap(), longest);
    assert_eq!(outcome(&bed, |tx| tx.set(b"k", &over)).await, refused);
    assert_eq!(outcome(&bed, |tx| tx.atomic(AtomicOp::BitOr, b"k", &over)).await, refused);
    let stamped = |length: usize| [&vec![0; length - 4][..], &0u32.to_le_bytes()].concat();
    let set = |tx: &Transaction, param: &[u8]| tx.atomic(AtomicOp::SetVersionstampedValue, b"k", param);
    assert_eq!(outcome(&bed, |tx| set(tx, &stamped(VALUE_BYTES))).await, None);
    assert_eq!(outcome(&bed, |tx| set(tx, &stamped(VALUE_BYTES + 1))).await, refused);
}

pub(super) async fn transactions_are_limited(bed: Bed) {
    let fill = |tx: &Transaction, count: usize| {
        (0..count).for_each(|number| tx.set(&(number as u64).to_be_bytes(), &vec![7; VALUE_BYTES]));
    };
    let fitting = TRANSACTION_BYTES / VALUE_BYTES - 2;
    assert_eq!(outcome(&bed, |tx| fill(tx, fitting)).await, None);
    let tx = bed.store.begin();
    fill(&tx, fitting + 3);
    assert_eq!(kind(tx.get(b"k").await), ErrorKind::TooLarge(Limit::Transaction));
    assert_eq!(kind(tx.commit().await), ErrorKind::TooLarge(Limit::Transaction));
    let tx = bed.store.begin();
    let mut reads = Ok(None);
    for number in 0..600u32 {
        let key = [&number.to_be_bytes()[..], &[0; KEY_BYTES - 4]].concat();
        reads = reads.and(tx.get(&key).await);
    }
    assert_eq!(kind(reads), ErrorKind::TooLarge(Limit::Transaction), "conflict ranges count");
}

pub(super) async fn system_keys_are_refused(bed: Bed) {
    let tx = bed.store.begin();
    assert_eq!(kind(tx.get(b"\xff").await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get(b"\xff/conf").await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get_range(RangeQuery::from((&b"a"[..], &b"\xff\xff"[..]))).await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get_key(&KeySelector::first_greater_than(&b"\xff\0"[..])).await), ErrorKind::Invalid);
    assert!(tx.get_range(RangeQuery::from((&b"a"[..], &b"\xff"[..]))).await.is_ok());
    let refused: [fn(&Transaction); 5] = [
        |tx| tx.set(b"\xff", b""),
        |tx| tx.clear(b"\xff/a"),
        |tx| tx.clear_range(b"\xff", b"\xff\xff"),
        |tx| tx.atomic(AtomicOp::Add, b"\xff", b""),
        |tx| tx.atomic(AtomicOp::SetVersionstampedKey, SYSTEM_STAMP, b""),
    ];
    for refused in refused {
        assert_eq!(outcome(&bed, refused).await, Some(ErrorKind::Invalid));
    }
}

pub(super) async fn first_error_is_kept(bed: Bed) {
    let tx = bed.store.begin();
    tx.set(b"fine", b"1");
    tx.set(b"\xff", b"");
    tx.set(&vec![b'k'; KEY_BYTES + 1], b"");
    assert_eq!(kind(tx.get(b"fine").await), ErrorKind::Invalid);
    assert_eq!(kind(tx.commit().await), ErrorKind::Invalid);
    assert_eq!(value(&bed.store, b"fine").await, None);
}

pub(super) async fn atomic_results_are_limited(bed: Bed) {
    put(&bed.store, b"k", &vec![7; VALUE_BYTES - 1]).await;
    for _ in 0..2 {
        let tx = bed.store.begin();
        tx.atomic(AtomicOp::AppendIfFits, b"k", b"x");
        tx.commit().await.unwrap();
    }
    assert_eq!(value(&bed.store, b"k").await.unwrap().len(), VALUE_BYTES);
}
