//! What a search answers: passages with their places, versions and scores.

use std::ops::Range;
use std::time::Duration;

use serde_json::{Map, Value};

use super::request::Mode;
use super::rerank::Features;
use crate::model::{CollectionRef, DocumentHead, DocumentId, Passage, Version};
use crate::tokens::Evidence;

/// The answer to a search.
#[derive(Debug, Clone)]
pub struct SearchResponse {
    /// The best passages, best first.
    pub results: Vec<SearchResult>,
    /// Every change up to this version was visible to the search.
    pub version: Version,
    /// The legs that were used.
    pub mode: Mode,
    /// How many candidates late interaction looked at.
    pub reranked: usize,
    /// Where the time went.
    pub took: Timings,
}

/// Where a search's time went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Waiting for `min_version`.
    pub wait: Duration,
    /// Both legs, in parallel.
    pub legs: Duration,
    /// Fusion and folding.
    pub fuse: Duration,
    /// Late interaction.
    pub late: Duration,
    /// Reading the passages' texts.
    pub read: Duration,
}

/// A passage that was found.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// 0 to 1; comparable within one answer, and across answers of the same mode.
    pub score: f32,
    /// Its collection.
    pub collection: CollectionRef,
    /// Its document.
    pub document: DocumentId,
    /// The document's record, as the search saw it.
    pub head: DocumentHead,
    /// The document's metadata.
    pub metadata: Map<String, Value>,
    /// The commit that made this state of the document.
    pub version: Version,
    /// The passage's place in its document, from 0.
    pub ordinal: u32,
    /// The passage.
    pub passage: Passage,
    /// Byte ranges in the passage's text that match words of the query.
    pub highlights: Vec<Range<usize>>,
    /// The parts of the passage's text that answer the query, strongest first; empty without late interaction.
    pub evidence: Vec<Evidence>,
    /// Other places with the same text, or nearly the same.
    pub also_in: Vec<AlsoIn>,
    /// How the score came about, when asked for.
    pub explanation: Option<Explanation>,
}

/// Another place of a passage's text, or of one that says nearly the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlsoIn {
    /// Its collection.
    pub collection: CollectionRef,
    /// Its document.
    pub document: DocumentId,
    /// First and last line.
    pub lines: (u32, u32),
    /// Whether the text there is exactly the same, not nearly.
    pub is_same: bool,
}

/// What a leg said of a passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegScore {
    /// Place in the leg's ranking, from 1; `None` when only another leg found the passage.
    pub rank: Option<u32>,
    /// Cosine similarity, or BM25.
    pub score: f32,
    /// The score as it entered the fusion, 0 to 1.
    pub normalized: f32,
    /// The leg's weight in the fusion, 0 to 1.
    pub weight: f32,
}

/// How a score came about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explanation {
    /// The vector leg's part.
    pub vector: Option<LegScore>,
    /// The keyword leg's part.
    pub keyword: Option<LegScore>,
    /// What late interaction saw, if it looked.
    pub features: Option<Features>,
}
