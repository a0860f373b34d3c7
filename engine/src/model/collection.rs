//! Collections: what is stored about one, and what callers see of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{CollectionId, CollectionName};
use super::version::Version;

/// The embedder that made a collection's vectors. Two fingerprints with different `id` never mix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderInfo {
    /// Stable text of everything that decides a vector's meaning (provider, model, weights, prefixes).
    pub id: String,
    /// The model's name, for people.
    pub model: String,
    /// Length of a vector.
    pub dimension: u32,
}

/// What a new collection is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionSpec {
    /// The embedder whose vectors it will hold.
    pub embedder: EmbedderInfo,
    /// The model whose token codes it will hold for late interaction; `None` for none.
    pub tokens: Option<EmbedderInfo>,
    /// Free text for people; may be empty.
    pub description: String,
}

/// A collection's record in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CollectionHead {
    /// Identity; never used again after deletion.
    pub id: CollectionId,
    /// Free text for people.
    pub description: String,
    /// The embedder that writes and searches must use.
    pub embedder: EmbedderInfo,
    /// The model that makes token codes of its passages; `None` when it holds none.
    #[serde(default)]
    pub tokens: Option<EmbedderInfo>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What callers see of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionInfo {
    /// Its name within the tenant.
    pub name: CollectionName,
    /// Free text for people.
    pub description: String,
    /// Documents that are visible.
    pub documents: u64,
    /// Passages of these documents.
    pub passages: u64,
    /// The embedder that writes and searches must use.
    pub embedder: EmbedderInfo,
    /// The model that makes token codes of its passages; `None` when it holds none.
    pub tokens: Option<EmbedderInfo>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The newest version that this replica's indexes of the collection show.
    pub version: Version,
}
