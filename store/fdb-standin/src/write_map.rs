//! The changes of a transaction that has not committed, by key, so that it reads them back.
//!
//! As FoundationDB's `WriteMap`: each key has a stack of operations; ranges are cleared, are unreadable (a versionstamp that only
//! the commit will know may put a key there), and conflict with readers.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::abi::ErrorCode;
use crate::atomic;
use crate::errors;
use crate::mutation::{Mutation, Op, key_after};
use crate::ranges::Ranges;

type KeyRange = (Vec<u8>, Vec<u8>);

/// Pending changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteMap {
    /// Operations on each key since it was last set or cleared.
    stacks: BTreeMap<Vec<u8>, Vec<(Op, Vec<u8>)>>,
    cleared: Ranges,
    unreadable: Ranges,
    conflicts: Ranges,
    /// Changes that left the map, and come before those in it.
    sent: Vec<Mutation>,
}

impl WriteMap {
    pub(crate) fn is_empty(&self) -> bool {
        self.stacks.is_empty() && self.cleared.is_empty() && self.unreadable.is_empty()
    }

    /// Whether a commit has anything to write.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.is_empty() && self.sent.is_empty() && self.conflicts.is_empty()
    }

    /// Adds an operation on a key. A versionstamped key stands at its template.
    pub(crate) fn apply(&mut self, op: Op, key: &[u8], param: &[u8], conflict: bool) {
        if conflict {
            self.conflicts.insert(key, &key_after(key));
        }
        if matches!(op, Op::SetVersionstampedKey | Op::SetVersionstampedValue) {
            self.unreadable.insert(key, &key_after(key));
        }
        let stack = self.stacks.entry(key.to_vec()).or_default();
        // What was set by a stamp stays unreadable all the same until it is cleared.
        if matches!(op, Op::Set | Op::SetVersionstampedValue) {
            stack.clear();
        }
        stack.push((op, param.to_vec()));
    }

    /// Clears a range. What was unreadable in it can be read again.
    pub(crate) fn clear(&mut self, begin: &[u8], end: &[u8], conflict: bool) {
        self.remove_stacks(begin, end);
        self.unreadable.remove(begin, end);
        self.cleared.insert(begin, end);
        if conflict {
            self.conflicts.insert(begin, end);
        }
    }

    /// Makes readers of a range conflict.
    pub(crate) fn add_conflict(&mut self, begin: &[u8], end: &[u8]) {
        self.conflicts.insert(begin, end);
    }

    /// Sends what is pending in a range ahead, and marks the range as unreadable: a versionstamped key may come to lie in it.
    pub(crate) fn make_unreadable(&mut self, begin: &[u8], end: &[u8]) {
        let ahead = self.mutations_in(begin, end);
        self.sent.extend(ahead);
        self.remove_stacks(begin, end);
        self.cleared.remove(begin, end);
        self.unreadable.insert(begin, end);
    }

    fn remove_stacks(&mut self, begin: &[u8], end: &[u8]) {
        self.stacks.retain(|key, _| key.as_slice() < begin || key.as_slice() >= end);
    }

    /// The operations on a key.
    pub(crate) fn stack(&self, key: &[u8]) -> Option<&[(Op, Vec<u8>)]> {
        self.stacks.get(key).map(Vec::as_slice)
    }

    pub(crate) fn cleared(&self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        self.cleared.find(key)
    }

    /// The first key in `from..to` with operations of its own.
    pub(crate) fn first(&self, from: &[u8], to: &[u8]) -> Option<&[u8]> {
        let mut range = (from < to).then(|| self.between(from, to))?;
        range.next().map(|(key, _)| key.as_slice())
    }

    /// The last key in `from..to` with operations of its own.
    pub(crate) fn last(&self, from: &[u8], to: &[u8]) -> Option<&[u8]> {
        let mut range = (from < to).then(|| self.between(from, to))?;
        range.next_back().map(|(key, _)| key.as_slice())
    }

    fn between(&self, from: &[u8], to: &[u8]) -> std::collections::btree_map::Range<'_, Vec<u8>, Vec<(Op, Vec<u8>)>> {
        self.stacks.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
    }

    /// Fails when a key of `begin..end` cannot be read before the commit.
    pub(crate) fn check_readable(&self, begin: &[u8], end: &[u8]) -> Result<(), ErrorCode> {
        match self.unreadable.overlapping(begin, end).is_empty() {
            true => Ok(()),
            false => Err(errors::ACCESSED_UNREADABLE),
        }
    }

    /// The value of a key after the pending changes, where `stored` is the value before.
    pub(crate) fn value(&self, key: &[u8], stored: Option<&[u8]>) -> Option<Vec<u8>> {
        let base = if self.cleared.contains(key) { None } else { stored };
        let stack = self.stack(key).unwrap_or_default();
        stack.iter().fold(base.map(<[u8]>::to_vec), |value, (op, param)| atomic::apply(*op, value.as_deref(), param))
    }

    /// The parts of `begin..end` whose content depends on what is stored: only these can conflict with other writers.
    pub(crate) fn dependent_parts(&self, begin: &[u8], end: &[u8]) -> Vec<KeyRange> {
        let mut parts = Ranges::default();
        parts.insert(begin, end);
        for (from, to) in self.cleared.overlapping(begin, end) {
            parts.remove(&from, &to);
        }
        if begin < end {
            for (key, stack) in self.between(begin, end) {
                if stack.first().is_some_and(|(op, _)| !op.is_dependent()) {
                    parts.remove(key, &key_after(key));
                }
            }
        }
        parts.iter().map(|(from, to)| (from.clone(), to.clone())).collect()
    }

    /// All changes, in the order in which the commit makes them: what was sent ahead, cleared ranges, operations by key.
    pub(crate) fn mutations(&self) -> Vec<Mutation> {
        let mut mutations = self.sent.clone();
        mutations.extend(self.mutations_in(b"", b"\xff\xff\xff"));
        mutations
    }

    fn mutations_in(&self, begin: &[u8], end: &[u8]) -> Vec<Mutation> {
        let cleared = self
            .cleared
            .overlapping(begin, end)
            .into_iter()
            .map(|(from, to)| Mutation::Clear { begin: from.max(begin.to_vec()), end: to.min(end.to_vec()) });
        let mut mutations: Vec<_> = cleared.collect();
        if begin < end {
            for (key, stack) in self.between(begin, end) {
                let ops = stack.iter().map(|(op, param)| (*op, param.clone()));
                mutations.extend(ops.map(|(op, param)| Mutation::Apply { op, key: key.clone(), param }));
            }
        }
        mutations
    }

    /// The ranges that readers conflict with.
    pub(crate) fn conflicts(&self) -> Vec<KeyRange> {
        self.conflicts.iter().map(|(from, to)| (from.clone(), to.clone())).collect()
    }
}
