//! Answers of the gateway, reduced to what this client reads. Unknown fields are left alone, so that a newer server
//! can be talked to.

use serde::Deserialize;
use serde_json::Value;

/// A collection.
#[derive(Clone, Debug, Deserialize)]
pub struct CollectionInfo {
    /// Its name.
    pub name: String,
    /// Number of documents.
    #[serde(default)]
    pub documents: u64,
    /// Number of passages.
    #[serde(default)]
    pub passages: u64,
    /// What embeds its passages.
    #[serde(default)]
    pub embedder: Option<EmbedderInfo>,
    /// Version of its last write.
    #[serde(default)]
    pub version: Option<String>,
}

/// What embeds a collection's passages.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EmbedderInfo {
    /// Name of the fingerprint.
    #[serde(default)]
    pub id: String,
    /// Name of the model.
    #[serde(default)]
    pub model: String,
    /// Length of a vector.
    #[serde(default)]
    pub dimension: u64,
}

/// A stored document, as listed.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredDocument {
    /// The id that the client chose.
    pub document_id: String,
    /// Hash of the stored content.
    #[serde(default)]
    pub content_hash: String,
    /// Number of its passages.
    #[serde(default)]
    pub passages: u64,
}

/// A page of stored documents.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredPage {
    /// The documents, in the order of their ids.
    pub documents: Vec<StoredDocument>,
    /// Where the next page begins; absent at the end.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// A document whose last write failed.
#[derive(Clone, Debug, Deserialize)]
pub struct FailedDocument {
    /// The id that the client chose.
    pub document_id: String,
    /// Why: a text or a problem document.
    #[serde(default, alias = "last_error")]
    error: Value,
}

impl FailedDocument {
    /// Why the last write failed, for people.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.error {
            Value::String(text) => text.clone(),
            Value::Object(problem) => ["detail", "title"]
                .iter()
                .find_map(|field| problem.get(*field)?.as_str())
                .unwrap_or("no reason given")
                .to_owned(),
            _ => "no reason given".to_owned(),
        }
    }
}

/// A page of documents whose last write failed.
#[derive(Clone, Debug, Deserialize)]
pub struct FailedPage {
    /// The documents, in the order of their ids.
    pub documents: Vec<FailedDocument>,
    /// Where the next page begins; absent at the end.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// The answer to a deletion.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Deleted {
    /// Whether there was something to delete.
    #[serde(default)]
    pub deleted: bool,
}
