//! `POST /context`: the best passages packed into a token budget, with numbered citations.

use std::time::Instant;

use axum::Json as JsonAnswer;
use axum::extract::State;
use coditect_engine::context::{Citation as Cited, PackedContext, pack};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::places::millis;
use super::search::ask::ask;
use super::search::{SearchBody, SearchMode, degraded_text, mode_name};
use crate::extract::{Json, Reader};
use crate::limits;
use crate::pipeline::content_of;
use crate::problem::{Problem, Result};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(context))
}

/// What a context is wanted for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "how often is a failed request sent again", "max_tokens": 1500}))]
struct ContextBody {
    /// The question, 1 to 32768 bytes.
    query: String,
    /// The collections to search, at most 64; all when absent or empty.
    collections: Option<Vec<String>>,
    /// Which passages may be used, as in `/search`.
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// The budget, 16 to 200000 tokens as the embedder's tokenizer counts; 2000 when absent.
    #[schema(minimum = 16, maximum = 200_000)]
    max_tokens: Option<usize>,
    /// Most passages to pack, 1 to 1000; as many as may fit when absent.
    #[schema(minimum = 1, maximum = 1000)]
    top_k: Option<usize>,
    /// A write's `version`: the context shows that write.
    min_version: Option<String>,
    /// Budget for embedding the query, milliseconds, as in `/search`.
    #[schema(minimum = 1, maximum = 60_000)]
    max_latency_ms: Option<u32>,
    /// Which legs; `hybrid` when absent.
    mode: Option<SearchMode>,
}

/// A packed context.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "text": "[1] guides/retries.md:1-3 — Retries\nA request is sent again after 200 ms, at most five times.",
    "tokens": 28,
    "citations": [{
        "n": 1, "collection": "handbook", "document_id": "guides/retries.md", "title": "Retries",
        "source": "guides/retries.md", "line_start": 1, "line_end": 3, "score": 0.874,
        "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48",
        "version": "00000000000000a1f300"
    }],
    "version": "00000000000000a1f300", "mode": "hybrid", "took_ms": {"embed": 2.4, "search": 1.9, "pack": 0.6, "total": 5.0}
}))]
struct ContextAnswer {
    /// What to paste into a prompt: every source behind a line with its number.
    text: String,
    /// Tokens of `text`.
    tokens: usize,
    /// The sources, by number.
    citations: Vec<Citation>,
    /// Every write up to this version was visible.
    version: String,
    /// The legs that were used.
    mode: &'static str,
    /// Why a hybrid search used keywords alone; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<&'static str>,
    /// Where the time went.
    took_ms: ContextTook,
}

/// A source of a context.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Citation {
    /// Its number in the text, from 1.
    n: usize,
    /// Its collection.
    collection: String,
    /// Its document.
    document_id: String,
    /// The document's title.
    title: String,
    /// Path or URL.
    source: String,
    /// First line, from 1.
    line_start: u32,
    /// Last line.
    line_end: u32,
    /// The best score of its passages, 0 to 1.
    score: f32,
    /// Hash of what the document was made from.
    content_hash: String,
    /// The commit that made this state of the document.
    version: String,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct ContextTook {
    /// Getting the query's vector.
    embed: f64,
    /// Both legs, fusion, and reading the passages.
    search: f64,
    /// Counting tokens and packing.
    pack: f64,
    /// All of it.
    total: f64,
}

/// Pack a context.
///
/// Searches, and packs the best passages into at most `max_tokens`, neighbours merged, with numbered citations.
#[utoipa::path(
    post, operation_id = "pack_context", path = "/context", tag = "search", request_body = ContextBody,
    responses(
        (status = 200, description = "The context and its sources.", body = ContextAnswer),
        (status = 400, description = "A field is at fault; `errors[].pointer` names it."),
        (status = 404, description = "A collection does not exist."),
        (status = 503, description = "`min_version` is not visible yet, or too many requests; see `Retry-After`."),
    )
)]
async fn context(
    State(app): State<AppState>,
    Reader(tenant): Reader,
    Json(body): Json<ContextBody>,
) -> Result<JsonAnswer<ContextAnswer>> {
    let started = Instant::now();
    let max_tokens = max_tokens(body.max_tokens)?;
    let top_k = body.top_k.unwrap_or_else(|| likely_top_k(max_tokens));
    let search = SearchBody {
        query: Some(body.query),
        collections: body.collections,
        filter: body.filter,
        top_k: Some(top_k),
        mode: body.mode,
        min_version: body.min_version,
        max_latency_ms: body.max_latency_ms,
        ..SearchBody::default()
    };
    let answered = ask(&app, &tenant, search.into_ask()?).await?;
    let (took, version, mode) = (answered.response.took, answered.response.version, answered.response.mode);
    let reranked = answered.response.reranked;
    let (counter, results) = (app.counter.clone(), answered.response.results);
    let packing = Instant::now();
    let packed = tokio::task::spawn_blocking(move || pack(&results, max_tokens, |text| counter.count(text))).await;
    let PackedContext { text, tokens, citations } = packed.map_err(Problem::internal)?;
    Ok(JsonAnswer(ContextAnswer {
        text,
        tokens,
        citations: citations.into_iter().map(Citation::from).collect(),
        version: version.to_string(),
        mode: mode_name(mode, reranked),
        degraded: answered.degraded.map(degraded_text),
        took_ms: ContextTook {
            embed: millis(answered.embed),
            search: millis(took.legs + took.fuse + took.late + took.read),
            pack: millis(packing.elapsed()),
            total: millis(started.elapsed()),
        },
    }))
}

fn max_tokens(given: Option<usize>) -> Result<usize> {
    let (least, most) = (limits::CONTEXT_TOKENS_MIN, coditect_engine::limits::CONTEXT_TOKENS);
    match given.unwrap_or(limits::CONTEXT_TOKENS_DEFAULT) {
        tokens if (least..=most).contains(&tokens) => Ok(tokens),
        _ => Err(Problem::field("/max_tokens", format!("max_tokens is {least} to {most}"))),
    }
}

/// More passages than are likely to fit, so that short ones can fill what long ones leave.
fn likely_top_k(max_tokens: usize) -> usize {
    (max_tokens / limits::CONTEXT_PASSAGE_TOKENS).clamp(limits::CONTEXT_TOP_K_MIN, limits::CONTEXT_TOP_K_MAX)
}

impl From<Cited> for Citation {
    fn from(cited: Cited) -> Self {
        Self {
            n: cited.number,
            collection: cited.collection.to_string(),
            document_id: cited.document.to_string(),
            title: cited.title,
            source: cited.source,
            line_start: cited.lines.0,
            line_end: cited.lines.1,
            score: cited.score,
            content_hash: content_of(&cited.content_hash).to_owned(),
            version: cited.version.to_string(),
        }
    }
}
