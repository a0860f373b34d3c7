//! What a search request looks like.

use std::time::Duration;

use coditect_engine::filter::Filter;
use coditect_engine::search::{Mode, Rerank, RerankMode};
use coditect_engine::vector::limits::MAX_EF;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::ask::Ask;
use crate::limits;
use crate::problem::{Problem, Result};
use crate::routes::places;

/// Which legs a search uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::routes) enum SearchMode {
    /// Vectors and keywords, fused.
    #[default]
    Hybrid,
    /// Vectors alone.
    Vector,
    /// Keywords alone.
    Keyword,
}

impl From<SearchMode> for Mode {
    fn from(mode: SearchMode) -> Self {
        match mode {
            SearchMode::Hybrid => Self::Hybrid,
            SearchMode::Vector => Self::Vector,
            SearchMode::Keyword => Self::Keyword,
        }
    }
}

/// What late interaction does with the candidates of a hybrid search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::routes) enum RerankName {
    /// Its evidence is weighed together with that of the legs.
    #[default]
    Auto,
    /// It alone ranks.
    Maxsim,
    /// Nothing: the legs alone rank.
    Off,
}

/// How the candidates of a hybrid search are ranked anew.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::routes) struct RerankBody {
    /// What late interaction does; `auto` when absent.
    mode: RerankName,
    /// How many candidates it looks at, 1 to 1000; 100 when absent, fewer when `max_latency_ms` is short.
    #[schema(minimum = 1, maximum = 1000)]
    depth: Option<usize>,
}

impl RerankBody {
    fn into_rerank(self) -> Result<Rerank> {
        let max = coditect_engine::limits::RERANK_DEPTH_MAX;
        if self.depth.is_some_and(|depth| depth == 0 || depth > max) {
            return Err(Problem::field("/rerank/depth", format!("a depth is 1 to {max}")));
        }
        let mode = match self.mode {
            RerankName::Auto => RerankMode::Auto,
            RerankName::Maxsim => RerankMode::Maxsim,
            RerankName::Off => RerankMode::Off,
        };
        Ok(Rerank { mode, depth: self.depth })
    }
}

/// What results carry besides their place and score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::routes) enum Include {
    /// The passage's text.
    Text,
    /// Where the query's words are in the text.
    Highlights,
    /// The document's metadata.
    Metadata,
}

/// A search.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"query": "how often is a failed request sent again", "top_k": 5}))]
pub(in crate::routes) struct SearchBody {
    /// What to look for, 1 to 32768 bytes. Needed unless there is a `vector`.
    pub(in crate::routes) query: Option<String>,
    /// A ready vector in place of the embedded query, of the collections' dimension.
    pub(in crate::routes) vector: Option<Vec<f32>>,
    /// The collections to search, at most 64; all when absent or empty.
    pub(in crate::routes) collections: Option<Vec<String>>,
    /// How many results, 1 to 1000; 10 when absent.
    #[schema(minimum = 1, maximum = 1000)]
    pub(in crate::routes) top_k: Option<usize>,
    /// Which legs; `hybrid` when absent.
    pub(in crate::routes) mode: Option<SearchMode>,
    /// How the candidates of a hybrid search are ranked anew by late interaction.
    pub(in crate::routes) rerank: Option<RerankBody>,
    /// Which passages may be found: `{"field": value}`, operators `eq ne in gt gte lt lte exists prefix`, and `and or not`.
    #[schema(value_type = Option<Object>)]
    pub(in crate::routes) filter: Option<Value>,
    /// A write's `version`: the answer shows that write. Waits a few seconds for it, then 503.
    pub(in crate::routes) min_version: Option<String>,
    /// Milliseconds within which an answer is wanted. When they are short, late interaction looks at fewer candidates; when the
    /// query is not embedded in time, a hybrid search goes on without its vector.
    #[schema(minimum = 1, maximum = 60000)]
    pub(in crate::routes) max_latency_ms: Option<u32>,
    /// Tell how every score came about.
    pub(in crate::routes) explain: Option<bool>,
    /// Compare the query's vector with every allowed one instead of walking the graph: the true answer of the vector leg, and slower.
    pub(in crate::routes) exact: Option<bool>,
    /// The effort of the vector leg: points that its walk keeps, at least as many as candidates are wanted. More finds better and takes
    /// longer. 1 to 4096; that of each collection when absent.
    #[schema(minimum = 1, maximum = 4096)]
    pub(in crate::routes) ef: Option<usize>,
    /// Points found by their codes whose vectors are compared, at least as many as candidates are wanted. 1 to 4096; all that their codes
    /// cannot rule out when absent.
    #[schema(minimum = 1, maximum = 4096)]
    pub(in crate::routes) rescore: Option<usize>,
    /// Show the same text once, with all its places in `also_in`, and so with nearly the same text of other documents; true when
    /// absent.
    pub(in crate::routes) fold_copies: Option<bool>,
    /// What results carry; `["text", "highlights"]` when absent.
    pub(in crate::routes) include: Option<Vec<Include>>,
}

