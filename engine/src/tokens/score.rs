//! How well a passage's tokens meet a query's.

use super::query::WeightedQuery;
use crate::model::TokenCodes;
use crate::vector::maxsim::{Match, Matches};

/// What late interaction says of a passage. All numbers are means over the query's tokens, weighted by how rare they are, 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct TokenScore {
    /// Similarity of the query's tokens to their most similar tokens of the passage and what stands before it.
    pub(crate) maxsim: f32,
    /// The same with the passage's own tokens alone.
    pub(crate) body: f32,
    /// The same with the tokens of title and headings alone.
    pub(crate) before: f32,
    /// Tokens that stand in the passage as they are.
    pub(crate) exact: f32,
    /// Tokens that stand in title and headings as they are.
    pub(crate) exact_before: f32,
    /// Pairs of neighbouring tokens that stand side by side.
    pub(crate) pairs: f32,
    /// Similarity of the token that is met worst among those that count more than the mean.
    pub(crate) worst: f32,
    /// Tokens of the passage.
    pub(crate) length: u32,
}

impl TokenScore {
    /// The sum of `scores`, divided by `count`.
    pub(crate) fn mean<'a>(scores: impl Iterator<Item = &'a Self>, count: f32) -> Self {
        let mut sum = [0.0; 8];
        for one in scores {
            sum.iter_mut().zip(one.numbers()).for_each(|(sum, number)| *sum += number);
        }
        let [maxsim, body, before, exact, exact_before, pairs, worst, length] = sum.map(|sum| sum / count);
        Self { maxsim, body, before, exact, exact_before, pairs, worst, length: length as u32 }
    }

    fn numbers(&self) -> [f32; 8] {
        let Self { maxsim, body, before, exact, exact_before, pairs, worst, length } = *self;
        [maxsim, body, before, exact, exact_before, pairs, worst, length as f32]
    }
}

/// Scores passages for one query; keeps the room that it needs.
pub(crate) struct Scorer<'a> {
    query: &'a WeightedQuery,
    before: Matches,
    body: Matches,
    ids: Vec<u16>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(query: &'a WeightedQuery) -> Self {
        Self { query, before: Matches::default(), body: Matches::default(), ids: Vec::new() }
    }

    pub(crate) fn score(&mut self, codes: &TokenCodes) -> TokenScore {
        let query = self.query;
        if codes.sign_bytes() != query.vectors.sign_bytes() {
            return TokenScore::default();
        }
        let (before, body) = codes.signs().split_at(codes.before() * codes.sign_bytes());
        query.vectors.matches(before, &mut self.before);
        query.vectors.matches(body, &mut self.body);
        self.ids.clear();
        self.ids.extend(codes.ids());
        let mean_weight = 1.0 / query.weights.len() as f32;
        let mut score =
            TokenScore { worst: 1.0, length: (codes.len() - codes.before()) as u32, ..TokenScore::default() };
        for (place, (&weight, id)) in query.weights.iter().zip(&query.ids).enumerate() {
            let (before, body) = (similarity(&self.before, place), similarity(&self.body, place));
            let best = before.max(body);
            score.maxsim += weight * best;
            score.before += weight * before;
            score.body += weight * body;
            score.exact += weight * f32::from(u8::from(self.ids[codes.before()..].contains(id)));
            score.exact_before += weight * f32::from(u8::from(self.ids[..codes.before()].contains(id)));
            if weight >= mean_weight {
                score.worst = score.worst.min(best);
            }
        }
        score.pairs = pairs(query, &self.ids);
        score
    }
}

fn similarity(matches: &Matches, place: usize) -> f32 {
    matches.found().get(place).map_or(0.0, |found: &Match| found.similarity.max(0.0))
}

/// The share of the query's pairs of neighbouring tokens that stand side by side among `ids`, by their weights.
fn pairs(query: &WeightedQuery, ids: &[u16]) -> f32 {
    let pairs = query.ids.windows(2).zip(query.weights.windows(2));
    let (mut found, mut all) = (0.0, 0.0);
    for (pair, weights) in pairs {
        let weight = weights[0] + weights[1];
        all += weight;
        if ids.windows(2).any(|two| two == pair) {
            found += weight;
        }
    }
    if all > 0.0 { found / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::maxsim::{QueryTokens, signs};

    fn near(score: TokenScore, expected: TokenScore) {
        let pairs = score.numbers().into_iter().zip(expected.numbers());
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 0.01), "{score:?} is not {expected:?}");
    }

    #[test]
    fn a_passage_is_scored_by_its_tokens_and_those_before_it() {
        let (same, turning) =
            ([1.0_f32; 64], std::array::from_fn::<f32, 64, _>(|i| if i % 2 == 0 { 1.0 } else { -1.0 }));
        let vectors = QueryTokens::quantise(&[same, turning].concat(), 64).unwrap();
        let query = WeightedQuery { ids: vec![1, 2], vectors, weights: vec![0.75, 0.25] };
        let codes = TokenCodes::new(&[1, 2, 3], &[0, 5], &signs(&[same, turning, same].concat())).unwrap();
        let mut scorer = Scorer::new(&query);
        let score = TokenScore {
            maxsim: 1.0,
            body: 1.0,
            // The two vectors are at right angles.
            before: 0.75,
            exact: 0.25,
            exact_before: 0.75,
            pairs: 1.0,
            worst: 1.0,
            length: 2,
        };
        near(scorer.score(&codes), score);
        let opposite = TokenCodes::new(&[9], &[0], &signs(&same.map(|x| -x))).unwrap();
        near(scorer.score(&opposite), TokenScore { length: 1, ..TokenScore::default() });
        let empty = TokenCodes::new(&[], &[], &[]).unwrap();
        near(scorer.score(&empty), TokenScore::default());
        let other_dimension = TokenCodes::new(&[1], &[0], &[0xFF; 16]).unwrap();
        near(scorer.score(&other_dimension), TokenScore::default());
        near(TokenScore::mean([score, TokenScore::default()].iter(), 1.0), score);
    }
}
