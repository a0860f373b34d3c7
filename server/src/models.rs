//! The models of a server: what embeds texts, and what sees their single tokens for late interaction.

use coditect_engine::model::EmbedderInfo;
use coditect_engine::search::QueryTokens;
use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, ProviderKind, TextTokens};

use crate::settings::LateInteraction;

/// The embedder and the model of token codes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Models {
    embedder: Embedder,
    tokens: Option<TokenModel>,
}

/// What sees tokens.
#[derive(Debug, Clone)]
enum TokenModel {
    /// The embedder itself, in the same pass.
    Embedder,
    /// A local model beside a remote embedder.
    Beside(Embedder),
}

/// What is made of a text.
#[derive(Debug, Clone, Default)]
pub struct Embedding {
    /// Its vector.
    pub vector: Vec<f32>,
    /// Its tokens, where there is a model for them.
    pub tokens: Option<TextTokens>,
}

/// What is made of a query.
#[derive(Debug, Clone)]
pub struct QueryEmbedding {
    /// Its vector.
    pub vector: Vec<f32>,
    /// Its tokens, where there is a model for them.
    pub tokens: Option<QueryTokens>,
}

impl Models {
    /// Loads the models that the settings name.
    ///
    /// # Errors
    /// As [`Embedder::connect`].
    pub async fn connect(config: EmbedderConfig, late: LateInteraction) -> Result<Self, EmbedError> {
        let local = EmbedderConfig { provider: ProviderKind::Local, ..config.clone() };
        let is_local = config.provider == ProviderKind::Local;
        let embedder = Embedder::connect(config).await?;
        let tokens = match late {
            LateInteraction::Off => None,
            _ if is_local => Some(TokenModel::Embedder),
            LateInteraction::Auto => None,
            LateInteraction::On => Some(TokenModel::Beside(Embedder::connect(local).await?)),
        };
        Ok(Self { embedder, tokens })
    }

    /// What embeds texts.
    pub fn embedder(&self) -> &Embedder {
        &self.embedder
    }

    /// The identity of the embedder's vectors.
    pub fn vectors_info(&self) -> EmbedderInfo {
        info(&self.embedder)
    }

    /// The identity of the model that sees tokens, if there is one.
    pub fn tokens_info(&self) -> Option<EmbedderInfo> {
        self.token_embedder().map(info)
    }

    fn token_embedder(&self) -> Option<&Embedder> {
        self.tokens.as_ref().map(|tokens| match tokens {
            TokenModel::Embedder => &self.embedder,
            TokenModel::Beside(local) => local,
        })
    }

    /// Vector and tokens of each text, in order.
    ///
    /// # Errors
    /// As [`Embedder::embed_documents`].
    pub async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedError> {
        let with_tokens = match &self.tokens {
            Some(TokenModel::Embedder) => self.embedder.embed_with_tokens(texts).await?,
            _ => None,
        };
        if let Some(made) = with_tokens {
            return Ok(made.into_iter().map(|it| Embedding { vector: it.vector, tokens: Some(it.tokens) }).collect());
        }
        let vectors = self.embedder.embed_documents(texts);
        let Some(TokenModel::Beside(local)) = &self.tokens else {
            return Ok(vectors.await?.into_iter().map(|vector| Embedding { vector, tokens: None }).collect());
        };
        let (vectors, tokens) = futures::future::try_join(vectors, local.embed_with_tokens(texts)).await?;
        let tokens = tokens.into_iter().flatten().map(|it| Some(it.tokens)).chain(std::iter::repeat(None));
        Ok(vectors.into_iter().zip(tokens).map(|(vector, tokens)| Embedding { vector, tokens }).collect())
    }

    /// Vector and tokens of a query.
    ///
    /// # Errors
    /// As [`Embedder::embed_query`].
    pub async fn embed_query(&self, text: &str) -> Result<QueryEmbedding, EmbedError> {
        let made = match self.token_embedder() {
            Some(local) => local.embed_query_with_tokens(text),
            None => return Ok(QueryEmbedding { vector: self.embedder.embed_query(text).await?, tokens: None }),
        };
        let (made, vector) = match &self.tokens {
            Some(TokenModel::Beside(_)) => {
                let (made, vector) = futures::future::try_join(made, self.embedder.embed_query(text)).await?;
                (made, Some(vector))
            }
            _ => (made.await?, None),
        };
        let tokens = made.as_ref().zip(self.tokens_info());
        let tokens = tokens.and_then(|(made, model)| QueryTokens::new(model, &made.ids, &made.vectors));
        let vector = vector.or(made.map(|made| made.vector)).unwrap_or_default();
        Ok(QueryEmbedding { vector, tokens })
    }
}

fn info(embedder: &Embedder) -> EmbedderInfo {
    let fingerprint = embedder.fingerprint();
    EmbedderInfo {
        id: fingerprint.id(),
        model: fingerprint.model.clone(),
        dimension: u32::try_from(fingerprint.dimension).unwrap_or(u32::MAX),
    }
}
