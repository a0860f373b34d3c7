//! What a write answers, one document at a time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a write did to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WriteStatus {
    /// The document is new.
    Created,
    /// The document replaced its earlier self.
    Updated,
    /// The same content was there already; nothing was done.
    Unchanged,
    /// Nothing was stored; `error` says why.
    Failed,
}

/// Why something failed, in the form of RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "the document is empty",
    "pointer": "/documents/3/text"
}))]
pub struct Problem {
    /// Identifies the kind of problem.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// Short name of the kind of problem.
    pub title: String,
    /// HTTP status that this problem has when it stands alone.
    pub status: u16,
    /// What is wrong with this very request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// JSON pointer to the field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

fn about_blank() -> String {
    "about:blank".to_owned()
}

/// The fate of one document of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "document_id": "guides/retries.md",
    "status": "created",
    "passages": 12,
    "version": "00000000000000a1f300",
    "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48",
    "warnings": []
}))]
pub struct WriteOutcome {
    /// The id that the client chose.
    pub document_id: String,
    /// What was done.
    pub status: WriteStatus,
    /// Number of passages that the document has now.
    pub passages: u32,
    /// Version at which the document is readable: 20 hexadecimal digits that sort by time. Absent after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Hash of the content that was sent.
    pub content_hash: String,
    /// Why the document was not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// What is odd about the text, though it was stored.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The fates of all documents of a batch, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "outcomes": [{
        "document_id": "a.md", "status": "created", "passages": 1, "version": "00000000000000a1f300",
        "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48", "warnings": []
    }],
    "version": "00000000000000a1f300"
}))]
pub struct BatchResponse {
    /// One entry for each document of the request.
    pub outcomes: Vec<WriteOutcome>,
    /// Highest version among the outcomes: read with it as `min_version` to see the whole batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl BatchResponse {
    /// Gathers outcomes and the highest version among them.
    #[must_use]
    pub fn new(outcomes: Vec<WriteOutcome>) -> Self {
        let version = outcomes.iter().filter_map(|o| o.version.clone()).max();
        Self { outcomes, version }
    }

    /// Number of documents with the given fate.
    #[must_use]
    pub fn count(&self, status: WriteStatus) -> usize {
        self.outcomes.iter().filter(|o| o.status == status).count()
    }
}
