//! The stored keys with their values at each recent version, and who wrote what at which version.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::atomic;
use crate::mutation::{Mutation, Op, key_after, stamped};

/// Versions that stay readable behind the newest: five seconds of a million versions each.
pub(crate) const WINDOW: i64 = 5_000_000;

type KeyRange = (Vec<u8>, Vec<u8>);

/// The values of a key, oldest first, with the versions at which they were written; `None` is a removal.
type Values = Vec<(i64, Option<Vec<u8>>)>;

/// All that is stored.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    keys: BTreeMap<Vec<u8>, Values>,
    /// What each recent commit wrote, oldest first.
    written: Vec<(i64, Vec<KeyRange>)>,
}

impl Versions {
    /// The value of a key at a version.
    pub(crate) fn get(&self, key: &[u8], version: i64) -> Option<&[u8]> {
        visible(self.keys.get(key)?, version)
    }

    /// The first key in `from..to` that has a value at a version.
    pub(crate) fn first(&self, from: &[u8], to: &[u8], version: i64) -> Option<&[u8]> {
        if from >= to {
            return None;
        }
        let mut range = self.keys.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.find(|(_, values)| visible(values, version).is_some()).map(|(key, _)| key.as_slice())
    }

    /// The last key in `from..to` that has a value at a version.
    pub(crate) fn last(&self, from: &[u8], to: &[u8], version: i64) -> Option<&[u8]> {
        if from >= to {
            return None;
        }
        let mut range = self.keys.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.rfind(|(_, values)| visible(values, version).is_some()).map(|(key, _)| key.as_slice())
    }

    /// Whether a commit behind `version` wrote into one of the ranges.
    pub(crate) fn conflict(&self, reads: &[KeyRange], version: i64) -> bool {
        let since = self.written.partition_point(|(at, _)| *at <= version);
        let mut writes = self.written[since..].iter().flat_map(|(_, ranges)| ranges);
        writes.any(|(from, to)| reads.iter().any(|(begin, end)| begin < to && from < end))
    }

    /// Makes the changes of one commit. Answers the ranges that it wrote; versionstamped keys are among them.
    pub(crate) fn commit(
        &mut self,
        mutations: &[Mutation],
        mut writes: Vec<KeyRange>,
        version: i64,
        stamp: [u8; 10],
    ) -> Vec<KeyRange> {
        for mutation in mutations {
            match mutation {
                Mutation::Clear { begin, end } => self.clear(begin, end, version),
                Mutation::Apply { op: Op::SetVersionstampedKey, key, param } => {
                    if let Ok(key) = stamped(key, stamp) {
                        writes.push((key.clone(), key_after(&key)));
                        self.put(key, Some(param.clone()), version);
                    }
                }
                Mutation::Apply { op: Op::SetVersionstampedValue, key, param } => {
                    if let Ok(value) = stamped(param, stamp) {
                        self.put(key.clone(), Some(value), version);
                    }
                }
                Mutation::Apply { op, key, param } => {
                    let value = atomic::apply(*op, self.get(key, version), param);
                    self.put(key.clone(), value, version);
                }
            }
        }
        self.written.push((version, writes.clone()));
        writes
    }

    fn clear(&mut self, begin: &[u8], end: &[u8], version: i64) {
        let mut from = begin.to_vec();
        while let Some(key) = self.first(&from, end, version).map(<[u8]>::to_vec) {
            from = key_after(&key);
            self.put(key, None, version);
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, version: i64) {
        let values = self.keys.entry(key).or_default();
        match values.last_mut() {
            Some((at, last)) if *at == version => *last = value,
            _ => values.push((version, value)),
        }
    }

    /// Forgets what nobody can read any more: versions that were replaced at or before `oldest`.
    pub(crate) fn forget(&mut self, oldest: i64) {
        let gone = self.written.partition_point(|(at, _)| *at <= oldest);
        self.written.drain(..gone);
        self.keys.retain(|_, values| {
            let newest_old = values.partition_point(|(at, _)| *at <= oldest);
            values.drain(..newest_old.saturating_sub(1));
            !matches!(values.as_slice(), [(at, None)] if *at <= oldest)
        });
    }
}

fn visible(values: &Values, version: i64) -> Option<&[u8]> {
    let (_, value) = values.iter().rev().find(|(at, _)| *at <= version)?;
    value.as_deref()
}
