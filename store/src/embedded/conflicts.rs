//! Which keys were written at which recent version: decides whether a transaction's reads still hold.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::key::key_after;

/// A step function from keys to the version of their last write. Each entry holds from its key to the next entry's;
/// 0 means not written within the window.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    steps: BTreeMap<Bytes, u64>,
    /// Entries that the last sweep left; the next one comes when there are twice as many.
    kept: usize,
}

/// Entries below which sweeping is not worth it.
const SWEEP_MIN: usize = 4096;

impl Conflicts {
    /// Notes that `begin..end` was written at `version`, which is no older than any before. O(log n) and the entries covered.
    pub(super) fn write(&mut self, begin: &Bytes, end: &Bytes, version: u64) {
        let after = self.steps.range::<Bytes, _>(..=end).next_back().map_or(0, |(_, &version)| version);
        while let Some(covered) = self.steps.range::<Bytes, _>(begin..end).next().map(|(key, _)| key.clone()) {
            self.steps.remove(&covered);
        }
        self.steps.entry(end.clone()).or_insert(after);
        self.steps.insert(begin.clone(), version);
    }

    /// [`Conflicts::write`] of one key.
    pub(super) fn write_key(&mut self, key: &Bytes, version: u64) {
        self.write(key, &key_after(key), version);
    }

    /// Whether anything in `begin..end` was written later than `version`.
    pub(super) fn written_since(&self, begin: &Bytes, end: &Bytes, version: u64) -> bool {
        let at_begin = self.steps.range::<Bytes, _>(..=begin).next_back();
        at_begin.is_some_and(|(_, &written)| written > version)
            || self
                .steps
                .range::<Bytes, _>((Bound::Excluded(begin), Bound::Excluded(end)))
                .any(|(_, &written)| written > version)
    }

    /// Forgets writes at or before `horizon`, now and then.
    pub(super) fn forget(&mut self, horizon: u64) {
        if self.steps.len() < SWEEP_MIN.max(2 * self.kept) {
            return;
        }
        let mut before = 0;
        self.steps.retain(|_, version| {
            if *version <= horizon {
                *version = 0;
            }
            let keep = *version != before;
            before = *version;
            keep
        });
        self.kept = self.steps.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u16) -> Bytes {
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    #[test]
    fn agrees_with_one_version_per_key() {
        let mut conflicts = Conflicts::default();
        let mut model = vec![0u64; 3000];
        let mut state = 1u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for version in 1..20_000u64 {
            let begin = random(2990);
            let end = begin + 1 + if random(4) == 0 { random(2999 - begin) } else { 0 };
            conflicts.write(&key(begin as u16), &key(end as u16), version);
            model[begin as usize..end as usize].fill(version);
            let horizon = version.saturating_sub(1000);
            conflicts.forget(horizon);
            let begin = random(2990);
            let end = begin + 1 + random(2999 - begin).min(random(50));
            let since = horizon + random(1000);
            let expected = model[begin as usize..end as usize].iter().any(|&written| written > since);
            assert_eq!(conflicts.written_since(&key(begin as u16), &key(end as u16), since), expected);
        }
        assert!(conflicts.steps.len() < 2 * SWEEP_MIN);
    }

    #[test]
    fn a_write_ends_where_its_range_ends() {
        let mut conflicts = Conflicts::default();
        conflicts.write(&key(10), &key(20), 5);
        assert!(!conflicts.written_since(&key(20), &key(30), 4));
        assert!(!conflicts.written_since(&key(0), &key(10), 4));
        assert!(conflicts.written_since(&key(19), &key(30), 4));
        assert!(!conflicts.written_since(&key(19), &key(30), 5));
    }
}