impl SearchBody {
    /// Checks what can be checked before the query is embedded.
    pub(in crate::routes) fn into_ask(self) -> Result<Ask> {
        let top_k = self.top_k.unwrap_or(limits::TOP_K_DEFAULT);
        let max = coditect_engine::limits::TOP_K;
        if top_k == 0 || top_k > max {
            return Err(Problem::field("/top_k", format!("top_k is 1 to {max}")));
        }
        let budget = self.max_latency_ms.map(|budget| match budget {
            1..=limits::MAX_LATENCY_MS => Ok(Duration::from_millis(budget.into())),
            _ => Err(Problem::field("/max_latency_ms", format!("max_latency_ms is 1 to {}", limits::MAX_LATENCY_MS))),
        });
        if self.ef.is_some_and(|ef| !(1..=MAX_EF).contains(&ef)) {
            return Err(Problem::field("/ef", format!("ef is 1 to {MAX_EF}")));
        }
        if self.rescore.is_some_and(|rescore| !(1..=MAX_EF).contains(&rescore)) {
            return Err(Problem::field("/rescore", format!("rescore is 1 to {MAX_EF}")));
        }
        let mode = self.mode.unwrap_or_default();
        check_query(self.query.as_deref(), self.vector.is_some(), mode)?;
        check_vector(self.vector.as_deref())?;
        Ok(Ask {
            query: self.query,
            vector: self.vector,
            collections: places::collections(&self.collections.unwrap_or_default())?,
            top_k,
            mode: mode.into(),
            rerank: self.rerank.map(RerankBody::into_rerank).transpose()?.unwrap_or_default(),
            filter: self.filter.as_ref().map(filter).transpose()?,
            min_version: places::min_version(self.min_version.as_deref())?,
            budget: budget.transpose()?,
            explain: self.explain.unwrap_or_default(),
            exact: self.exact.unwrap_or_default(),
            ef: self.ef,
            rescore: self.rescore,
            fold_copies: self.fold_copies.unwrap_or(true),
        })
    }
}

fn check_query(query: Option<&str>, has_vector: bool, mode: SearchMode) -> Result<()> {
    let max = coditect_engine::limits::QUERY_BYTES;
    match query {
        Some(query) if query.trim().is_empty() => Err(Problem::field("/query", "the query is empty")),
        Some(query) if query.len() > max => {
            Err(Problem::field("/query", format!("{} bytes, at most {max} are allowed", query.len())))
        }
        None if mode == SearchMode::Keyword => Err(Problem::field("/query", "mode keyword needs a query text")),
        None if !has_vector => Err(Problem::field("/query", "a query text or a vector is needed")),
        _ => Ok(()),
    }
}

