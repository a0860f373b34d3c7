//! What a search asks for, and the checks that every search passes.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::limits;
use crate::model::{CollectionRef, EmbedderInfo, Version};
use crate::tokens::QueryTokens;
use crate::vector::limits::MAX_EF;

/// Which legs a search uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Vectors and keywords, fused.
    #[default]
    Hybrid,
    /// Vectors alone.
    Vector,
    /// Keywords alone.
    Keyword,
}

impl Mode {
    /// The mode's name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hybrid => "hybrid",
            Self::Vector => "vector",
            Self::Keyword => "keyword",
        }
    }
}

/// The query's vector.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Its numbers; their count must be the collections' dimension.
    pub values: Vec<f32>,
    /// Who made it; `None` when the caller brought a ready vector and vouches for it.
    pub embedder: Option<EmbedderInfo>,
}

/// What late interaction does with the fused candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RerankMode {
    /// Its evidence is weighed together with that of the legs.
    #[default]
    Auto,
    /// It alone ranks.
    Maxsim,
    /// Nothing.
    Off,
}

/// How fused candidates are ranked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rerank {
    /// What late interaction does.
    pub mode: RerankMode,
    /// How many candidates it looks at, 1 to [`limits::RERANK_DEPTH_MAX`]; as many as are worth it when `None`.
    pub depth: Option<usize>,
}

/// A search.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// The query's text; the keyword leg needs it.
    pub query: Option<String>,
    /// The query's vector; the vector leg needs it.
    pub vector: Option<Vector>,
    /// The query's tokens; late interaction needs them.
    pub tokens: Option<QueryTokens>,
    /// How the candidates of a hybrid search are ranked anew.
    pub rerank: Rerank,
    /// When an answer is wanted: late interaction looks at fewer candidates, or none, when time is short.
    pub deadline: Option<Instant>,
    /// The collections to search; empty means all that the tenant can reach.
    pub collections: Vec<CollectionRef>,
    /// How many results, 1 to [`limits::TOP_K`].
    pub top_k: usize,
    /// Which legs.
    pub mode: Mode,
    /// Which passages may be found.
    pub filter: Option<Filter>,
    /// The version that the answer must show at least.
    pub min_version: Option<Version>,
    /// How long to wait for `min_version`.
    pub wait: Duration,
    /// Explain every score.
    pub explain: bool,
    /// Exact scan instead of the graph.
    pub exact: bool,
    /// The effort of the vector leg, 1 to [`MAX_EF`]; that of each collection when `None`.
    pub ef: Option<usize>,
    /// Found points whose vectors are compared, 1 to [`MAX_EF`]; all that their codes cannot rule out when `None`.
    pub rescore: Option<usize>,
    /// Show the same text once, with all its places, and so with texts of other documents that are nearly the same.
    pub fold_copies: bool,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            query: None,
            vector: None,
            tokens: None,
            rerank: Rerank::default(),
            deadline: None,
            collections: Vec::new(),
            top_k: 10,
            mode: Mode::Hybrid,
            filter: None,
            min_version: None,
            wait: limits::MIN_VERSION_WAIT,
            explain: false,
            exact: false,
            ef: None,
            rescore: None,
            fold_copies: true,
        }
    }
}

impl SearchRequest {
    /// Checks everything that does not depend on the collections.
    pub(super) fn check(&self) -> Result<()> {
        if self.top_k == 0 || self.top_k > limits::TOP_K {
            return Err(Error::invalid("/top_k", format!("top_k is 1 to {}", limits::TOP_K)));
        }
        if self.collections.len() > limits::SEARCH_COLLECTIONS {
            let limit = limits::SEARCH_COLLECTIONS;
            return Err(Error::invalid("/collections", format!("at most {limit} collections can be searched at once")));
        }
        if self.rerank.depth.is_some_and(|depth| depth == 0 || depth > limits::RERANK_DEPTH_MAX) {
            return Err(Error::invalid("/rerank/depth", format!("a depth is 1 to {}", limits::RERANK_DEPTH_MAX)));
        }
        if self.ef.is_some_and(|ef| !(1..=MAX_EF).contains(&ef)) {
            return Err(Error::invalid("/ef", format!("ef is 1 to {MAX_EF}")));
        }
        if self.rescore.is_some_and(|rescore| !(1..=MAX_EF).contains(&rescore)) {
            return Err(Error::invalid("/rescore", format!("rescore is 1 to {MAX_EF}")));
        }
        match &self.query {
            Some(query) if query.trim().is_empty() => return Err(Error::invalid("/query", "the query is empty")),
            Some(query) if query.len() > limits::QUERY_BYTES => {
                let limit = limits::QUERY_BYTES;
                return Err(Error::invalid("/query", format!("{} bytes, at most {limit} are allowed", query.len())));
            }
            None if self.mode == Mode::Keyword => {
                return Err(Error::invalid("/query", "mode keyword needs a query text"));
            }
            None if self.vector.is_none() => {
                return Err(Error::invalid("/query", "a query text or a vector is needed"));
            }
            _ => {}
        }
        self.vector.as_ref().map_or(Ok(()), check_vector)
    }
}

fn check_vector(vector: &Vector) -> Result<()> {
    let values = &vector.values;
    if values.is_empty() || values.len() > limits::DIMENSION {
        return Err(Error::invalid("/vector", format!("a vector has 1 to {} numbers", limits::DIMENSION)));
    }
    if let Some(bad) = values.iter().position(|x| !x.is_finite()) {
        return Err(Error::invalid(format!("/vector/{bad}"), "not a finite number"));
    }
    if values.iter().all(|x| *x == 0.0) {
        return Err(Error::invalid("/vector", "the zero vector has no direction to search in"));
    }
    Ok(())
}
