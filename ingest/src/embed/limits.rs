//! Named bounds of the embedding part: every queue, batch, text and wait has its number here.

use std::time::Duration;

/// Longest text taken for embedding, in bytes. Longer ones are refused, not cut: the model itself
/// reads a few hundred tokens of it at most.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Longest query that is tokenized on the asking thread, in bytes; longer ones go to a blocking one.
pub const INLINE_QUERY_BYTES: usize = 16 << 10;

/// Most padded tokens (texts x longest text) in one run of the local model, unless one text alone
/// is longer. Small runs keep the activations inside the processor's caches and the memory small;
/// larger ones were not faster (docs/performance.md).
pub const MAX_RUN_TOKENS: usize = 256;

/// Most texts in one run of the local model.
pub const MAX_RUN_TEXTS: usize = 32;

/// Niceness of the threads that embed documents, so that queries and requests go first.
pub const BACKGROUND_NICENESS: i32 = 5;

/// Runs that one `embed_documents` call keeps in flight for each document worker.
pub const RUNS_IN_FLIGHT_PER_WORKER: usize = 2;

/// Runs waiting in the document lane, over all callers; further callers wait for a place.
pub const DOCUMENT_QUEUE: usize = 64;

/// Queries waiting in the query lane; further callers wait for a place.
pub const QUERY_QUEUE: usize = 256;

/// Largest safetensors header that is read, in bytes.
pub const MAX_WEIGHTS_HEADER_BYTES: u64 = 16 << 20;

/// Largest JSON file of a model directory (the tokenizer), in bytes.
pub const MAX_MODEL_JSON_BYTES: u64 = 64 << 20;

/// Longest wait for a connection to a remote provider.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Attempts after the first when a query waits for the answer.
pub const QUERY_RETRIES: usize = 2;

/// Largest answer read from a provider, in bytes: 250 vectors of 3,072 numbers in text, many times over.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Largest error answer read from a provider, in bytes.
pub const MAX_ERROR_BODY_BYTES: usize = 64 << 10;

/// Most characters of a provider's error message that are passed on.
pub const MAX_ERROR_CHARS: usize = 500;

/// Vertex AI: texts in one request.
pub const VERTEX_REQUEST_TEXTS: usize = 250;

/// Vertex AI: tokens in one request, over all texts.
pub const VERTEX_REQUEST_TOKENS: usize = 20_000;

/// Vertex AI: tokens the models read of one text.
pub const VERTEX_TEXT_TOKENS: usize = 2_048;

/// OpenAI: texts in one request.
pub const OPENAI_REQUEST_TEXTS: usize = 2_048;

/// OpenAI: tokens in one request, over all texts (the service allows 300,000; the count is an estimate).
pub const OPENAI_REQUEST_TOKENS: usize = 200_000;

const _: () = assert!(DOCUMENT_QUEUE > 0 && QUERY_QUEUE > 0 && MAX_RUN_TEXTS > 0);
const _: () = assert!(VERTEX_TEXT_TOKENS <= VERTEX_REQUEST_TOKENS);
const _: () = assert!(MAX_ERROR_BODY_BYTES < MAX_ANSWER_BYTES);
