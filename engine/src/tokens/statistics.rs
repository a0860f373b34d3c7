//! In how many of a collection's passages each token of the vocabulary stands.

use std::collections::HashMap;

use crate::model::TokenCodes;

/// Counts over the passages that are indexed.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    passages: u32,
    holding: HashMap<u16, u32>,
}

impl Statistics {
    /// Statistics as they were kept.
    pub(super) fn of(passages: u32, holding: HashMap<u16, u32>) -> Self {
        Self { passages, holding }
    }

    /// Each token with the number of passages that hold it, by token.
    pub(super) fn all(&self) -> Vec<(u16, u32)> {
        let mut all: Vec<(u16, u32)> = self.holding.iter().map(|(&token, &holding)| (token, holding)).collect();
        all.sort_unstable();
        all
    }

    pub(super) fn add(&mut self, codes: &TokenCodes) {
        self.passages += 1;
        for id in distinct(codes) {
            *self.holding.entry(id).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, codes: &TokenCodes) {
        self.passages = self.passages.saturating_sub(1);
        for id in distinct(codes) {
            if let Some(holding) = self.holding.get_mut(&id) {
                *holding = holding.saturating_sub(1);
                if *holding == 0 {
                    self.holding.remove(&id);
                }
            }
        }
    }

    /// The inverse document frequency as in BM25: ln(1 + (N - n + 0.5) / (n + 0.5)), 0 without passages.
    pub(super) fn idf(&self, id: u16) -> f32 {
        if self.passages == 0 {
            return 0.0;
        }
        let (all, holding) = (self.passages as f32, self.holding.get(&id).copied().unwrap_or(0) as f32);
        (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
    }
}

fn distinct(codes: &TokenCodes) -> Vec<u16> {
    let mut ids: Vec<u16> = codes.ids().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(ids: &[u32]) -> TokenCodes {
        TokenCodes::new(ids, &vec![0; ids.len()], &vec![0; ids.len()]).unwrap()
    }

    #[test]
    fn a_token_is_rare_by_the_passages_that_hold_it() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.idf(1), 0.0);
        [&[1, 1, 2][..], &[1, 3], &[1]].iter().for_each(|ids| statistics.add(&codes(ids)));
        assert!(statistics.idf(1) < statistics.idf(2) && statistics.idf(2) < statistics.idf(9));
        assert_eq!(statistics.idf(2), statistics.idf(3));
        statistics.remove(&codes(&[1, 3]));
        statistics.remove(&codes(&[1]));
        assert_eq!((statistics.passages, statistics.holding.len()), (1, 2));
        assert_eq!(statistics.idf(3), statistics.idf(9));
    }
}
