//! Retrieval metrics over one question's ranking, with binary relevance.
//!
//! A ranking is given as the judged items that each result covers. For passages an item is a judged
//! span, which several results may overlap and which counts once, at its best rank; for documents
//! an item is a judged document. Formulas are those of the judged set `docs-qa`: nDCG takes gain 1
//! per item at its best rank over the ideal ranking of `min(n, 10)` items, capped at 1.

use serde::{Deserialize, Serialize};

/// Depth of MRR and nDCG.
const DEPTH: usize = 10;

/// How well one question was answered, or the mean over several; all from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// 1 when the first result is relevant.
    #[serde(rename = "success@1")]
    pub success_1: f64,
    /// 1 when one of the first three is.
    #[serde(rename = "success@3")]
    pub success_3: f64,
    /// 1 when one of the first five is.
    #[serde(rename = "success@5")]
    pub success_5: f64,
    /// 1 when one of the first ten is.
    #[serde(rename = "success@10")]
    pub success_10: f64,
    /// One over the rank of the first relevant result, 0 behind rank 10.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f64,
    /// Normalised discounted gain of the first ten.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f64,
    /// 1 when one of the first five distinct documents is relevant.
    #[serde(rename = "doc_success@5")]
    pub doc_success_5: f64,
}

impl Metrics {
    /// Metrics of one question: the judged items that each result covers, best result first, the
    /// same for distinct documents, and the number of items judged.
    #[must_use]
    pub fn of(results: &[Vec<usize>], documents: &[bool], judged: usize) -> Self {
        let first = results.iter().position(|items| !items.is_empty());
        let within = |depth: usize| f64::from(first.is_some_and(|rank| rank < depth));
        Self {
            success_1: within(1),
            success_3: within(3),
            success_5: within(5),
            success_10: within(10),
            mrr_10: first.filter(|rank| *rank < DEPTH).map_or(0.0, |rank| 1.0 / (rank + 1) as f64),
            ndcg_10: ndcg(results, judged),
            doc_success_5: f64::from(documents.iter().take(5).any(|relevant| *relevant)),
        }
    }

    /// Mean of every metric; zero for no questions.
    #[must_use]
    pub fn mean<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        let mut count = 0.0_f64;
        for one in all {
            sum = sum.zip(one, |a, b| a + b);
            count += 1.0;
        }
        sum.zip(&sum, |a, _| a / count.max(1.0))
    }

    fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            success_1: f(self.success_1, other.success_1),
            success_3: f(self.success_3, other.success_3),
            success_5: f(self.success_5, other.success_5),
            success_10: f(self.success_10, other.success_10),
            mrr_10: f(self.mrr_10, other.mrr_10),
            ndcg_10: f(self.ndcg_10, other.ndcg_10),
            doc_success_5: f(self.doc_success_5, other.doc_success_5),
        }
    }

    /// The metrics as `name=value` pairs, in the form that the benchmark prints.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "success@1={:.3} success@5={:.3} mrr@10={:.3} ndcg@10={:.3} doc_success@5={:.3}",
            self.success_1, self.success_5, self.mrr_10, self.ndcg_10, self.doc_success_5
        )
    }
}

fn ndcg(results: &[Vec<usize>], judged: usize) -> f64 {
    let mut counted = vec![false; judged];
    let mut gain = 0.0;
    for (rank, items) in results.iter().take(DEPTH).enumerate() {
        for item in items {
            if !std::mem::replace(&mut counted[*item], true) {
                gain += discount(rank);
            }
        }
    }
    let ideal: f64 = (0..judged.min(DEPTH)).map(discount).sum();
    if ideal == 0.0 { 0.0 } else { (gain / ideal).min(1.0) }
}

/// Weight of a rank counted from 0.
fn discount(rank: usize) -> f64 {
    1.0 / ((rank + 2) as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn the_rank_of_the_first_relevant_result_decides() {
        let results = [vec![], vec![], vec![0], vec![0]];
        let metrics = Metrics::of(&results, &[false, true], 1);
        assert_eq!((metrics.success_1, metrics.success_3, metrics.success_5), (0.0, 1.0, 1.0));
        close(metrics.mrr_10, 1.0 / 3.0);
        close(metrics.ndcg_10, 0.5);
        close(metrics.doc_success_5, 1.0);
    }

    #[test]
    fn a_span_gains_once_at_its_best_rank() {
        let results = [vec![0], vec![0], vec![1]];
        let ideal = 1.0 + 1.0 / 3_f64.log2();
        close(Metrics::of(&results, &[], 2).ndcg_10, (1.0 + 0.5) / ideal);
    }

    #[test]
    fn a_passage_over_several_spans_cannot_exceed_the_ideal() {
        close(Metrics::of(&[vec![0, 1, 2]], &[], 3).ndcg_10, 1.0);
    }

    #[test]
    fn more_than_ten_spans_have_an_ideal_of_ten() {
        let results: Vec<Vec<usize>> = (0..10).map(|item| vec![item]).collect();
        close(Metrics::of(&results, &[], 12).ndcg_10, 1.0);
    }

    #[test]
    fn nothing_counts_behind_rank_ten() {
        let mut results = vec![vec![]; 10];
        results.push(vec![0]);
        let metrics = Metrics::of(&results, &[false; 5], 1);
        assert_eq!(metrics, Metrics::default());
    }

    #[test]
    fn the_mean_is_over_questions() {
        let good = Metrics::of(&[vec![0]], &[true], 1);
        let mean = Metrics::mean([&good, &Metrics::default()]);
        close(mean.success_1, 0.5);
        close(mean.doc_success_5, 0.5);
        assert_eq!(Metrics::mean([]), Metrics::default());
    }
}
