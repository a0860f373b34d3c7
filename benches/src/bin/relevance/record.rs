//! The result of a run as it is written to JSON, with every question, so that runs can be compared.

use std::collections::BTreeMap;

use coditect_benches::dataset::Level;
use coditect_benches::metrics::Metrics;
use serde::{Deserialize, Serialize};

/// A run over one judged set.
#[derive(Serialize)]
pub(crate) struct Record {
    /// Name of the set.
    pub(crate) data: String,
    /// What the judgments are about.
    pub(crate) level: Level,
    /// How long the indexed passages are.
    pub(crate) lengths: Lengths,
    /// One entry a mode.
    pub(crate) modes: Vec<Mode>,
    /// Resident memory of the server after the questions, in bytes.
    pub(crate) resident_bytes: u64,
}

/// Mean length of passages.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Lengths {
    /// Number of passages.
    pub(crate) passages: usize,
    /// Lines of a passage.
    pub(crate) mean_lines: f64,
    /// Characters of a passage.
    pub(crate) mean_characters: f64,
}

/// All questions in one mode.
#[derive(Serialize)]
pub(crate) struct Mode {
    /// `keyword`, `vector`, `hybrid`, `hybrid+late` or `maxsim`.
    pub(crate) mode: String,
    /// Mean over all questions.
    pub(crate) all: Metrics,
    /// Mean over the questions of each collection.
    pub(crate) by_collection: BTreeMap<String, Metrics>,
    /// Mean over the questions of each kind.
    pub(crate) by_kind: BTreeMap<String, Metrics>,
    /// Length of the passages among the first ten results.
    pub(crate) returned: Lengths,
    /// Milliseconds from request to answer.
    pub(crate) latency_ms: Latency,
    /// Of that, milliseconds of late interaction.
    pub(crate) late_ms: Latency,
    /// Every question.
    pub(crate) questions: Vec<Asked>,
}

/// Latency of a sequence of requests, one at a time, in milliseconds.
#[derive(Serialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// A question and what came of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) query: String,
    pub(crate) kind: String,
    pub(crate) collection: String,
    pub(crate) metrics: Metrics,
    /// What would have been right.
    pub(crate) judged: Vec<String>,
    /// The first ten results.
    pub(crate) results: Vec<Returned>,
}

/// One result.
#[derive(Serialize, Deserialize)]
pub(crate) struct Returned {
    pub(crate) document_id: String,
    pub(crate) lines: (u32, u32),
    pub(crate) heading: String,
    pub(crate) score: f64,
    pub(crate) relevant: bool,
}

/// The part of a written record that a comparison reads.
#[derive(Deserialize)]
pub(crate) struct Written {
    pub(crate) data: String,
    pub(crate) modes: Vec<WrittenMode>,
}

/// One mode of a written record.
#[derive(Deserialize)]
pub(crate) struct WrittenMode {
    pub(crate) mode: String,
    pub(crate) questions: Vec<Asked>,
}
