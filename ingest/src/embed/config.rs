//! The embedder's settings: plain data, checked when the embedder is connected.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

/// Which embedder to use and how.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmbedderConfig {
    /// The provider that serves; the other sections are ignored.
    pub provider: ProviderKind,
    /// The model on this machine.
    pub local: LocalConfig,
    /// Google Vertex AI.
    pub vertex: VertexConfig,
    /// An HTTP endpoint that speaks OpenAI's embeddings API.
    pub openai: OpenAiConfig,
}

/// The closed set of providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// A sentence-transformers model on ONNX Runtime, in this process.
    #[default]
    Local,
    /// Google Vertex AI.
    Vertex,
    /// An OpenAI-compatible endpoint.
    OpenAi,
}

/// Settings of the local model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalConfig {
    /// A sentence-transformers directory. Default: `CODITECT_MODEL_DIR`, else where
    /// `scripts/fetch_model.py` puts it.
    pub model_dir: Option<PathBuf>,
    /// ONNX Runtime's shared library. Default: `CODITECT_ONNXRUNTIME`, `ORT_DYLIB_PATH`, else where
    /// `scripts/fetch_model.py` puts it.
    pub onnxruntime: Option<PathBuf>,
    /// Number format of the matrix products.
    pub precision: Precision,
    /// Threads that embed documents. Default: one for each processor.
    pub document_threads: Option<usize>,
    /// Threads that embed queries. Default: one for each four processors, at least one.
    pub query_threads: Option<usize>,
}

/// Number format of the local model's matrix products. Vectors of different formats do not mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As published.
    #[default]
    F32,
    /// Eight-bit integers: about twice as fast where the processor has VNNI instructions, slightly
    /// less precise (docs/performance.md).
    Int8,
}

impl Precision {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// Settings of Vertex AI.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VertexConfig {
    /// Google Cloud project, such as `GCP_PROJECT` names it. Required.
    pub project: String,
    /// Region, such as `us-central1`, or `global`.
    pub region: String,
    /// Publisher model.
    pub model: String,
    /// `outputDimensionality` of the request. Default: the model's own dimension.
    pub dimension: Option<usize>,
    /// A ready bearer token in place of Google's application-default credentials, for gateways that
    /// hand out their own.
    pub access_token: Option<SecretString>,
    /// Base URL in place of `https://{region}-aiplatform.googleapis.com`, for private endpoints.
    pub endpoint: Option<String>,
    /// How requests are sent and retried.
    pub http: HttpConfig,
}

impl Default for VertexConfig {
    fn default() -> Self {
        Self {
            project: String::new(),
            region: "us-central1".to_owned(),
            model: "text-embedding-004".to_owned(),
            dimension: None,
            access_token: None,
            endpoint: None,
            http: HttpConfig::default(),
        }
    }
}

/// Settings of an OpenAI-compatible endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpenAiConfig {
    /// Base URL; `/embeddings` is appended.
    pub base_url: String,
    /// Model name. Required.
    pub model: String,
    /// Bearer token; some servers need none.
    pub api_key: Option<SecretString>,
    /// `dimensions` of the request, for models that can shorten their vectors.
    pub dimension: Option<usize>,
    /// Most texts in one request.
    pub batch: usize,
    /// Most tokens the model reads of one text; passages are cut to fit.
    pub max_tokens: usize,
    /// Put before every query.
    pub query_prefix: String,
    /// Put before every document.
    pub document_prefix: String,
    /// How requests are sent and retried.
    pub http: HttpConfig,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            model: String::new(),
            api_key: None,
            dimension: None,
            batch: 128,
            max_tokens: 512,
            query_prefix: String::new(),
            document_prefix: String::new(),
            http: HttpConfig::default(),
        }
    }
}

/// How a remote provider's requests are sent and retried.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Longest wait for one answer to a document request, in milliseconds.
    pub timeout_ms: u64,
    /// Longest wait for one answer to a query request, in milliseconds.
    pub query_timeout_ms: u64,
    /// Attempts after the first.
    pub retries: usize,
    /// First wait before a retry, in milliseconds; doubles each time, with jitter.
    pub backoff_ms: u64,
    /// Longest single wait, in milliseconds; a provider that asks for a longer one is not asked again.
    pub max_backoff_ms: u64,
    /// Document requests in flight at once.
    pub concurrency: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            timeout_ms: 60_000,
            query_timeout_ms: 10_000,
            retries: 6,
            backoff_ms: 500,
            max_backoff_ms: 60_000,
            concurrency: 4,
        }
    }
}

impl HttpConfig {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) fn backoff(&self) -> Duration {
        Duration::from_millis(self.backoff_ms)
    }

    pub(super) fn max_backoff(&self) -> Duration {
        Duration::from_millis(self.max_backoff_ms)
    }

    pub(super) fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.query_timeout_ms)
    }
}
