//! A transaction reads its own writes.

use std::collections::BTreeMap;

use super::{Bed, Numbers, kind, letters, put, put_letters, value};
use crate::{AtomicOp, ErrorKind, KeySelector, RangeQuery, Transaction};

const ALL: (&[u8], &[u8]) = (b"", b"\xff");

pub(super) async fn own_writes_are_read_back(bed: Bed) {
    put_letters(&bed.store, "bdf").await;
    let tx = bed.store.begin();
    tx.set(b"c", b"new");
    tx.set(b"d", b"new");
    assert_eq!(tx.get(b"c").await.unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(tx.get(b"d").await.unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(letters(&tx, RangeQuery::from(ALL)).await, "bcdf");
    assert_eq!(letters(&tx, RangeQuery::from(ALL).reverse().limit(3)).await, "fdc");
    let next = tx.get_key(&KeySelector::first_greater_than("b")).await.unwrap();
    assert_eq!(next, "c");
    assert_eq!(value(&bed.store, b"c").await, None, "nobody else sees them");
}

pub(super) async fn own_clears_are_read_back(bed: Bed) {
    let long: String = ('a'..='z').collect();
    put_letters(&bed.store, &long).await;
    let tx = bed.store.begin();
    for number in 0..200u8 {
        tx.set(&[b'k', number], b"");
    }
    tx.commit().await.unwrap();
    let tx = bed.store.begin();
    tx.clear(b"b");
    tx.clear_range(b"d", b"x");
    tx.set(b"m", b"back");
    assert_eq!(tx.get(b"b").await.unwrap(), None);
    assert_eq!(tx.get(b"k").await.unwrap(), None);
    assert_eq!(letters(&tx, RangeQuery::from(ALL)).await, "acmxyz");
    assert_eq!(letters(&tx, RangeQuery::from(ALL).reverse()).await, "zyxmca");
    assert_eq!(tx.get_key(&KeySelector::first_greater_than("c")).await.unwrap(), "m");
    assert_eq!(tx.get_key(&KeySelector::last_less_than("m")).await.unwrap(), "c");
    tx.commit().await.unwrap();
    assert_eq!(letters(&bed.store.begin(), RangeQuery::from(ALL)).await, "acmxyz");
}

pub(super) async fn own_atomics_are_read_back(bed: Bed) {
    put(&bed.store, b"stored", &[5]).await;
    put(&bed.store, b"cleared", &[5]).await;
    let tx = bed.store.begin();
    tx.set(b"set", &[1]);
    tx.clear(b"cleared");
    for key in [&b"set"[..], b"stored", b"cleared", b"missing"] {
        tx.atomic(AtomicOp::Add, key, &[2]);
        tx.atomic(AtomicOp::Add, key, &[10]);
    }
    let expected = [(&b"cleared"[..], 12), (b"missing", 12), (b"set", 13), (b"stored", 17)];
    for (key, sum) in expected {
        assert_eq!(tx.get(key).await.unwrap().as_deref(), Some(&[sum][..]), "{key:?}");
    }
    let items = tx.get_range(RangeQuery::from(ALL)).await.unwrap().items;
    assert!(items.iter().map(|item| (&item.key[..], item.value[0])).eq(expected));
    tx.atomic(AtomicOp::CompareAndClear, b"set", &[13]);
    assert_eq!(tx.get(b"set").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(value(&bed.store, b"stored").await.as_deref(), Some(&[17][..]));
    assert_eq!(value(&bed.store, b"set").await, None);
}

pub(super) async fn own_stamps_are_unreadable(bed: Bed) {
    let tx = bed.store.begin();
    tx.atomic(AtomicOp::SetVersionstampedValue, b"v", &[0; 14]);
    let mut key = b"k/".to_vec();
    key.extend_from_slice(&[0; 10]);
    key.extend_from_slice(&2u32.to_le_bytes());
    tx.atomic(AtomicOp::SetVersionstampedKey, &key, b"");
    assert_eq!(kind(tx.get(b"v").await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get_range(RangeQuery::prefix(b"k")).await), ErrorKind::Invalid);
    assert_eq!(kind(tx.get_range(RangeQuery::prefix(b"v")).await), ErrorKind::Invalid);
    assert_eq!(tx.get(b"other").await.unwrap(), None);
    tx.set(b"v", b"lost");
    assert_eq!(kind(tx.get(b"v").await), ErrorKind::Invalid, "unreadable until it is cleared");
    assert_eq!(kind(tx.commit().await), ErrorKind::Invalid, "a commit after a read that failed fails with it");

    let tx = bed.store.begin();
    tx.atomic(AtomicOp::SetVersionstampedValue, b"v", &[0; 14]);
    tx.atomic(AtomicOp::SetVersionstampedKey, &key, b"");
    tx.clear_range(b"k", b"l");
    assert_eq!(tx.get_range(RangeQuery::prefix(b"k")).await.unwrap().items, [], "cleared after all");
    tx.clear(b"v");
    assert_eq!(tx.get(b"v").await.unwrap(), None);
    tx.set(b"v", b"plain");
    assert_eq!(tx.get(b"v").await.unwrap().as_deref(), Some(&b"plain"[..]));
    tx.commit().await.unwrap();
    assert_eq!(value(&bed.store, b"v").await.as_deref(), Some(&b"plain"[..]));
    assert_eq!(letters(&bed.store.begin(), RangeQuery::from(ALL)).await, "v");
}

pub(super) async fn sets_and_clears_keep_their_order(bed: Bed) {
    put_letters(&bed.store, "abc").await;
    let tx = bed.store.begin();
    tx.set(b"a", b"lost");
    tx.clear_range(b"a", b"d");
    tx.set(b"b", b"1");
    tx.set(b"b", b"2");
    tx.atomic(AtomicOp::AppendIfFits, b"b", b"3");
    tx.set(b"c", b"lost");
    tx.clear(b"c");
    tx.commit().await.unwrap();
    assert_eq!(letters(&bed.store.begin(), RangeQuery::from(ALL)).await, "b");
    assert_eq!(value(&bed.store, b"b").await.as_deref(), Some(&b"23"[..]));
}

/// Random operations in long transactions, against a map: before and after each commit.
pub(super) async fn own_writes_agree_with_a_map(bed: Bed) {
    let mut model = BTreeMap::new();
    let mut numbers = Numbers(11);
    for _ in 0..25 {
        let tx = bed.store.begin();
        for _ in 0..60 {
            change(&tx, &mut model, &mut numbers);
            compare(&tx, &model, &mut numbers).await;
        }
        if numbers.below(4) > 0 {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
            model = contents(&bed.store.begin()).await;
        }
        assert_eq!(contents(&bed.store.begin()).await, model);
    }
}

fn key(numbers: &mut Numbers) -> Vec<u8> {
    let length = 1 + numbers.below(2);
    (0..length).map(|_| b'a' + numbers.below(6) as u8).collect()
}

fn change(tx: &Transaction, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, numbers: &mut Numbers) {
    let target = key(numbers);
    let param = [numbers.below(4) as u8, numbers.below(4) as u8];
    match numbers.below(6) {
        0 | 1 => {
            tx.set(&target, &param);
            model.insert(target, param.to_vec());
        }
        2 => {
            tx.clear(&target);
            model.remove(&target);
        }
        3 if numbers.below(2) == 0 => {
            let (begin, end) = ordered(target, key(numbers));
            tx.clear_range(&begin, &end);
            model.retain(|key, _| *key < begin || *key >= end);
        }
        4 => {
            tx.atomic(AtomicOp::CompareAndClear, &target, &param);
            if model.get(&target).is_some_and(|value| *value == param) {
                model.remove(&target);
            }
        }
        _ => {
            tx.atomic(AtomicOp::BitXor, &target, &param);
            let before = model.get(&target).cloned().unwrap_or_else(|| vec![0; 2]);
            model.insert(target, before.iter().zip(param).map(|(old, new)| old ^ new).collect());
        }
    }
}

fn ordered(one: Vec<u8>, two: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    if one <= two { (one, two) } else { (two, one) }
}

async fn compare(tx: &Transaction, model: &BTreeMap<Vec<u8>, Vec<u8>>, numbers: &mut Numbers) {
    let wanted = key(numbers);
    let found = tx.get(&wanted).await.unwrap();
    assert_eq!(found.as_deref(), model.get(&wanted).map(Vec::as_slice), "{wanted:?}");
    let (begin, end) = ordered(wanted, key(numbers));
    let expected = model.range(begin.clone()..end.clone());
    let expected: Vec<_> = expected.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut query = RangeQuery::from((begin, end)).limit(numbers.below(5));
    query.reverse = numbers.below(2) == 0;
    let found = tx.snapshot().get_range(query.clone()).await.unwrap();
    let found: Vec<_> = found.items.iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect();
    let most = if query.limit == 0 { usize::MAX } else { query.limit };
    let wanted: Vec<_> = match query.reverse {
        false => expected.into_iter().take(most).collect(),
        true => expected.into_iter().rev().take(most).collect(),
    };
    assert_eq!(found, wanted);
}

async fn contents(tx: &Transaction) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let items = tx.get_range(RangeQuery::from(ALL)).await.unwrap().items;
    items.into_iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect()
}
