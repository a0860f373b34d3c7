//! Embedding: text in, vectors out, from a model in this process or from a remote provider.

mod config;
mod error;
mod fingerprint;
pub mod limits;
mod local;
mod remote;
mod tokens;

use std::fmt;
use std::sync::Arc;

pub use self::config::{EmbedderConfig, HttpConfig, LocalConfig, OpenAiConfig, Precision, ProviderKind, VertexConfig};
pub use self::error::EmbedError;
pub use self::fingerprint::Fingerprint;
use self::local::LocalEmbedder;
use self::remote::{RemoteEmbedder, openai, vertex};
pub use self::tokens::{EmbeddedQuery, EmbeddedText, TextTokens};
use crate::split::TokenCounter;

/// Turns texts into vectors. Cheap to clone; all clones share one model or connection pool.
#[derive(Clone)]
pub struct Embedder {
    provider: Arc<Provider>,
}

enum Provider {
    Local(LocalEmbedder),
    Remote(RemoteEmbedder),
}

impl Embedder {
    /// Loads the model or prepares the connection that the settings name.
    ///
    /// # Errors
    /// [`EmbedError::ModelMissing`] with the command to run, [`EmbedError::InvalidModel`], and
    /// [`EmbedError::Config`]; for a remote provider whose vectors' dimension is not known in
    /// advance also what its first answer may be.
    pub async fn connect(config: EmbedderConfig) -> Result<Self, EmbedError> {
        let provider = match config.provider {
            ProviderKind::Local => {
                let load = tokio::task::spawn_blocking(move || LocalEmbedder::load(&config.local));
                let loaded = load.await.map_err(|error| EmbedError::Unavailable(format!("load the model: {error}")))?;
                Provider::Local(loaded?)
            }
            ProviderKind::Vertex => Provider::Remote(vertex::connect(config.vertex).await?),
            ProviderKind::OpenAi => Provider::Remote(openai::connect(config.openai).await?),
        };
        Ok(Self { provider: Arc::new(provider) })
    }

    /// The identity of the vector space.
    pub fn fingerprint(&self) -> &Fingerprint {
        match &*self.provider {
            Provider::Local(local) => local.fingerprint(),
            Provider::Remote(remote) => remote.fingerprint(),
        }
    }

    /// One vector for each text, in order. Long texts are read up to [`Self::max_tokens`].
    ///
    /// # Errors
    /// Any kind but [`EmbedError::ModelMissing`]; no vectors are returned then.
    pub async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        match &*self.provider {
            Provider::Local(local) => local.embed_documents(texts).await,
            Provider::Remote(remote) => remote.embed_documents(texts).await,
        }
    }

    /// The vector of a search query, never queued behind documents.
    ///
    /// # Errors
    /// As [`Self::embed_documents`].
    pub async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        match &*self.provider {
            Provider::Local(local) => local.embed_query(text).await.map(|query| query.vector),
            Provider::Remote(remote) => remote.embed_query(text).await,
        }
    }

    /// As [`Self::embed_documents`], with the tokens of each text from the same pass. `None` from a remote provider, which
    /// does not give them.
    ///
    /// # Errors
    /// As [`Self::embed_documents`].
    pub async fn embed_with_tokens(&self, texts: &[String]) -> Result<Option<Vec<EmbeddedText>>, EmbedError> {
        match &*self.provider {
            Provider::Local(local) => local.embed_with_tokens(texts).await.map(Some),
            Provider::Remote(_) => Ok(None),
        }
    }

    /// As [`Self::embed_query`], with the query's tokens from the same pass. `None` from a remote provider.
    ///
    /// # Errors
    /// As [`Self::embed_documents`].
    pub async fn embed_query_with_tokens(&self, text: &str) -> Result<Option<EmbeddedQuery>, EmbedError> {
        match &*self.provider {
            Provider::Local(local) => local.embed_query(text).await.map(Some),
            Provider::Remote(_) => Ok(None),
        }
    }

    /// Counts tokens as the model does (exactly, where its tokenizer is at hand).
    pub fn counter(&self) -> Arc<dyn TokenCounter> {
        match &*self.provider {
            Provider::Local(local) => local.counter(),
            Provider::Remote(remote) => remote.counter(),
        }
    }

    /// The plain words that the model knows as such, sorted; none where its vocabulary is not at hand.
    pub fn words(&self) -> Arc<[String]> {
        match &*self.provider {
            Provider::Local(local) => local.words(),
            Provider::Remote(_) => Arc::default(),
        }
    }

    /// Most tokens the model reads of one text, special tokens included.
    pub fn max_tokens(&self) -> usize {
        match &*self.provider {
            Provider::Local(local) => local.max_tokens(),
            Provider::Remote(remote) => remote.max_tokens(),
        }
    }
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("fingerprint", &self.fingerprint().id()).finish_non_exhaustive()
    }
}
