//! What can go wrong with embedding, sorted by what a caller does about it.

use std::path::PathBuf;
use std::time::Duration;

/// A failure of an embedder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// A file of the local model or its runtime is not there: it has to be fetched.
    #[error("{what} not found at {}: run `python3 scripts/fetch_model.py`, or set {variable}", path.display())]
    ModelMissing {
        /// What is missing, for people.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// The environment variable that names another place.
        variable: &'static str,
    },
    /// The model or its runtime is there but cannot be used.
    #[error("unusable embedding model: {0}")]
    InvalidModel(String),
    /// A setting is missing or contradicts another.
    #[error("embedding setting `{setting}`: {message}")]
    Config {
        /// The setting's path, such as `vertex.project`.
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A text cannot be embedded; the same call will fail again.
    #[error("text {index} cannot be embedded: {message}")]
    Input {
        /// Position of the text in the call (0 for a query).
        index: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The provider's quota is used up and the retries did not outlast it.
    #[error("the embedding provider limits the rate: {message}")]
    RateLimited {
        /// The provider's own words.
        message: String,
        /// How long the provider asked to wait.
        retry_after: Option<Duration>,
    },
    /// The provider cannot be reached or is failing; trying later may help.
    #[error("the embedding provider is unavailable: {0}")]
    Unavailable(String),
    /// The provider answered, but with something that cannot be used, such as vectors of another
    /// dimension than the settings say.
    #[error("the embedding provider's answer cannot be used: {0}")]
    Answer(String),
    /// The provider refused the request: credentials, model name, or permissions.
    #[error("the embedding provider refused the request ({status}): {message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// The provider's own words.
        message: String,
    },
}

impl EmbedError {
    /// True when the same call may succeed later without anything being changed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }
}
