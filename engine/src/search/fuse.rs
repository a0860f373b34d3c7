//! Fusion of the legs' evidence into one score between 0 and 1.
//!
//! A convex combination of normalised scores (Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid
//! Retrieval", TOIS 2023) keeps what rank fusion throws away: how much better the first is than the second.

use super::legs::Candidate;
use super::request::Mode;
use super::results::{Explanation, LegScore};
use crate::keyword::QueryProfile;

/// A candidate with its fused score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranked {
    pub(super) candidate: Candidate,
    pub(super) score: f32,
    pub(super) explanation: Explanation,
}

/// Weight of the keyword leg in a hybrid search.
const KEYWORD_WEIGHT: f32 = 0.5;

/// Scores and sorts the candidates, best first; ties by collection and slot.
pub(super) fn fuse(mode: Mode, candidates: &[Candidate], profile: &QueryProfile) -> Vec<Ranked> {
    let keyword_weight = match mode {
        Mode::Vector => 0.0,
        Mode::Keyword => 1.0,
        Mode::Hybrid => KEYWORD_WEIGHT,
    };
    let top = |score: fn(&Candidate) -> Option<f32>| candidates.iter().filter_map(score).fold(0.0, f32::max);
    let (best_cosine, best_bm25) = (top(|c| c.cosine), top(|c| c.bm25));
    let _ = profile;
    let mut ranked: Vec<Ranked> = candidates
        .iter()
        .map(|&candidate| {
            let vector = (keyword_weight < 1.0)
                .then(|| leg(candidate.cosine, candidate.vector_rank, best_cosine, 1.0 - keyword_weight));
            let keyword =
                (keyword_weight > 0.0).then(|| leg(candidate.bm25, candidate.keyword_rank, best_bm25, keyword_weight));
            let part = |leg: &Option<LegScore>| leg.map_or(0.0, |leg| leg.normalized * leg.weight);
            let score = (part(&vector) + part(&keyword)).clamp(0.0, 1.0);
            Ranked { candidate, score, explanation: Explanation { vector, keyword } }
        })
        .collect();
    ranked.sort_by(|a, b| {
        let place = |r: &Ranked| (r.candidate.target, r.candidate.slot);
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
    ranked
}

fn leg(score: Option<f32>, rank: Option<u32>, best: f32, weight: f32) -> LegScore {
    let score = score.unwrap_or(0.0);
    let normalized = if best > 0.0 { (score / best).clamp(0.0, 1.0) } else { 0.0 };
    LegScore { rank, score, normalized, weight }
}
