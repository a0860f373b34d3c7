//! A set of keys made of ranges.

use std::collections::BTreeMap;

/// Ranges from a key (included) to a key (excluded) that do not touch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranges(BTreeMap<Vec<u8>, Vec<u8>>);

impl Ranges {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.0.iter()
    }

    /// The range that holds a key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<(&[u8], &[u8])> {
        let (begin, end) =
            self.0.range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(key))).next_back()?;
        (key < end.as_slice()).then_some((begin.as_slice(), end.as_slice()))
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.find(key).is_some()
    }

    /// Those that share a key with `begin..end`, in order.
    pub(crate) fn overlapping(&self, begin: &[u8], end: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let below = self.0.range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Excluded(end)));
        let mut found: Vec<_> = below
            .rev()
            .take_while(|(_, to)| to.as_slice() > begin)
            .map(|(from, to)| (from.clone(), to.clone()))
            .collect();
        found.reverse();
        if begin < end { found } else { Vec::new() }
    }

    /// Adds the keys of a range.
    pub(crate) fn insert(&mut self, begin: &[u8], end: &[u8]) {
        if begin >= end {
            return;
        }
        let (mut from, mut to) = (begin.to_vec(), end.to_vec());
        // A range that ends at `begin` or begins at `end` is joined with the new one.
        let touching: Vec<_> = self
            .0
            .range::<[u8], _>((std::ops::Bound::Unbounded, std::ops::Bound::Included(end)))
            .rev()
            .take_while(|(_, other)| other.as_slice() >= begin)
            .map(|(from, to)| (from.clone(), to.clone()))
            .collect();
        for (other_from, other_to) in touching {
            self.0.remove(&other_from);
            from = from.min(other_from);
            to = to.max(other_to);
        }
        self.0.insert(from, to);
    }

    /// Takes the keys of a range out.
    pub(crate) fn remove(&mut self, begin: &[u8], end: &[u8]) {
        for (from, to) in self.overlapping(begin, end) {
            self.0.remove(&from);
            if from.as_slice() < begin {
                self.0.insert(from, begin.to_vec());
            }
            if to.as_slice() > end {
                self.0.insert(end.to_vec(), to);
            }
        }
    }
}
