//! How well a passage's tokens meet a query's.

use super::index::TokenIndex;
use super::query::WeightedQuery;
use crate::model::TokenCodes;
use crate::vector::maxsim::Similarities;

/// Tokens of a window: about six lines of prose.
const WINDOW: usize = 96;
/// Tokens from the beginning of a window to that of the next.
const WINDOW_STEP: usize = 48;

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
    /// `maxsim` with no more of the passage than a window, the best of all: answers stand close together.
    pub(crate) window: f32,
    /// Similarity of the passage's tokens to their most similar tokens of the query, by how rare the passage's are.
    pub(crate) focus: f32,
    /// Tokens of the passage.
    pub(crate) length: u32,
}

impl TokenScore {
    /// The sum of `scores`, divided by `count`.
    pub(crate) fn mean<'a>(scores: impl Iterator<Item = &'a Self>, count: f32) -> Self {
        let mut sum = [0.0; 10];
        for one in scores {
            sum.iter_mut().zip(one.numbers()).for_each(|(sum, number)| *sum += number);
        }
        let [maxsim, body, before, exact, exact_before, pairs, worst, window, focus, length] =
            sum.map(|sum| sum / count);
        Self { maxsim, body, before, exact, exact_before, pairs, worst, window, focus, length: length as u32 }
    }

    fn numbers(&self) -> [f32; 10] {
        let Self { maxsim, body, before, exact, exact_before, pairs, worst, window, focus, length } = *self;
        [maxsim, body, before, exact, exact_before, pairs, worst, window, focus, length as f32]
    }
}

/// Scores passages of one collection for one query; keeps the room that it needs.
pub(crate) struct Scorer<'a> {
    query: &'a WeightedQuery,
    index: &'a TokenIndex,
    room: Room,
}

/// What is computed for a passage on the way to its score.
#[derive(Default)]
struct Room {
    similarities: Similarities,
    ids: Vec<u16>,
    idfs: Vec<f32>,
    /// For each token of the query the similarity of its most similar token before the passage, in the passage, in both.
    before: Vec<f32>,
    body: Vec<f32>,
    best: Vec<f32>,
    /// The same for one part of the passage, and what stands before it.
    part: Vec<f32>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(query: &'a WeightedQuery, index: &'a TokenIndex) -> Self {
        Self { query, index, room: Room::default() }
    }

    pub(crate) fn score(&mut self, codes: &TokenCodes) -> TokenScore {
        let Self { query, index, room } = self;
        if codes.sign_bytes() != query.vectors.sign_bytes() {
            return TokenScore::default();
        }
        room.look(query, codes);
        index.idfs(&room.ids, &mut room.idfs);
        let window = room.window(query, codes.before());
        let (before, body) = room.ids.split_at(codes.before());
        TokenScore {
            maxsim: query.weighted(&room.best),
            body: query.weighted(&room.body),
            before: query.weighted(&room.before),
            exact: exact(query, body),
            exact_before: exact(query, before),
            pairs: pairs(query, &room.ids),
            worst: worst(query, &room.best),
            window,
            focus: room.focus(),
            length: body.len() as u32,
        }
    }
}

impl Room {
    /// Compares all tokens.
    fn look(&mut self, query: &WeightedQuery, codes: &TokenCodes) {
        query.vectors.similarities(codes.signs(), &mut self.similarities);
        self.ids.clear();
        self.ids.extend(codes.ids());
        for (best, tokens) in [(&mut self.before, 0..codes.before()), (&mut self.body, codes.before()..codes.len())] {
            best.clear();
            best.resize(query.weights.len(), 0.0);
            self.similarities.raise(tokens, best);
        }
        self.best.clear();
        self.best.extend(self.before.iter().zip(&self.body).map(|(before, body)| before.max(*body)));
    }

    /// The best MaxSim of a window of the passage together with what stands before it.
    fn window(&mut self, query: &WeightedQuery, before: usize) -> f32 {
        let tokens = before..self.ids.len();
        if tokens.len() <= WINDOW {
            return query.weighted(&self.best);
        }
        let starts = tokens.clone().step_by(WINDOW_STEP).take_while(|start| start + WINDOW < tokens.end + WINDOW_STEP);
        starts.fold(0.0, |best, start| {
            self.part.clone_from(&self.before);
            self.similarities.raise(start..tokens.end.min(start + WINDOW), &mut self.part);
            query.weighted(&self.part).max(best)
        })
    }

    /// How similar the passage's tokens are to the query's most similar ones, by how rare they are.
    fn focus(&self) -> f32 {
        let (mut met, mut all) = (0.0, 0.0);
        for (row, idf) in self.similarities.rows().zip(&self.idfs) {
            met += idf * row.iter().copied().fold(0.0, f32::max);
            all += idf;
        }
        if all > 0.0 { met / all } else { 0.0 }
    }
}

/// The share of the query's tokens that are among `ids`.
fn exact(query: &WeightedQuery, ids: &[u16]) -> f32 {
    query.ids.iter().zip(&query.weights).filter(|(id, _)| ids.contains(id)).map(|(_, weight)| weight).sum()
}

/// The smallest of `best` among the tokens that count more than the mean.
fn worst(query: &WeightedQuery, best: &[f32]) -> f32 {
    let mean_weight = 1.0 / query.weights.len() as f32;
    let counting = query.weights.iter().zip(best).filter(|(weight, _)| **weight >= mean_weight);
    counting.fold(1.0, |worst, (_, &best)| worst.min(best))
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
        let index = TokenIndex::default();
        index.insert([(0, codes.clone())]);
        let mut scorer = Scorer::new(&query, &index);
        let score = TokenScore {
            maxsim: 1.0,
            body: 1.0,
            // The two vectors are at right angles.
            before: 0.75,
            exact: 0.25,
            exact_before: 0.75,
            pairs: 1.0,
            worst: 1.0,
            window: 1.0,
            focus: 1.0,
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
    #[test]
    fn a_window_has_its_own_part_of_the_passage_alone() {
        let pattern = |period: usize| -> [f32; 64] {
            std::array::from_fn(|i| if (i / period).is_multiple_of(2) { 1.0 } else { -1.0 })
        };
        let (first, second, other) = (pattern(1), pattern(2), pattern(4));
        let vectors = QueryTokens::quantise(&[first, second].concat(), 64).unwrap();
        let query = WeightedQuery { ids: vec![1, 2], vectors, weights: vec![0.5, 0.5] };
        let passage = |length: usize, places: [usize; 2]| {
            let of = |token| match places.iter().position(|&place| place == token) {
                Some(0) => first,
                Some(_) => second,
                None => other,
            };
            let (ids, starts) = (vec![7; length], (0..length).collect::<Vec<_>>());
            TokenCodes::new(&ids, &starts, &signs(&(0..length).map(of).collect::<Vec<_>>().concat())).unwrap()
        };
        let index = TokenIndex::default();
        index.insert([(0, passage(3, [0, 1]))]);
        let mut scorer = Scorer::new(&query, &index);
        for (length, places, window) in [
            (96, [0, 95], 1.0),
            (97, [0, 96], 0.5),
            (150, [60, 140], 1.0),
            (150, [40, 145], 0.5),
            (500, [300, 310], 1.0),
        ] {
            let score = scorer.score(&passage(length, places));
            assert!(
                (score.maxsim - 1.0).abs() < 0.01 && (score.window - window).abs() < 0.01,
                "{length} {places:?} {score:?}"
            );
            assert!((score.focus - 2.0 / length as f32).abs() < 0.01, "{score:?}");
        }
    }
}
