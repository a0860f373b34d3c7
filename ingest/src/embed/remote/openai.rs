//! Endpoints that speak OpenAI's embeddings API
//! (<https://platform.openai.com/docs/api-reference/embeddings/create>).

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::config::OpenAiConfig;
use super::super::error::EmbedError;
use super::super::fingerprint::Fingerprint;
use super::super::limits::{OPENAI_REQUEST_TEXTS, OPENAI_REQUEST_TOKENS};
use super::answer::Malformed;
use super::credential::Credential;
use super::transport::Transport;
use super::{Api, Bounds, Draft, Purpose, RemoteEmbedder};

struct OpenAi {
    model: String,
    dimension: Option<usize>,
    batch: usize,
    query_prefix: String,
    document_prefix: String,
}

/// Prepares the connection; asks for one vector if the dimension is not configured.
pub(in super::super) async fn connect(config: OpenAiConfig) -> Result<RemoteEmbedder, EmbedError> {
    if config.model.is_empty() {
        return Err(EmbedError::Config { setting: "openai.model", message: "it is not set".to_owned() });
    }
    let url = embeddings_url(&config.base_url)?;
    let fingerprint = Fingerprint {
        provider: "openai".to_owned(),
        model: config.model.clone(),
        dimension: config.dimension.unwrap_or(0),
        normalized: true,
        precision: String::new(),
        query_prompt: config.query_prefix.clone(),
        document_prompt: config.document_prefix.clone(),
        weights_hash: String::new(),
    };
    let api = OpenAi {
        model: config.model,
        dimension: config.dimension,
        batch: config.batch.clamp(1, OPENAI_REQUEST_TEXTS),
        query_prefix: config.query_prefix,
        document_prefix: config.document_prefix,
    };
    RemoteEmbedder::connect(Draft {
        api: Box::new(api),
        concurrency: config.http.concurrency,
        transport: Transport::new(url, config.api_key.map_or(Credential::None, Credential::Fixed), config.http)?,
        fingerprint,
        max_tokens: config.max_tokens,
    })
    .await
}

fn embeddings_url(base: &str) -> Result<Url, EmbedError> {
    let fail = |message: String| EmbedError::Config { setting: "openai.base_url", message };
    let url = format!("{}/embeddings", base.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|error| fail(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(fail(format!("`{other}` is not http or https"))),
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

impl Api for OpenAi {
    fn bounds(&self) -> Bounds {
        Bounds { texts: self.batch, tokens: OPENAI_REQUEST_TOKENS }
    }

    fn body(&self, texts: &[&str], purpose: Purpose) -> Value {
        let prefix = match purpose {
            Purpose::Query => &self.query_prefix,
            Purpose::Document => &self.document_prefix,
        };
        let input: Vec<String> = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        let mut body = json!({ "model": self.model, "input": input, "encoding_format": "float" });
        if let Some(dimension) = self.dimension {
            body["dimensions"] = json!(dimension);
        }
        body
    }

    /// The answer may come in any order; `index` says which text a vector belongs to.
    fn parse(&self, body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Malformed> {
        let answer: Answer = serde_json::from_slice(body)?;
        let mut slots = vec![None; count];
        for item in answer.data {
            let slot = slots.get_mut(item.index);
            let slot = slot.ok_or_else(|| Malformed::Wrong(format!("vector for text {} of {count}", item.index)))?;
            if slot.replace(item.embedding).is_some() {
                return Err(Malformed::Wrong(format!("two vectors for text {}", item.index)));
            }
        }
        let missing = |index| Malformed::Wrong(format!("no vector for text {index}"));
        slots.into_iter().enumerate().map(|(index, slot)| slot.ok_or_else(|| missing(index))).collect()
    }
}
