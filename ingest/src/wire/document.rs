//! Documents as clients send them and as listings show them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The collection of a document that names none.
pub const DEFAULT_COLLECTION: &str = "default";

/// The values of `kind` that the engine itself gives out; any other string is allowed too.
pub mod kind {
    /// Prose: manuals, guides, notes, licences.
    pub const DOCUMENTATION: &str = "documentation";
    /// Source code, configuration and data in a text format.
    pub const CODE: &str = "code";
    /// Instructions for a coding agent: agents, commands, skills, rules.
    pub const AGENT_TEMPLATE: &str = "agent_template";
}

/// One document to store. Sending it again with the same content changes nothing.
///
/// Unknown fields are refused, so that a misspelt one is not lost silently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "collection": "handbook",
    "document_id": "guides/retries.md",
    "text": "# Retries\n\nA request is sent again after 200 ms, at most five times.",
    "kind": "documentation",
    "title": "Retries",
    "source": "guides/retries.md",
    "metadata": {"team": "platform", "audience": ["developer", "operator"]}
}))]
pub struct DocumentInput {
    /// The collection that holds the document; `default` when absent.
    #[serde(default = "default_collection")]
    pub collection: String,
    /// Stable id, chosen by the client and unique in the collection; usually the path in its tree.
    pub document_id: String,
    /// The whole text, in UTF-8.
    pub text: String,
    /// `documentation`, `code`, `agent_template` or a word of your own; derived from the path when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Title to show; taken from the text (front matter, then the first heading) when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where the text came from, a path or a URL; citations show it. `document_id` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Format of the text (`markdown`, `mdx`, `rst`, `html`, `text`, or a language such as `rust`);
    /// derived from the path when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Free fields to filter by. Front matter is added below them: a field given here wins.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Hash of the content as [`content_hash`](super::content_hash) computes it. The server refuses a wrong one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

impl DocumentInput {
    /// A document with an id and a text, and nothing else said about it.
    #[must_use]
    pub fn new(document_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            collection: default_collection(),
            document_id: document_id.into(),
            text: text.into(),
            kind: None,
            title: None,
            source: None,
            format: None,
            metadata: Map::new(),
            content_hash: None,
        }
    }

    /// The path or URL by which the document is cited.
    #[must_use]
    pub fn source_or_id(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.document_id)
    }
}

fn default_collection() -> String {
    DEFAULT_COLLECTION.to_owned()
}

/// Several documents in one request; each is stored, or fails, on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "documents": [
        {"document_id": "a.md", "text": "# A\n\nFirst."},
        {"document_id": "b.md", "text": "# B\n\nSecond."}
    ]
}))]
pub struct BatchRequest {
    /// The documents, answered in the same order.
    pub documents: Vec<DocumentInput>,
}

/// A stored document without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "document_id": "guides/retries.md",
    "kind": "documentation",
    "title": "Retries",
    "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48",
    "passages": 12,
    "version": "00000000000000a1f300",
    "updated_at": "2026-03-01T09:30:00Z"
}))]
pub struct DocumentSummary {
    /// The id that the client chose.
    pub document_id: String,
    /// `documentation`, `code`, `agent_template` or a free word.
    pub kind: String,
    /// Title to show.
    pub title: String,
    /// Hash of the stored content, 64 hexadecimal digits.
    pub content_hash: String,
    /// Number of passages that the text was split into.
    pub passages: u32,
    /// Version of the last write: an opaque string that sorts by time.
    pub version: String,
    /// Time of the last write.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}
