//! Requests and answers of the HTTP API, reduced to the fields that the benchmarks read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A document to write.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DocumentInput {
    /// Collection that it belongs to.
    pub collection: String,
    /// Name that stays the same when the content changes.
    pub document_id: String,
    /// Source text.
    pub text: String,
    /// Title, where it is not taken from the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Format of the text, where it is not guessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// What became of one document.
#[derive(Debug, Clone, Deserialize)]
pub struct WriteOutcome {
    /// Name of the document.
    pub document_id: String,
    /// `created`, `updated`, `unchanged` or `failed`.
    pub status: String,
    /// Passages that the document has now.
    #[serde(default)]
    pub passages: usize,
    /// Version of the store at which the write holds; nothing after a failure.
    pub version: Option<String>,
    /// Hash of the content.
    #[serde(default)]
    pub content_hash: String,
    /// Why it failed.
    pub error: Option<serde_json::Value>,
}

/// What became of a batch.
#[derive(Debug, Clone, Deserialize)]
pub struct BatchOutcome {
    /// One outcome for each document, in the order of the request.
    pub outcomes: Vec<WriteOutcome>,
    /// Version at which the whole batch holds; nothing when all of it failed.
    pub version: Option<String>,
}

/// One line of a listing.
#[derive(Debug, Clone, Deserialize)]
pub struct DocumentSummary {
    /// Name of the document.
    pub document_id: String,
    /// Hash of the content.
    #[serde(default)]
    pub content_hash: String,
}

/// One page of a listing.
#[derive(Debug, Clone, Deserialize)]
pub struct DocumentPage {
    /// Documents in order of their ids.
    pub documents: Vec<DocumentSummary>,
    /// Where the next page begins; nothing on the last.
    pub next_cursor: Option<String>,
}

/// A stored document.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    /// Name of the document.
    pub document_id: String,
    /// Its title.
    pub title: Option<String>,
    /// Hash of the content.
    #[serde(default)]
    pub content_hash: String,
    /// Source text.
    pub text: Option<String>,
    /// Passages in order.
    #[serde(default)]
    pub passages: Vec<Passage>,
}

/// A passage and its place in the source.
#[derive(Debug, Clone, Deserialize)]
pub struct Passage {
    /// Position in the document, from 0.
    pub ordinal: u32,
    /// Text as it stands in the source.
    #[serde(default)]
    pub text: String,
    /// Headings above it, outermost first.
    #[serde(default)]
    pub heading_path: Vec<String>,
    /// First line, from 1.
    pub line_start: u32,
    /// Last line, inclusive.
    pub line_end: u32,
    /// First byte, from 0.
    #[serde(default)]
    pub byte_start: u64,
    /// Behind the last byte.
    #[serde(default)]
    pub byte_end: u64,
}

/// A collection.
#[derive(Debug, Clone, Deserialize)]
pub struct CollectionInfo {
    /// Documents in it.
    pub documents: usize,
    /// Passages in it.
    pub passages: usize,
    /// Version of its last write.
    #[serde(default)]
    pub version: String,
    /// How its passages are embedded.
    #[serde(default)]
    pub embedder: serde_json::Value,
}

/// How late interaction ranks the candidates of a hybrid search.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rerank {
    /// `auto`, `maxsim` or `off`.
    pub mode: String,
    /// How many candidates it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
}

/// A search.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SearchRequest {
    /// Query text; either this or `vector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Query vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector: Option<Vec<f32>>,
    /// Collections to search; all where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Results wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// `hybrid`, `vector` or `keyword`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// How late interaction ranks the candidates of a hybrid search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<Rerank>,
    /// Version that the answer must not be older than.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<String>,
    /// Whether exact copies become one result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold_copies: Option<bool>,
    /// Whether each result says how its score came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explain: Option<bool>,
}

/// The answer to a search.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchAnswer {
    /// Results, best first.
    pub results: Vec<SearchResult>,
    /// Version that the answer shows.
    #[serde(default)]
    pub version: String,
    /// Where the time went.
    #[serde(default)]
    pub took_ms: Took,
}

/// Milliseconds that the server spent.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Took {
    /// On embedding the query.
    #[serde(default)]
    pub embed: f64,
    /// In the indexes.
    #[serde(default)]
    pub search: f64,
    /// Of that, for late interaction.
    #[serde(default)]
    pub late: f64,
    /// In all.
    #[serde(default)]
    pub total: f64,
}

/// One passage that was found.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchResult {
    /// Score from 0 to 1.
    pub score: f64,
    /// Collection of the document.
    #[serde(default)]
    pub collection: String,
    /// Document that the passage is from.
    pub document_id: String,
    /// Title of the document.
    #[serde(default)]
    pub title: Option<String>,
    /// Hash of the document's content.
    #[serde(default)]
    pub content_hash: String,
    /// The passage.
    pub passage: Passage,
    /// What of the text matches the query.
    #[serde(default)]
    pub highlights: Vec<Span>,
    /// The parts of the text that answer the query, strongest first.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Copies that this result stands for.
    #[serde(default)]
    pub also_in: Vec<Copy>,
    /// How the score came about, when asked for.
    pub explain: Option<Explanation>,
}

/// How a passage's score came about.
#[derive(Debug, Clone, Deserialize)]
pub struct Explanation {
    /// The vector leg's part.
    pub vector: Option<LegScore>,
    /// The keyword leg's part.
    pub keyword: Option<LegScore>,
    /// What late interaction saw, by name.
    #[serde(default)]
    pub features: BTreeMap<String, Feature>,
}

/// One number that a score was made of.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Feature {
    /// The number, 0 to 1.
    pub value: f32,
    /// What it adds to the score.
    pub share: f32,
}

/// A part of a passage that answers the query.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Evidence {
    /// First byte in the passage's text.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// First line in the source, from 1.
    pub line_start: u32,
    /// Last line in the source.
    pub line_end: u32,
}

/// What one leg said of a passage.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct LegScore {
    /// Place in the leg's ranking, from 1; nothing when only the other leg found the passage.
    pub rank: Option<u32>,
    /// Cosine similarity, or BM25.
    pub score: f64,
    /// The score as it entered the fusion, 0 to 1.
    pub normalized: f64,
}

/// A range of bytes in a passage's text.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// Where else a passage stands.
#[derive(Debug, Clone, Deserialize)]
pub struct Copy {
    /// Document that holds the copy.
    pub document_id: String,
}

/// The answer of `/context`.
#[derive(Debug, Clone, Deserialize)]
pub struct ContextAnswer {
    /// Passages with numbered citations.
    pub text: String,
    /// Tokens of the text.
    pub tokens: usize,
    /// What the numbers stand for.
    pub citations: Vec<Citation>,
}

/// A numbered source.
#[derive(Debug, Clone, Deserialize)]
pub struct Citation {
    /// Number in the text.
    pub n: usize,
    /// Document that it points to.
    pub document_id: String,
    /// First line, from 1.
    pub line_start: u32,
    /// Last line, inclusive.
    pub line_end: u32,
}