/// A vector that can never be right is refused whatever the mode.
fn check_vector(vector: Option<&[f32]>) -> Result<()> {
    let Some(vector) = vector else { return Ok(()) };
    let max = coditect_engine::limits::DIMENSION;
    if vector.is_empty() || vector.len() > max {
        return Err(Problem::field("/vector", format!("a vector has 1 to {max} numbers")));
    }
    if let Some(bad) = vector.iter().position(|number| !number.is_finite()) {
        return Err(Problem::field(format!("/vector/{bad}"), "not a finite number of 32 bits"));
    }
    match vector.iter().all(|number| *number == 0.0) {
        true => Err(Problem::field("/vector", "the zero vector has no direction to search in")),
        false => Ok(()),
    }
}

fn filter(value: &Value) -> Result<Filter> {
    Filter::parse(value).map_err(|error| Problem::field(format!("/filter{}", error.pointer), error.message))
}

/// A search in the query string.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct SearchQuery {
    /// What to look for.
    q: Option<String>,
    /// The collections to search, with commas between; all when absent.
    collection: Option<String>,
    /// How many results, 1 to 1000; 10 when absent.
    top_k: Option<usize>,
    /// `hybrid`, `vector` or `keyword`.
    #[param(value_type = Option<String>)]
    mode: Option<SearchMode>,
    /// What late interaction does: `auto`, `maxsim` or `off`.
    #[param(value_type = Option<String>)]
    rerank: Option<RerankName>,
    /// How many candidates late interaction looks at, 1 to 1000.
    rerank_depth: Option<usize>,
    /// A filter, as JSON.
    filter: Option<String>,
    /// A write's `version`: the answer shows that write.
    min_version: Option<String>,
    /// Milliseconds within which an answer is wanted.
    max_latency_ms: Option<u32>,
    /// Tell how every score came about.
    explain: Option<bool>,
    /// Compare with every allowed vector instead of walking the graph.
    exact: Option<bool>,
    /// The effort of the vector leg, 1 to 4096; that of each collection when absent.
    ef: Option<usize>,
    /// Found points whose vectors are compared, 1 to 4096; all that their codes cannot rule out when absent.
    rescore: Option<usize>,
    /// Show the same and nearly the same text once; true when absent.
    fold_copies: Option<bool>,
    /// What results carry, with commas between: `text`, `highlights`, `metadata`.
    include: Option<String>,
}

impl SearchQuery {
    pub(super) fn into_body(self) -> Result<SearchBody> {
        let filter = self.filter.as_deref().map(serde_json::from_str).transpose();
        let filter = filter.map_err(|error| Problem::field("/filter", format!("not JSON: {error}")))?;
        let split = |text: String| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        let include = self.include.map(|text| {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(|name| serde_json::from_value(name.into())).collect::<Result<Vec<Include>, _>>()
        });
        let include = include.transpose();
        let include = include
            .map_err(|_| Problem::field("/include", "names out of text, highlights and metadata, with commas"))?;
        Ok(SearchBody {
            query: Some(self.q.ok_or_else(|| Problem::field("/q", "the parameter `q` is required"))?),
            vector: None,
            collections: self.collection.filter(|names| !names.is_empty()).map(split),
            top_k: self.top_k,
            mode: self.mode,
            rerank: Some(RerankBody { mode: self.rerank.unwrap_or_default(), depth: self.rerank_depth }),
            filter,
            min_version: self.min_version,
            max_latency_ms: self.max_latency_ms,
            explain: self.explain,
            exact: self.exact,
            ef: self.ef,
            rescore: self.rescore,
            fold_copies: self.fold_copies,
            include,
        })
    }
}

/// Names the parameter where the body's field has another name.
pub(super) fn by_parameter(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        if error.pointer == "/query" {
            error.pointer = "/q".into();
        } else if error.pointer.starts_with("/collections") {
            error.pointer = "/collection".into();
        } else if error.pointer == "/rerank/depth" {
            error.pointer = "/rerank_depth".into();
        }
    }
    problem
}
