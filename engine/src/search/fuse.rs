//! Fusion of the legs' evidence into one score between 0 and 1.
//!
//! A convex combination of scores (Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023)
//! keeps what rank fusion throws away: how much better the first is than the second. Both scores are on scales that do not
//! depend on what else was found: cosine similarity, and BM25 as a share of the most that the query could get from its
//! collection ([`QueryProfile::ceiling`](crate::keyword::QueryProfile)). So a leg that found nothing good has little to
//! say, and scores of different collections can be merged. The weights are those of [`weights`](super::weights).
//! Measured against other fusions in docs/relevance.md.

use super::legs::Candidate;
use super::request::Mode;
use super::results::{Explanation, LegScore};
use super::weights;
use crate::keyword::QueryProfile;

/// A candidate with its fused score.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ranked {
    pub(super) candidate: Candidate,
    pub(super) score: f32,
    pub(super) explanation: Explanation,
}

/// Scores and sorts the candidates, best first; ties by collection, document and place in it.
///
/// `profiles` are what the keyword leg knows of the query's words, one for each collection searched.
pub(super) fn fuse(mode: Mode, candidates: &[Candidate], profiles: &[QueryProfile]) -> Vec<Ranked> {
    let share = |candidate: &Candidate| share(candidate.bm25, profiles[candidate.target].ceiling);
    let shares: Vec<f32> = candidates.iter().map(share).collect();
    let keyword_weight = match mode {
        Mode::Vector => 0.0,
        Mode::Keyword => 1.0,
        Mode::Hybrid => {
            let name_share = profiles.first().map_or(0.0, |profile| profile.name_share);
            weights::keyword_weight(candidates, &shares, name_share)
        }
    };
    let rank = |(&candidate, &share): (&Candidate, &f32)| {
        let vector = (mode != Mode::Keyword).then(|| LegScore {
            rank: candidate.vector_rank,
            score: candidate.cosine.unwrap_or(0.0),
            normalized: candidate.cosine.unwrap_or(0.0).clamp(0.0, 1.0),
            weight: 1.0 - keyword_weight,
        });
        let keyword = (mode != Mode::Vector).then(|| LegScore {
            rank: candidate.keyword_rank,
            score: candidate.bm25.unwrap_or(0.0),
            normalized: share,
            weight: keyword_weight,
        });
        let score = vector.iter().chain(&keyword).map(|leg| leg.normalized * leg.weight).sum();
        Ranked { candidate, score, explanation: Explanation { vector, keyword, features: None } }
    };
    let mut ranked: Vec<Ranked> = candidates.iter().zip(&shares).map(rank).collect();
    ranked.sort_by(|a, b| {
        let place = |r: &Ranked| (r.candidate.target, r.candidate.order);
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
    ranked
}

/// A BM25 score as a share of the most that the query could get.
fn share(score: Option<f32>, ceiling: f32) -> f32 {
    let score = score.unwrap_or(0.0);
    if ceiling > 0.0 { (score / ceiling).clamp(0.0, 1.0) } else { 0.0 }
}
