//! What is known of a candidate and of the query, as numbers.

use std::collections::HashMap;

use super::super::fuse::Ranked;
use crate::index::SlotEntry;
use crate::tokens::TokenScore;

/// Names of the features, in the order of [`Features`].
pub(crate) const NAMES: [&str; Features::COUNT] = [
    "cosine",
    "bm25",
    "fused",
    "maxsim",
    "body",
    "before",
    "exact",
    "exact_before",
    "pairs",
    "worst",
    "length",
    "neighbours",
    "document",
    "vector_rank",
    "keyword_rank",
    "keyword_weight",
    "code",
    "names",
    "tokens",
    "gap",
];

/// The features of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features(pub(super) [f32; Self::COUNT]);

impl Features {
    /// Number of features.
    pub const COUNT: usize = 20;

    /// Name and value of each.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f32)> {
        NAMES.into_iter().zip(self.0)
    }
}

/// A candidate with what is needed for its features.
pub(super) struct Seen {
    pub(super) ranked: Ranked,
    pub(super) entry: SlotEntry,
    pub(super) score: TokenScore,
}

/// What is the same for all candidates of a query.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueryFeatures {
    pub(super) names: f32,
    pub(super) tokens: usize,
}

/// The features of every candidate.
pub(super) fn of(seen: &[Seen], query: QueryFeatures) -> Vec<Features> {
    let mut places: HashMap<(usize, u32), usize> = HashMap::with_capacity(seen.len());
    let mut documents: HashMap<usize, Vec<(usize, f32)>> = HashMap::new();
    for (place, one) in seen.iter().enumerate() {
        let document = std::sync::Arc::as_ptr(&one.entry.document) as usize;
        places.insert((document, one.entry.ordinal), place);
        documents.entry(document).or_default().push((place, one.score.maxsim));
    }
    let mut sims: Vec<f32> = seen.iter().map(|one| one.score.maxsim).collect();
    sims.sort_by(|a, b| b.total_cmp(a));
    let gap = match sims.first() {
        Some(&best) if best > 0.0 => 1.0 - sims.get(19).or(sims.last()).copied().unwrap_or(0.0) / best,
        _ => 0.0,
    };
    let code =
        seen.iter().take(20).filter(|one| one.ranked.candidate.is_code).count() as f32 / seen.len().clamp(1, 20) as f32;
    seen.iter()
        .enumerate()
        .map(|(place, one)| {
            let document = std::sync::Arc::as_ptr(&one.entry.document) as usize;
            let ordinal = one.entry.ordinal;
            let beside = [ordinal.checked_sub(1), ordinal.checked_add(1)].into_iter().flatten();
            let beside = beside.filter_map(|ordinal| places.get(&(document, ordinal)).map(|&at| seen[at].score.maxsim));
            let others = documents[&document].iter().filter(|(other, _)| *other != place).map(|(_, sim)| *sim);
            let rank = |rank: Option<u32>| rank.map_or(0.0, |rank| 10.0 / (9.0 + rank as f32));
            let explanation = &one.ranked.explanation;
            let score = one.score;
            Features([
                explanation.vector.map_or(0.0, |leg| leg.normalized),
                explanation.keyword.map_or(0.0, |leg| leg.normalized),
                one.ranked.score,
                score.maxsim,
                score.body,
                score.before,
                score.exact,
                score.exact_before,
                score.pairs,
                score.worst,
                (1.0 + score.length as f32).ln() / 6.0,
                beside.fold(0.0, f32::max),
                others.fold(0.0, f32::max),
                rank(explanation.vector.and_then(|leg| leg.rank)),
                rank(explanation.keyword.and_then(|leg| leg.rank)),
                explanation.keyword.map_or(0.0, |leg| leg.weight),
                code,
                query.names,
                query.tokens as f32,
                gap,
            ])
        })
        .collect()
}
