//! What is known of a candidate, as numbers: the evidence of both legs, of late interaction, and of its document.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::fuse::Ranked;
use super::super::results::LegScore;
use crate::index::SlotEntry;
use crate::tokens::TokenScore;

/// Candidates, best first, that say whether it is code that is looked for.
const TOP: usize = 20;
/// Tokens of a passage as long as any.
const LONGEST: f32 = 512.0;

/// One number of a candidate, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Cosine similarity times the vector leg's weight, which follows the query.
    Cosine,
    /// BM25 as a share of its ceiling, times the keyword leg's weight.
    Bm25,
    /// Similarity of the query's tokens to the passage's.
    Maxsim,
    /// The same times the share of code among the best candidates.
    MaxsimInCode,
    /// The best MaxSim of another passage of the same document.
    Document,
    /// Similarity of the query's important token that is met worst.
    Worst,
    /// MaxSim of the best window of the passage.
    Window,
    /// Similarity of the passage's tokens to the query's.
    Focus,
    /// MaxSim without title and headings.
    Body,
    /// MaxSim with title and headings alone.
    Headings,
    /// Tokens of the query that stand in the passage as they are.
    Exact,
    /// Tokens of the query that stand in title and headings as they are.
    ExactHeadings,
    /// Neighbouring tokens of the query that stand side by side.
    Pairs,
    /// Logarithm of the passage's length.
    Length,
    /// The best MaxSim of the passages before and behind.
    Neighbours,
}

impl Feature {
    /// All features.
    pub const ALL: [Self; 15] = [
        Self::Cosine,
        Self::Bm25,
        Self::Maxsim,
        Self::MaxsimInCode,
        Self::Document,
        Self::Worst,
        Self::Window,
        Self::Focus,
        Self::Body,
        Self::Headings,
        Self::Exact,
        Self::ExactHeadings,
        Self::Pairs,
        Self::Length,
        Self::Neighbours,
    ];

    /// Its name in the API and in the file of weights.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Bm25 => "bm25",
            Self::Maxsim => "maxsim",
            Self::MaxsimInCode => "maxsim_in_code",
            Self::Document => "document",
            Self::Worst => "worst",
            Self::Window => "window",
            Self::Focus => "focus",
            Self::Body => "body",
            Self::Headings => "headings",
            Self::Exact => "exact",
            Self::ExactHeadings => "exact_headings",
            Self::Pairs => "pairs",
            Self::Length => "length",
            Self::Neighbours => "neighbours",
        }
    }
}

/// A number for each feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features([f32; Feature::ALL.len()]);

impl Features {
    /// The number of a feature.
    #[must_use]
    pub fn get(&self, feature: Feature) -> f32 {
        self.0[feature as usize]
    }

    pub(super) fn from_fn(of: impl FnMut(Feature) -> f32) -> Self {
        Self(Feature::ALL.map(of))
    }
}

/// A candidate that late interaction looked at.
pub(super) struct Seen {
    pub(super) ranked: Ranked,
    pub(super) entry: SlotEntry,
    pub(super) score: TokenScore,
}

/// What a candidate has in common with others.
struct Company<'a> {
    seen: &'a [Seen],
    /// Places of the candidates of each document.
    documents: HashMap<usize, Vec<usize>>,
    code: f32,
}

/// The features of every candidate; `seen` is in the order of the fusion.
pub(super) fn of(seen: &[Seen]) -> Vec<Features> {
    let mut documents: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, one) in seen.iter().enumerate() {
        documents.entry(document(one)).or_default().push(place);
    }
    let best = seen.len().min(TOP);
    let code = seen[..best].iter().filter(|one| one.ranked.candidate.is_code).count() as f32 / best.max(1) as f32;
    let company = Company { seen, documents, code };
    (0..seen.len()).map(|place| company.features(place)).collect()
}

fn document(one: &Seen) -> usize {
    Arc::as_ptr(&one.entry.document) as usize
}

impl Company<'_> {
    fn features(&self, place: usize) -> Features {
        let Seen { ranked, entry, score } = &self.seen[place];
        let leg = |leg: Option<LegScore>| leg.map_or(0.0, |leg| leg.normalized * leg.weight);
        let others = self.documents[&document(&self.seen[place])].iter().filter(|&&other| other != place);
        let others = others.map(|&other| &self.seen[other]);
        let best = |best: f32, other: &Seen| best.max(other.score.maxsim);
        let beside = others.clone().filter(|other| other.entry.ordinal.abs_diff(entry.ordinal) == 1);
        Features::from_fn(|feature| match feature {
            Feature::Cosine => leg(ranked.explanation.vector),
            Feature::Bm25 => leg(ranked.explanation.keyword),
            Feature::Maxsim => score.maxsim,
            Feature::MaxsimInCode => score.maxsim * self.code,
            Feature::Document => others.clone().fold(0.0, best),
            Feature::Worst => score.worst,
            Feature::Window => score.window,
            Feature::Focus => score.focus,
            Feature::Body => score.body,
            Feature::Headings => score.before,
            Feature::Exact => score.exact,
            Feature::ExactHeadings => score.exact_before,
            Feature::Pairs => score.pairs,
            Feature::Length => (score.length as f32).ln_1p() / LONGEST.ln_1p(),
            Feature::Neighbours => beside.clone().fold(0.0, best),
        })
    }
}
