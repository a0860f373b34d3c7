//! Google Vertex AI's text embeddings
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>).

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::config::VertexConfig;
use super::super::error::EmbedError;
use super::super::fingerprint::Fingerprint;
use super::super::limits::{VERTEX_REQUEST_TEXTS, VERTEX_REQUEST_TOKENS, VERTEX_TEXT_TOKENS};
use super::answer::Malformed;
use super::credential::Credential;
use super::transport::Transport;
use super::{Api, Bounds, Draft, Purpose, RemoteEmbedder};

struct Vertex {
    dimension: Option<usize>,
    one_text_a_request: bool,
}

impl Purpose {
    fn task_type(self) -> &'static str {
        match self {
            Self::Query => "RETRIEVAL_QUERY",
            Self::Document => "RETRIEVAL_DOCUMENT",
        }
    }
}

/// Prepares the connection and finds the credentials.
pub(in super::super) async fn connect(config: VertexConfig) -> Result<RemoteEmbedder, EmbedError> {
    let url = predict_url(&config)?;
    let credential = match config.access_token {
        Some(token) => Credential::Fixed(token),
        None => Credential::google().await?,
    };
    let fingerprint = Fingerprint {
        provider: "vertex".to_owned(),
        dimension: config.dimension.or_else(|| known_dimension(&config.model)).unwrap_or(0),
        normalized: true,
        precision: String::new(),
        query_prompt: Purpose::Query.task_type().to_owned(),
        document_prompt: Purpose::Document.task_type().to_owned(),
        weights_hash: String::new(),
        model: config.model,
    };
    let one_text_a_request = fingerprint.model.starts_with("gemini-embedding");
    RemoteEmbedder::connect(Draft {
        api: Box::new(Vertex { dimension: config.dimension, one_text_a_request }),
        concurrency: config.http.concurrency,
        transport: Transport::new(url, credential, config.http)?,
        fingerprint,
        max_tokens: VERTEX_TEXT_TOKENS,
    })
    .await
}

/// Dimension of the published models' vectors when none is asked for.
fn known_dimension(model: &str) -> Option<usize> {
    match model {
        "gemini-embedding-001" => Some(3072),
        "text-embedding-004" | "text-embedding-005" | "text-multilingual-embedding-002" => Some(768),
        _ => None,
    }
}

fn predict_url(config: &VertexConfig) -> Result<Url, EmbedError> {
    name("vertex.project", &config.project)?;
    name("vertex.region", &config.region)?;
    name("vertex.model", &config.model)?;
    let (project, region, model) = (&config.project, &config.region, &config.model);
    let base = match (&config.endpoint, region.as_str()) {
        (Some(endpoint), _) => endpoint.trim_end_matches('/').to_owned(),
        (None, "global") => "https://aiplatform.googleapis.com".to_owned(),
        (None, region) => format!("https://{region}-aiplatform.googleapis.com"),
    };
    let url = format!("{base}/v1/projects/{project}/locations/{region}/publishers/google/models/{model}:predict");
    let fail = |message: String| EmbedError::Config { setting: "vertex.endpoint", message };
    let url = Url::parse(&url).map_err(|error| fail(error.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(fail(format!("`{other}` is not http or https"))),
    }
}

/// Refuses what would change the meaning of the URL it is put into.
fn name(setting: &'static str, value: &str) -> Result<(), EmbedError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "-_.:@".contains(char);
    if value.is_empty() || !value.chars().all(allowed) {
        let message = if value.is_empty() { "it is not set".to_owned() } else { format!("`{value}` is not a name") };
        return Err(EmbedError::Config { setting, message });
    }
    Ok(())
}

#[derive(Deserialize)]
struct Answer {
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Embeddings,
}

#[derive(Deserialize)]
struct Embeddings {
    values: Vec<f32>,
}

impl Api for Vertex {
    fn bounds(&self) -> Bounds {
        let texts = if self.one_text_a_request { 1 } else { VERTEX_REQUEST_TEXTS };
        Bounds { texts, tokens: VERTEX_REQUEST_TOKENS }
    }

    fn body(&self, texts: &[&str], purpose: Purpose) -> Value {
        let instance = |text: &&str| json!({ "task_type": purpose.task_type(), "content": text });
        let mut parameters = json!({ "autoTruncate": false });
        if let Some(dimension) = self.dimension {
            parameters["outputDimensionality"] = json!(dimension);
        }
        json!({ "instances": texts.iter().map(instance).collect::<Vec<_>>(), "parameters": parameters })
    }

    fn parse(&self, body: &[u8], _count: usize) -> Result<Vec<Vec<f32>>, Malformed> {
        let answer: Answer = serde_json::from_slice(body)?;
        Ok(answer.predictions.into_iter().map(|prediction| prediction.embeddings.values).collect())
    }
}
