//! A search from checked request to the engine's answer: the query's vector and tokens first, then both legs.

use std::time::{Duration, Instant};

use coditect_engine::Tenant;
use coditect_engine::filter::Filter;
use coditect_engine::model::{CollectionRef, Version};
use coditect_engine::search::{Mode, QueryTokens, Rerank, SearchRequest, SearchResponse, Vector};

use crate::problem::{Code, Problem, Result};
use crate::query::Missing;
use crate::state::App;

/// A search whose fields are in order.
#[derive(Debug, Clone)]
pub(in crate::routes) struct Ask {
    pub(in crate::routes) query: Option<String>,
    pub(in crate::routes) vector: Option<Vec<f32>>,
    pub(in crate::routes) collections: Vec<CollectionRef>,
    pub(in crate::routes) top_k: usize,
    pub(in crate::routes) mode: Mode,
    pub(in crate::routes) rerank: Rerank,
    pub(in crate::routes) filter: Option<Filter>,
    pub(in crate::routes) min_version: Option<Version>,
    pub(in crate::routes) budget: Option<Duration>,
    pub(in crate::routes) explain: bool,
    /// Exact scan instead of the graph.
    pub(in crate::routes) exact: bool,
    /// The effort of the vector leg.
    pub(in crate::routes) ef: Option<usize>,
    /// Found points whose vectors are compared.
    pub(in crate::routes) rescore: Option<usize>,
    pub(in crate::routes) fold_copies: bool,
}

/// Why a hybrid search went on without vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::routes) enum Degraded {
    /// The query was not embedded within `max_latency_ms`.
    TooLate,
    /// The embedder is away.
    Unavailable,
}

/// The engine's answer and how the query's vector came.
#[derive(Debug, Clone)]
pub(in crate::routes) struct Answered {
    pub(in crate::routes) response: SearchResponse,
    pub(in crate::routes) embed: Duration,
    pub(in crate::routes) degraded: Option<Degraded>,
    /// The query as it was embedded, where words of it were misspelt.
    pub(in crate::routes) corrected: Option<String>,
}

/// Searches what `tenant` can read.
pub(in crate::routes) async fn ask(app: &App, tenant: &Tenant, ask: Ask) -> Result<Answered> {
    let deadline = ask.budget.map(|budget| Instant::now() + budget);
    let Query { vector, tokens, embed, degraded, corrected } = embedded(app, tenant, &ask).await?;
    let mode = if degraded.is_some() { Mode::Keyword } else { ask.mode };
    let request = SearchRequest {
        query: ask.query,
        vector,
        tokens,
        rerank: ask.rerank,
        deadline,
        collections: ask.collections,
        top_k: ask.top_k,
        mode,
        filter: ask.filter,
        min_version: ask.min_version,
        explain: ask.explain,
        exact: ask.exact,
        ef: ask.ef,
        rescore: ask.rescore,
        fold_copies: ask.fold_copies,
        ..SearchRequest::default()
    };
    let response = tenant.search(request).await?;
    record(&response);
    Ok(Answered { response, embed, degraded, corrected })
}

/// The vector and tokens that the search needs, what they took, and whether the search goes on without.
#[derive(Default)]
struct Query {
    vector: Option<Vector>,
    tokens: Option<QueryTokens>,
    embed: Duration,
    degraded: Option<Degraded>,
    corrected: Option<String>,
}

async fn embedded(app: &App, tenant: &Tenant, ask: &Ask) -> Result<Query> {
    if let Some(values) = &ask.vector {
        // Who brings a vector does not want to wait for the model.
        let vector = Some(Vector { values: values.clone(), embedder: None });
        return Ok(Query { vector, ..Query::default() });
    }
    let Some(query) = ask.query.as_deref().filter(|_| ask.mode != Mode::Keyword) else {
        return Ok(Query::default());
    };
    let corrected = app.spelling.corrected(tenant, &ask.collections, query).await?;
    let missing = match app.queries.get(corrected.as_deref().unwrap_or(query), ask.budget).await {
        Ok(made) => {
            let vector = Vector { values: made.query.vector.clone(), embedder: Some(app.embedder.clone()) };
            let tokens = made.query.tokens.clone().filter(|_| ask.mode == Mode::Hybrid);
            return Ok(Query { vector: Some(vector), tokens, embed: made.took, degraded: None, corrected });
        }
        Err(missing) => missing,
    };
    let degraded = match (ask.mode, missing) {
        (Mode::Hybrid, Missing::TooLate) => Degraded::TooLate,
        (Mode::Hybrid, Missing::Failed(problem)) if problem.code == Code::EmbedderUnavailable => {
            tracing::warn!(cause = problem.chain(), "a hybrid search goes on without vectors");
            Degraded::Unavailable
        }
        (_, Missing::TooLate) => {
            let detail = "the query was not embedded within max_latency_ms";
            return Err(Problem::new(Code::EmbedderUnavailable, detail));
        }
        (_, Missing::Failed(problem)) => return Err(problem),
    };
    metrics::counter!("search_degraded_total").increment(1);
    Ok(Query { embed: ask.budget.unwrap_or_default(), degraded: Some(degraded), ..Query::default() })
}

fn record(response: &SearchResponse) {
    let took = &response.took;
    let stages =
        [("wait", took.wait), ("legs", took.legs), ("fuse", took.fuse), ("late", took.late), ("read", took.read)];
    for (stage, took) in stages {
        metrics::histogram!("search_stage_seconds", "stage" => stage).record(took);
    }
    metrics::counter!("searches_total", "mode" => response.mode.name()).increment(1);
}
