//! Late interaction over the best of the fused candidates: MaxSim is weighed together with what the legs said.

mod features;
mod model;

use std::time::Instant;

pub use features::{Feature, Features};

use self::features::Seen;
use super::fuse::Ranked;
use super::legs::Target;
use super::request::{RerankMode, SearchRequest};
use crate::limits;
use crate::tokens::{Scorer, TokenScore, WeightedQuery};

/// Candidates between two looks at the clock.
const STEP: usize = 16;

/// The query's tokens as they count in each collection; nothing where no codes of the same model are held.
pub(super) type Weighted = Vec<Option<WeightedQuery>>;

/// What a feature adds to a score.
#[must_use]
pub fn share(feature: Feature, features: &Features) -> f32 {
    model::share(feature, features)
}

/// Weighs the query's tokens for each collection.
pub(super) fn weighted(request: &SearchRequest, targets: &[Target]) -> Weighted {
    let of = |target: &Target| {
        let query = request.tokens.as_ref()?;
        let holds = target.index.head.tokens.as_ref().is_some_and(|model| model.id == query.model.id);
        holds.then(|| WeightedQuery::new(query, target.index.tokens())).flatten()
    };
    targets.iter().map(of).collect()
}

/// Ranks the first of `ranked` anew, the others stay behind them. Answers how many were looked at.
pub(super) fn rerank(
    request: &SearchRequest,
    targets: &[Target],
    weighted: &Weighted,
    ranked: &mut Vec<Ranked>,
) -> usize {
    let depth = request.rerank.depth.unwrap_or(limits::RERANK_DEPTH.max(request.top_k)).min(ranked.len());
    let (seen, count) = look(request, targets, weighted, &ranked[..depth]);
    if count == 0 {
        return 0;
    }
    let features = features::of(&seen);
    let anew = seen.into_iter().zip(features).map(|(one, features)| {
        let mut ranked = one.ranked;
        ranked.score = match request.rerank.mode {
            RerankMode::Maxsim => features.get(Feature::Maxsim),
            RerankMode::Auto | RerankMode::Off => model::score(&features),
        };
        ranked.explanation.features = Some(features);
        ranked
    });
    let mut first: Vec<Ranked> = anew.collect();
    // Equal scores keep the order of the fusion.
    first.sort_by(|a, b| b.score.total_cmp(&a.score));
    let rest = ranked.split_off(count);
    append(&mut first, rest);
    *ranked = first;
    count
}

/// Puts candidates that were not looked at behind those that were, their scores scaled to below the last one's.
fn append(first: &mut Vec<Ranked>, rest: Vec<Ranked>) {
    let least = first.last().map_or(0.0, |last| last.score);
    let most = rest.first().map_or(1.0, |best| best.score).max(f32::MIN_POSITIVE);
    first.extend(rest.into_iter().map(|one| Ranked { score: least * (one.score / most).min(1.0), ..one }));
}

/// Looks at candidates until the time is over. Answers what it saw, and how many it looked at: none when no candidate has codes.
fn look(request: &SearchRequest, targets: &[Target], weighted: &Weighted, ranked: &[Ranked]) -> (Vec<Seen>, usize) {
    let queries = weighted.iter().zip(targets);
    let scorers = queries.map(|(query, target)| query.as_ref().map(|query| Scorer::new(query, target.index.tokens())));
    let mut scorers: Vec<Option<Scorer<'_>>> = scorers.collect();
    let (mut seen, mut without, mut count) = (Vec::with_capacity(ranked.len()), Vec::new(), 0);
    for step in ranked.chunks(STEP) {
        if request.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        count += step.len();
        for &ranked in step {
            let (target, slot) = (ranked.candidate.target, ranked.candidate.slot);
            let Some(entry) = targets[target].index.entry(slot) else { continue };
            let codes = || targets[target].index.tokens().get(slot);
            let score = scorers[target].as_mut().and_then(|scorer| Some(scorer.score(&codes()?)));
            if score.is_none() {
                without.push(seen.len());
            }
            seen.push(Seen { ranked, entry, score: score.unwrap_or_default() });
        }
    }
    if without.len() == seen.len() {
        return (Vec::new(), 0);
    }
    fill(&mut seen, &without);
    (seen, count)
}

/// Candidates without codes, of a collection that holds none, count as much as those with codes do in the mean.
fn fill(seen: &mut [Seen], without: &[usize]) {
    if without.is_empty() {
        return;
    }
    let known = (seen.len() - without.len()) as f32;
    let mean = TokenScore::mean(seen.iter().map(|one| &one.score), known);
    without.iter().for_each(|&place| seen[place].score = mean);
}
