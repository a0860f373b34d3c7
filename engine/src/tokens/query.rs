//! The tokens of a query, and what each counts in one collection.

use super::index::TokenIndex;
use crate::limits::QUERY_TOKENS;
use crate::model::{EmbedderInfo, short_id};
use crate::vector::maxsim;

/// The tokens of a query as a model sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryTokens {
    /// The model.
    pub model: EmbedderInfo,
    ids: Vec<u16>,
    vectors: maxsim::QueryTokens,
}

impl QueryTokens {
    /// Tokens by their numbers in the model's vocabulary and their vectors, one after the other. `None` when there are not as
    /// many vectors as numbers, or their dimension is none that codes can have ([`maxsim::DIMENSION_STEP`]).
    #[must_use]
    pub fn new(model: EmbedderInfo, ids: &[u32], vectors: &[f32]) -> Option<Self> {
        let vectors = maxsim::QueryTokens::quantise(vectors, model.dimension as usize)?;
        (vectors.len() == ids.len()).then(|| Self { model, ids: ids.iter().copied().map(short_id).collect(), vectors })
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.ids.len() * (self.model.dimension as usize + 16)
    }
}

/// A query's tokens, weighted by how rare they are in one collection.
#[derive(Debug, Clone)]
pub(crate) struct WeightedQuery {
    pub(super) ids: Vec<u16>,
    pub(super) vectors: maxsim::QueryTokens,
    /// Each token's share of the sum of all inverse document frequencies.
    pub(super) weights: Vec<f32>,
}

impl WeightedQuery {
    /// `query` as it counts among the passages of `index`; `None` when nothing of it counts.
    pub(crate) fn new(query: &QueryTokens, index: &TokenIndex) -> Option<Self> {
        let mut idfs = Vec::new();
        index.idfs(&query.ids, &mut idfs);
        let mut places: Vec<usize> = (0..idfs.len()).collect();
        places.sort_by(|&a, &b| idfs[b].total_cmp(&idfs[a]));
        places.truncate(QUERY_TOKENS);
        places.sort_unstable();
        let total: f32 = places.iter().map(|&place| idfs[place]).sum();
        (total > 0.0).then(|| Self {
            ids: places.iter().map(|&place| query.ids[place]).collect(),
            vectors: query.vectors.at(&places),
            weights: places.iter().map(|&place| idfs[place] / total).collect(),
        })
    }

    /// The mean of a number for each token, by the tokens' weights.
    pub(super) fn weighted(&self, numbers: &[f32]) -> f32 {
        self.weights.iter().zip(numbers).map(|(weight, number)| weight * number).sum()
    }
}
