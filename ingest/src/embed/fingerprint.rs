//! The identity of a vector space: two embedders with equal fingerprints give comparable vectors.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Everything that decides which vector a text gets. A collection records it, and a search or a
/// write with another is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// `local`, `vertex` or `openai`.
    pub provider: String,
    /// The model's name at its provider.
    pub model: String,
    /// Components of a vector.
    pub dimension: usize,
    /// Whether vectors have length one.
    pub normalized: bool,
    /// Number format of the local weights, empty for remote providers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub precision: String,
    /// Prompt prefix or task type of queries.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query_prompt: String,
    /// Prompt prefix or task type of documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub document_prompt: String,
    /// SHA-256 over the local weights, tokenizer and pooling settings, empty for remote providers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub weights_hash: String,
}

impl Fingerprint {
    /// A short stable name, such as `local/all-MiniLM-L6-v2/384/5f0c2a9be1d47733`: readable fields
    /// and sixteen hex digits over all of them. Equal exactly when the fingerprints are.
    pub fn id(&self) -> String {
        let mut digest = Sha256::new();
        for field in [
            &self.provider,
            &self.model,
            &self.dimension.to_string(),
            &self.normalized.to_string(),
            &self.precision,
            &self.query_prompt,
            &self.document_prompt,
            &self.weights_hash,
        ] {
            digest.update((field.len() as u64).to_le_bytes());
            digest.update(field.as_bytes());
        }
        let hash = hex(&digest.finalize());
        format!("{}/{}/{}/{}", self.provider, self.model, self.dimension, &hash[..16])
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
