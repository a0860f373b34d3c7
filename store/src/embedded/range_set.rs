//! A set of keys, kept as disjoint ranges.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

/// Disjoint, non-adjacent ranges: start (included) to end (excluded).
#[derive(Debug, Default, Clone)]
pub(super) struct RangeSet(BTreeMap<Bytes, Bytes>);

impl RangeSet {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a range, which may not be empty.
    pub(super) fn insert(&mut self, mut begin: Bytes, mut end: Bytes) {
        while let Some((start, stop)) = self.last_starting_at_or_before(&end) {
            if stop < begin {
                break;
            }
            self.0.remove(&start);
            begin = begin.min(start);
            end = end.max(stop);
        }
        self.0.insert(begin, end);
    }

    /// Takes a range out.
    pub(super) fn remove(&mut self, begin: &Bytes, end: &Bytes) {
        while let Some((start, stop)) = self.first_overlapping(begin, end) {
            self.0.remove(&start);
            if start < *begin {
                self.0.insert(start, begin.clone());
            }
            if stop > *end {
                self.0.insert(end.clone(), stop);
            }
        }
    }

    /// The range that holds `key`.
    pub(super) fn find(&self, key: &[u8]) -> Option<(&Bytes, &Bytes)> {
        let mut below = self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(key)));
        below.next_back().filter(|(_, end)| ***end > *key)
    }

    /// The ranges that share a key with `begin..end`, in order.
    pub(super) fn overlapping<'a>(
        &'a self,
        begin: &'a [u8],
        end: &'a [u8],
    ) -> impl Iterator<Item = (&'a Bytes, &'a Bytes)> {
        let first = self.find(begin).map_or(begin, |(start, _)| &start[..]);
        let end = end.max(first);
        self.0.range::<[u8], _>((Bound::Included(first), Bound::Excluded(end)))
    }

    fn first_overlapping(&self, begin: &Bytes, end: &Bytes) -> Option<(Bytes, Bytes)> {
        self.overlapping(begin, end).next().map(|(start, stop)| (start.clone(), stop.clone()))
    }

    fn last_starting_at_or_before(&self, key: &Bytes) -> Option<(Bytes, Bytes)> {
        self.0.range(..=key.clone()).next_back().map(|(begin, end)| (begin.clone(), end.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number])
    }

    #[test]
    fn agrees_with_a_set_of_single_keys() {
        let mut set = RangeSet::default();
        let mut model = [false; 64];
        let mut state = 7u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) % below) as u8
        };
        for _ in 0..5000 {
            let begin = random(63);
            let end = begin + 1 + random(u64::from(63 - begin).max(1)).min(62 - begin.min(62));
            if random(2) == 0 {
                set.insert(key(begin), key(end));
                model[begin as usize..end as usize].fill(true);
            } else {
                set.remove(&key(begin), &key(end));
                model[begin as usize..end as usize].fill(false);
            }
            for (number, &there) in model.iter().enumerate() {
                assert_eq!(set.find(&[number as u8]).is_some(), there, "{set:?} {number}");
            }
            let from = random(63);
            let to = from + 1;
            assert_eq!(set.overlapping(&[from], &[to]).next().is_some(), model[from as usize]);
            let ends: Vec<_> = set.0.iter().collect();
            assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
        }
    }
}
