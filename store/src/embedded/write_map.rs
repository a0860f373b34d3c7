//! A transaction's own writes, by key, so that it can read them back before they are committed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::range_set::RangeSet;
use crate::atomic;
use crate::error::{Error, Result};
use crate::key::key_after;
use crate::mutation::{AtomicOp, Mutation};
use crate::stamp::{self, STAMP_BYTES};

/// What is pending for one key.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    /// Its value, whatever is stored.
    Known(Option<Bytes>),
    /// Operations on what is stored.
    Atomics(Vec<(AtomicOp, Bytes)>),
    /// Only the commit will know.
    Unreadable,
}

impl Pending {
    /// The value after these writes, where `stored` is the value before them.
    pub(super) fn value(&self, stored: Option<Bytes>) -> Result<Option<Bytes>> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Atomics(ops) => {
                Ok(ops.iter().fold(stored, |value, (op, param)| atomic::apply(*op, value.as_deref(), param)))
            }
            Self::Unreadable => Err(unreadable()),
        }
    }
}

/// The pending writes of a transaction.
#[derive(Debug, Default)]
pub(super) struct WriteMap {
    points: BTreeMap<Bytes, Pending>,
    cleared: RangeSet,
    /// Keys that a versionstamped key may become.
    unreadable: RangeSet,
}

impl WriteMap {
    pub(super) fn is_empty(&self) -> bool {
        self.points.is_empty() && self.cleared.is_empty() && self.unreadable.is_empty()
    }

    /// Adds a mutation behind those that are there.
    pub(super) fn apply(&mut self, mutation: &Mutation) -> Result<()> {
        match mutation {
            // What waits for its stamp stays unreadable until it is cleared.
            Mutation::Set { key, .. } if matches!(self.points.get(key), Some(Pending::Unreadable)) => {}
            Mutation::Set { key, value } => {
                self.points.insert(key.clone(), Pending::Known(Some(value.clone())));
            }
            Mutation::ClearRange { begin, end } => self.clear(begin, end),
            Mutation::Atomic { op: AtomicOp::SetVersionstampedKey, key, .. } => {
                let (begin, end) = possible_keys(key)?;
                self.unreadable.insert(begin, end);
            }
            Mutation::Atomic { op: AtomicOp::SetVersionstampedValue, key, .. } => {
                self.points.insert(key.clone(), Pending::Unreadable);
            }
            Mutation::Atomic { op, key, param } => self.atomic(*op, key, param),
        }
        Ok(())
    }

    fn clear(&mut self, begin: &Bytes, end: &Bytes) {
        while let Some(key) = self.points.range::<Bytes, _>(begin..end).next().map(|(key, _)| key.clone()) {
            self.points.remove(&key);
        }
        self.unreadable.remove(begin, end);
        self.cleared.insert(begin.clone(), end.clone());
    }

    fn atomic(&mut self, op: AtomicOp, key: &Bytes, param: &Bytes) {
        let cleared = self.cleared.find(key).is_some();
        let start = || {
            if cleared { Pending::Known(None) } else { Pending::Atomics(Vec::new()) }
        };
        match self.points.entry(key.clone()).or_insert_with(start) {
            Pending::Known(value) => *value = atomic::apply(op, value.as_deref(), param),
            Pending::Atomics(ops) => ops.push((op, param.clone())),
            Pending::Unreadable => {}
        }
    }

    /// What is pending for `key`; `None` when what is stored counts.
    pub(super) fn find(&self, key: &[u8]) -> Option<Pending> {
        if self.unreadable.find(key).is_some() {
            return Some(Pending::Unreadable);
        }
        let pending = self.points.get(key).cloned();
        pending.or_else(|| self.cleared.find(key).map(|_| Pending::Known(None)))
    }

    /// The pending keys in `begin..end`; those that a range clear covers are not among them.
    pub(super) fn points<'a>(
        &'a self,
        begin: &Bytes,
        end: &Bytes,
    ) -> std::collections::btree_map::Range<'a, Bytes, Pending> {
        self.points.range(begin.clone()..end.clone().max(begin.clone()))
    }

    /// The cleared range that holds `key`.
    pub(super) fn cleared(&self, key: &[u8]) -> Option<(&Bytes, &Bytes)> {
        self.cleared.find(key)
    }

    /// Fails when a key in `begin..end` will only be known at the commit.
    pub(super) fn check_readable(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        match self.unreadable.overlapping(begin, end).next() {
            Some(_) => Err(unreadable()),
            None => Ok(()),
        }
    }

    /// The parts of `begin..end` whose content depends on what is stored: only these conflict with other writers.
    pub(super) fn unknown_parts(&self, begin: Bytes, end: Bytes) -> Vec<(Bytes, Bytes)> {
        let sets = self.points(&begin, &end).filter(|(_, pending)| matches!(pending, Pending::Known(_)));
        let sets = sets.map(|(key, _)| (key.clone(), key_after(key)));
        let cleared = self.cleared.overlapping(&begin, &end).map(|(from, to)| (from.clone(), to.clone()));
        let mut known: Vec<_> = sets.chain(cleared).collect();
        known.sort_unstable();
        let mut parts = Vec::with_capacity(1);
        let mut from = begin;
        for (known_begin, known_end) in known {
            if from < known_begin {
                parts.push((from.clone(), known_begin));
            }
            from = from.max(known_end);
        }
        if from < end {
            parts.push((from, end));
        }
        parts
    }
}

/// The range of keys that a versionstamped key may become.
fn possible_keys(template: &Bytes) -> Result<(Bytes, Bytes)> {
    let first = stamp::fill(template, &[0; STAMP_BYTES])?;
    let last = stamp::fill(template, &[0xff; STAMP_BYTES])?;
    Ok((first, key_after(&last)))
}

fn unreadable() -> Error {
    Error::invalid("read of a key whose versionstamp only the commit will know")
}
