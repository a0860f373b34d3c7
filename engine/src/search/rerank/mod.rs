//! Late interaction over the best of the fused candidates.

mod features;

use std::time::Instant;

pub use features::Features;

use super::fuse::Ranked;
use super::legs::Target;
use super::request::{RerankMode, SearchRequest};
use crate::keyword::QueryProfile;
use crate::tokens::{Scorer, TokenScore, WeightedQuery};
use features::{QueryFeatures, Seen};

/// Candidates between two looks at the clock.
const STEP: usize = 16;

/// The query as it counts in each collection.
pub(super) type Weighted = Vec<Option<WeightedQuery>>;

/// The query's tokens as they count in each collection that holds codes of the same model.
pub(super) fn weighted(request: &SearchRequest, targets: &[Target]) -> Weighted {
    let of = |target: &Target| {
        let query = request.tokens.as_ref()?;
        let holds = target.index.head.tokens.as_ref().is_some_and(|model| model.id == query.model.id);
        holds.then(|| WeightedQuery::new(query, target.index.tokens())).flatten()
    };
    targets.iter().map(of).collect()
}

/// Ranks the first of `ranked` anew. Answers how many were looked at.
pub(super) fn rerank(
    request: &SearchRequest,
    targets: &[Target],
    profiles: &[QueryProfile],
    weighted: &Weighted,
    ranked: &mut Vec<Ranked>,
) -> usize {
    if weighted.iter().all(Option::is_none) {
        return 0;
    }
    let depth = request.rerank.depth.unwrap_or(crate::limits::RERANK_DEPTH.max(request.top_k)).min(ranked.len());
    let seen = look(request, targets, weighted, &ranked[..depth]);
    let count = seen.len();
    if seen.iter().all(|one| one.score == TokenScore::default()) {
        return 0;
    }
    let names = profiles.first().map_or(0.0, |profile| profile.name_share);
    let tokens = request.tokens.as_ref().map_or(0, |tokens| tokens.len());
    let features = features::of(&seen, QueryFeatures { names, tokens });
    let mut first: Vec<Ranked> = seen
        .into_iter()
        .zip(features)
        .map(|(one, features)| {
            let mut ranked = one.ranked;
            ranked.score = match request.rerank.mode {
                RerankMode::Maxsim => features.0[3],
                _ => 0.5 * features.0[2] + 0.5 * features.0[3],
            };
            ranked.explanation.features = Some(features);
            ranked
        })
        .collect();
    first.sort_by(|a, b| b.score.total_cmp(&a.score));
    let least = first.last().map_or(0.0, |last| last.score);
    let rest = ranked.split_off(count);
    let most = rest.first().map_or(1.0, |best| best.score).max(f32::MIN_POSITIVE);
    first.extend(rest.into_iter().map(|one| Ranked { score: least * (one.score / most).min(1.0), ..one }));
    *ranked = first;
    count
}

fn look(request: &SearchRequest, targets: &[Target], weighted: &Weighted, ranked: &[Ranked]) -> Vec<Seen> {
    let mut scorers: Vec<Option<Scorer<'_>>> = weighted.iter().map(|query| query.as_ref().map(Scorer::new)).collect();
    let mut seen = Vec::with_capacity(ranked.len());
    for step in ranked.chunks(STEP) {
        if request.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        for &ranked in step {
            let (target, slot) = (ranked.candidate.target, ranked.candidate.slot);
            let index = &targets[target].index;
            let Some(entry) = index.entry(slot) else { continue };
            let codes = index.tokens().get(&[slot]).pop().flatten();
            let score = scorers[target].as_mut().zip(codes).map(|(scorer, codes)| scorer.score(&codes));
            seen.push(Seen { ranked, entry, score: score.unwrap_or_default() });
        }
    }
    seen
}
