//! Random transactions that overlap, against a map that runs those that committed one after the other.

use std::collections::BTreeMap;

use super::{Bed, Numbers};
use crate::{AtomicOp, ErrorKind, RangeQuery, Transaction};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// A step of a transaction; reads carry what they saw.
#[derive(Debug, Clone)]
enum Step {
    Get { key: Vec<u8>, seen: Option<Vec<u8>> },
    Range { begin: Vec<u8>, end: Vec<u8>, limit: usize, reverse: bool, seen: Vec<(Vec<u8>, Vec<u8>)> },
    Set { key: Vec<u8>, value: Vec<u8> },
    ClearRange { begin: Vec<u8>, end: Vec<u8> },
    Add { key: Vec<u8>, param: Vec<u8> },
}

impl Step {
    async fn take(tx: &Transaction, numbers: &mut Numbers) -> Self {
        let (key, other) = (key(numbers), key(numbers));
        let (begin, end) = if key <= other { (key.clone(), other) } else { (other, key.clone()) };
        match numbers.below(8) {
            0..=2 => {
                let seen = tx.get(&key).await.unwrap().map(|value| value.to_vec());
                Self::Get { key, seen }
            }
            3 | 4 => {
                let (limit, reverse) = (numbers.below(4), numbers.below(2) == 0);
                let mut query = RangeQuery::from((begin.clone(), end.clone())).limit(limit);
                query.reverse = reverse;
                let items = tx.get_range(query).await.unwrap().items;
                let seen = items.iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect();
                Self::Range { begin, end, limit, reverse, seen }
            }
            5 => {
                let value = vec![numbers.below(256) as u8];
                tx.set(&key, &value);
                Self::Set { key, value }
            }
            6 => {
                tx.clear_range(&begin, &end);
                Self::ClearRange { begin, end }
            }
            _ => {
                let param = vec![numbers.below(256) as u8];
                tx.atomic(AtomicOp::Add, &key, &param);
                Self::Add { key, param }
            }
        }
    }

    /// Does the same on the map; a read must see the same there.
    fn replay(&self, map: &mut Map) {
        match self {
            Self::Get { key, seen } => assert_eq!(map.get(key), seen.as_ref(), "{self:?}"),
            Self::Range { begin, end, limit, reverse, seen } => {
                let most = if *limit == 0 { usize::MAX } else { *limit };
                let range = map.range(begin.clone()..end.clone()).map(|(key, value)| (key.clone(), value.clone()));
                let found: Vec<_> =
                    if *reverse { range.rev().take(most).collect() } else { range.take(most).collect() };
                assert_eq!(found, *seen, "{self:?}");
            }
            Self::Set { key, value } => drop(map.insert(key.clone(), value.clone())),
            Self::ClearRange { begin, end } => map.retain(|key, _| key < begin || key >= end),
            Self::Add { key, param } => {
                let sum = map.get(key).map_or(0, |value| value[0]).wrapping_add(param[0]);
                map.insert(key.clone(), vec![sum]);
            }
        }
    }

    fn writes(&self) -> bool {
        match self {
            Self::Get { .. } | Self::Range { .. } => false,
            Self::ClearRange { begin, end } => begin < end,
            Self::Set { .. } | Self::Add { .. } => true,
        }
    }
}

fn key(numbers: &mut Numbers) -> Vec<u8> {
    let length = 1 + numbers.below(2);
    (0..length).map(|_| b'a' + numbers.below(5) as u8).collect()
}

pub(super) async fn random_transactions_are_serializable(bed: Bed) {
    const OPEN: usize = 4;
    let mut numbers = Numbers(5);
    let mut map = Map::new();
    let (mut committed, mut refused) = (0, 0);
    let mut open: Vec<(Transaction, Vec<Step>)> = Vec::new();
    for _ in 0..4000 {
        if open.len() < OPEN {
            open.push((bed.store.begin(), Vec::new()));
        }
        let chosen = numbers.below(open.len());
        if open[chosen].1.len() < 2 + numbers.below(6) {
            let step = Step::take(&open[chosen].0, &mut numbers).await;
            open[chosen].1.push(step);
            continue;
        }
        let (tx, steps) = open.swap_remove(chosen);
        match tx.commit().await {
            // What only reads is serialised at its read version, which lies in the past.
            Ok(_) if !steps.iter().any(Step::writes) => {}
            Ok(_) => {
                steps.iter().for_each(|step| step.replay(&mut map));
                committed += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict);
                refused += 1;
            }
        }
    }
    let stored = bed.store.begin().get_range(RangeQuery::prefix(b"")).await.unwrap().items;
    let stored: Map = stored.into_iter().map(|item| (item.key.to_vec(), item.value.to_vec())).collect();
    assert_eq!(stored, map);
    assert!(committed > 100 && refused > 50, "{committed} committed, {refused} refused: the test shows little");
}
