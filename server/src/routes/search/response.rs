//! What a search answers.

use std::collections::BTreeMap;
use std::time::Duration;

use coditect_engine::search::{Evidence, Explanation, Feature, Features, LegScore, Mode, SearchResult, share};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ask::{Answered, Degraded};
use super::request::Include;
use crate::pipeline::content_of;
use crate::routes::places::millis;

/// The answer to a search.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "results": [{
        "rank": 1, "score": 0.874, "collection": "handbook", "document_id": "guides/retries.md",
        "kind": "documentation", "title": "Retries", "version": "00000000000000a1f300",
        "passage": {
            "ordinal": 0, "text": "A request is sent again after 200 ms, at most five times.",
            "heading_path": ["Retries"], "line_start": 3, "line_end": 3, "byte_start": 11, "byte_end": 67
        },
        "source": "guides/retries.md",
        "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48",
        "highlights": [{"start": 2, "end": 9}],
        "evidence": [{"start": 0, "end": 56, "line_start": 3, "line_end": 3, "score": 0.71}], "also_in": []
    }],
    "version": "00000000000000a1f300", "mode": "hybrid+late", "took_ms": {"embed": 2.4, "search": 1.9, "late": 0.7, "total": 4.5}
}))]
pub(in crate::routes) struct SearchAnswer {
    /// The best passages, best first.
    results: Vec<Found>,
    /// Every write up to this version was visible to the search.
    version: String,
    /// What ranked: `keyword`, `vector`, `hybrid`, or `hybrid+late` when late interaction looked at the candidates.
    mode: &'static str,
    /// Why a hybrid search used keywords alone; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded: Option<&'static str>,
    /// The query as it was embedded, where words of it were misspelt: they stand in no passage, and near ones do.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<String>,
    /// Where the time went.
    took_ms: SearchTook,
}

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(in crate::routes) struct SearchTook {
    /// Getting the query's vector.
    embed: f64,
    /// Both legs, fusion, late interaction, and reading the passages.
    search: f64,
    /// Late interaction's part of it.
    late: f64,
    /// All of it, waiting for `min_version` included.
    total: f64,
}

/// A passage that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::routes) struct Found {
    /// Its place among the results, from 1.
    rank: usize,
    /// 0 to 1, higher is better.
    score: f32,
    /// Its collection.
    collection: String,
    /// Its document.
    document_id: String,
    /// The document's kind.
    kind: String,
    /// Its programming language; absent for prose.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// The document's title.
    title: String,
    /// The commit that made this state of the document.
    version: String,
    /// The passage.
    passage: FoundPassage,
    /// Path or URL of the document, for citing.
    source: String,
    /// Hash of what the document was made from, for checking a citation.
    content_hash: String,
    /// Where the query's words are in the text, in bytes of UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    highlights: Option<Vec<Span>>,
    /// The parts of the text that answer the query, strongest first; absent where no tokens are kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceSpan>,
    /// Other places with the same text, or nearly the same.
    also_in: Vec<Place>,
    /// The document's metadata, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// How the score came about, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Explained>,
}

/// A passage and its place in the source.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::routes) struct FoundPassage {
    /// Its place in the document, from 0.
    ordinal: u32,
    /// Its text, exactly as in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Headings above it, outermost first.
    heading_path: Vec<String>,
    /// First line, from 1.
    line_start: u32,
    /// Last line.
    line_end: u32,
    /// First byte in the source.
    byte_start: u64,
    /// Behind its last byte.
    byte_end: u64,
}

/// A range of bytes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(in crate::routes) struct Span {
    /// First byte.
    start: usize,
    /// Behind the last byte.
    end: usize,
}

/// A part of a passage that answers the query.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(in crate::routes) struct EvidenceSpan {
    /// First byte in the passage's text.
    start: usize,
    /// Behind the last byte in the passage's text.
    end: usize,
    /// First line in the source, from 1.
    line_start: u32,
    /// Last line in the source.
    line_end: u32,
    /// How well it meets the query by itself, 0 to 1.
    score: f32,
}

impl EvidenceSpan {
    fn new(evidence: &Evidence, text: &str, first_line: u32) -> Self {
        let breaks = |to: usize| text.as_bytes()[..to].iter().filter(|&&byte| byte == b'\n').count() as u32;
        Self {
            start: evidence.bytes.start,
            end: evidence.bytes.end,
            line_start: first_line + breaks(evidence.bytes.start),
            line_end: first_line + breaks(evidence.bytes.end),
            score: evidence.score,
        }
    }
}

/// Another place of the same text, or of one that is nearly the same.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AlsoIn)]
pub(in crate::routes) struct Place {
    /// Its collection.
    collection: String,
    /// Its document.
    document_id: String,
    /// First line, from 1.
    line_start: u32,
    /// Last line.
    line_end: u32,
    /// Whether the text there is exactly the same, not nearly.
    exact: bool,
}

