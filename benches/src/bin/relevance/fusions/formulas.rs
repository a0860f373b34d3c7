//! Ways to make one ranking of what two legs found, from the literature and from products.

use coditect_benches::client::{LegScore, SearchResult};

/// A way to score candidates; larger is better.
pub(crate) struct Formula {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Scores all candidates of one question.
    pub(crate) scores: fn(&Evidence) -> Vec<f64>,
}

/// What both legs said of the candidates of one question.
pub(crate) struct Evidence {
    vector: Vec<Option<LegScore>>,
    keyword: Vec<Option<LegScore>>,
}

/// All formulas, the plain ones first.
pub(crate) const FORMULAS: &[Formula] = &[
    Formula { name: "keyword alone", scores: |it| absolute(it, 1.0) },
    Formula { name: "vector alone", scores: |it| absolute(it, 0.0) },
    Formula { name: "reciprocal ranks, k=60", scores: reciprocal_ranks },
    Formula { name: "share of the best, 0.5", scores: |it| sum(it, share_of_best) },
    Formula { name: "min-max, 0.5", scores: |it| sum(it, min_max) },
    Formula { name: "z-score, 0.5", scores: |it| sum(it, z_score) },
    Formula { name: "absolute, 0.5", scores: |it| absolute(it, 0.5) },
    Formula { name: "absolute, 0.25", scores: |it| absolute(it, 0.25) },
];

impl Evidence {
    /// The evidence of an explained hybrid search.
    pub(crate) fn of(results: &[SearchResult]) -> Self {
        let explanations = || results.iter().map(|result| result.explain.as_ref());
        Self {
            vector: explanations().map(|it| it.and_then(|it| it.vector)).collect(),
            keyword: explanations().map(|it| it.and_then(|it| it.keyword)).collect(),
        }
    }
}

/// Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009.
fn reciprocal_ranks(evidence: &Evidence) -> Vec<f64> {
    const K: f64 = 60.0;
    let part = |leg: &Option<LegScore>| leg.and_then(|it| it.rank).map_or(0.0, |rank| 1.0 / (K + f64::from(rank)));
    evidence.vector.iter().zip(&evidence.keyword).map(|(vector, keyword)| part(vector) + part(keyword)).collect()
}

/// Scores that do not depend on what else was found: cosine similarity, and BM25 as a share of its ceiling.
fn absolute(evidence: &Evidence, weight: f64) -> Vec<f64> {
    let part = |leg: &Option<LegScore>| leg.map_or(0.0, |it| it.normalized);
    let pairs = evidence.vector.iter().zip(&evidence.keyword);
    pairs.map(|(vector, keyword)| (1.0 - weight) * part(vector) + weight * part(keyword)).collect()
}

/// The sum of both legs, each on its own scale.
fn sum(evidence: &Evidence, scale: fn(&[Option<LegScore>]) -> Vec<f64>) -> Vec<f64> {
    let (vector, keyword) = (scale(&evidence.vector), scale(&evidence.keyword));
    vector.iter().zip(keyword).map(|(vector, keyword)| vector + keyword).collect()
}

fn share_of_best(leg: &[Option<LegScore>]) -> Vec<f64> {
    let best = found(leg).fold(0.0, f64::max);
    scaled(leg, |score| if best > 0.0 { score / best } else { 0.0 })
}

/// Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023.
fn min_max(leg: &[Option<LegScore>]) -> Vec<f64> {
    let (least, most) = found(leg).fold((f64::MAX, f64::MIN), |(a, b), score| (a.min(score), b.max(score)));
    scaled(leg, |score| if most > least { (score - least) / (most - least) } else { 1.0 }.max(0.0))
}

/// Three standard deviations around the mean count as 0 to 1, as distribution-based score fusion does it.
fn z_score(leg: &[Option<LegScore>]) -> Vec<f64> {
    const DEVIATIONS: f64 = 3.0;
    let count = found(leg).count().max(1) as f64;
    let mean = found(leg).sum::<f64>() / count;
    let deviation = (found(leg).map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt();
    let of = |score: f64| 0.5 + (score - mean) / (2.0 * DEVIATIONS * deviation);
    scaled(leg, |score| if deviation > 0.0 { of(score).max(0.0) } else { 0.5 })
}

/// The scores of what the leg itself found.
fn found(leg: &[Option<LegScore>]) -> impl Iterator<Item = f64> {
    leg.iter().flatten().filter(|it| it.rank.is_some()).map(|it| it.score)
}

/// A passage that the leg says nothing of has score 0.
fn scaled(leg: &[Option<LegScore>], scale: impl Fn(f64) -> f64) -> Vec<f64> {
    leg.iter().map(|it| it.filter(|it| it.score > 0.0).map_or(0.0, |it| scale(it.score))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(rank: Option<u32>, score: f64) -> Option<LegScore> {
        Some(LegScore { rank, score, normalized: score / 2.0 })
    }

    /// Three passages: best by meaning, found by both, found by words alone.
    fn evidence() -> Evidence {
        Evidence {
            vector: vec![leg(Some(1), 0.8), leg(Some(2), 0.6), leg(None, 0.2)],
            keyword: vec![leg(None, 0.0), leg(Some(1), 1.5), leg(Some(2), 0.5)],
        }
    }

    fn close(scores: &[f64], expected: [f64; 3]) {
        assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{scores:?} is not {expected:?}");
    }

    #[test]
    fn ranks_and_scores_are_summed_as_published() {
        close(&reciprocal_ranks(&evidence()), [1.0 / 61.0, 1.0 / 62.0 + 1.0 / 61.0, 1.0 / 62.0]);
        close(&absolute(&evidence(), 0.25), [0.3, 0.225 + 0.1875, 0.075 + 0.0625]);
        close(&sum(&evidence(), share_of_best), [1.0, 0.75 + 1.0, 0.25 + 1.0 / 3.0]);
        close(&sum(&evidence(), min_max), [1.0, 1.0, 0.0]);
        close(&sum(&evidence(), z_score), [0.5 + 1.0 / 6.0, (0.5 - 1.0 / 6.0) + (0.5 + 1.0 / 6.0), 0.5 - 1.0 / 6.0]);
    }

    #[test]
    fn nothing_found_and_equal_scores_are_no_trouble() {
        for formula in FORMULAS {
            assert!((formula.scores)(&Evidence { vector: vec![], keyword: vec![] }).is_empty(), "{}", formula.name);
            let same = Evidence { vector: vec![leg(Some(1), 0.5), leg(Some(2), 0.5)], keyword: vec![None, None] };
            assert!((formula.scores)(&same).iter().all(|score| score.is_finite()), "{}", formula.name);
        }
    }
}