/// How a score came about: the sum of `normalized` times `weight` of both legs, unless late interaction looked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::routes) struct Explained {
    /// The vector leg's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<ExplainedLeg>,
    /// The keyword leg's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<ExplainedLeg>,
    /// What late interaction saw, if it looked: the score is the sum of all shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<BTreeMap<&'static str, ExplainedFeature>>,
}

/// One number that a score was made of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(in crate::routes) struct ExplainedFeature {
    /// The number, 0 to 1.
    value: f32,
    /// What it adds to the score; 0 for what is only told.
    share: f32,
}

/// What a leg said of a passage.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(in crate::routes) struct ExplainedLeg {
    /// Place in the leg's ranking, from 1; absent when only the other leg found the passage.
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<u32>,
    /// Cosine similarity, or BM25.
    score: f32,
    /// The score as it entered the fusion, 0 to 1.
    normalized: f32,
    /// The leg's weight, 0 to 1.
    weight: f32,
}

impl SearchAnswer {
    /// The engine's answer, as the API shows it.
    pub(super) fn new(answered: Answered, include: &[Include], total: Duration) -> Self {
        let Answered { response, embed, degraded, corrected } = answered;
        let took = response.took;
        let results = (1..).zip(response.results).map(|(rank, result)| Found::new(rank, result, include));
        Self {
            results: results.collect(),
            version: response.version.to_string(),
            mode: mode_name(response.mode, response.reranked),
            degraded: degraded.map(degraded_text),
            corrected,
            took_ms: SearchTook {
                embed: millis(embed),
                search: millis(took.legs + took.fuse + took.late + took.read),
                late: millis(took.late),
                total: millis(total),
            },
        }
    }
}

fn explained(features: &Features) -> BTreeMap<&'static str, ExplainedFeature> {
    let one = |&feature: &Feature| {
        (feature.name(), ExplainedFeature { value: features.get(feature), share: share(feature, features) })
    };
    Feature::ALL.iter().map(one).collect()
}

/// The name of what ranked.
pub(in crate::routes) fn mode_name(mode: Mode, reranked: usize) -> &'static str {
    if mode == Mode::Hybrid && reranked > 0 { "hybrid+late" } else { mode.name() }
}

/// Why a search used keywords alone.
pub(in crate::routes) fn degraded_text(degraded: Degraded) -> &'static str {
    match degraded {
        Degraded::TooLate => "the query was not embedded within max_latency_ms",
        Degraded::Unavailable => "the embedder is unavailable",
    }
}

impl Found {
    fn new(rank: usize, result: SearchResult, include: &[Include]) -> Self {
        let wants = |what| include.contains(&what);
        let location = result.passage.location;
        let (text, first_line) = (&result.passage.text, location.lines.0);
        let evidence = result.evidence.iter().map(|it| EvidenceSpan::new(it, text, first_line)).collect();
        let highlights = result.highlights.into_iter().map(|span| Span { start: span.start, end: span.end });
        Self {
            rank,
            score: result.score,
            collection: result.collection.to_string(),
            document_id: result.document.to_string(),
            kind: result.head.kind,
            language: result.head.language,
            title: result.head.title,
            version: result.version.to_string(),
            passage: FoundPassage {
                ordinal: result.ordinal,
                text: wants(Include::Text).then_some(result.passage.text),
                heading_path: location.heading_path,
                line_start: location.lines.0,
                line_end: location.lines.1,
                byte_start: location.bytes.start,
                byte_end: location.bytes.end,
            },
            source: result.head.source,
            content_hash: content_of(&result.head.content_hash).to_owned(),
            highlights: wants(Include::Highlights).then(|| highlights.collect()),
            evidence,
            also_in: result.also_in.into_iter().map(Place::from).collect(),
            metadata: wants(Include::Metadata).then_some(result.metadata),
            explain: result.explanation.map(Explained::from),
        }
    }
}

impl From<coditect_engine::search::AlsoIn> for Place {
    fn from(place: coditect_engine::search::AlsoIn) -> Self {
        Self {
            collection: place.collection.to_string(),
            document_id: place.document.to_string(),
            line_start: place.lines.0,
            line_end: place.lines.1,
            exact: place.is_same,
        }
    }
}

impl From<Explanation> for Explained {
    fn from(explanation: Explanation) -> Self {
        let leg = |leg: LegScore| ExplainedLeg {
            rank: leg.rank,
            score: leg.score,
            normalized: leg.normalized,
            weight: leg.weight,
        };
        Self {
            vector: explanation.vector.map(leg),
            keyword: explanation.keyword.map(leg),
            features: explanation.features.map(|features| explained(&features)),
        }
    }
}
