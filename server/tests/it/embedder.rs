//! An OpenAI-compatible embeddings endpoint that needs no model: hashed bags of words, with faults on request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) const DIMENSION: usize = 64;

/// A text with this word is refused.
pub(crate) const POISON: &str = "poisonword";
/// A text with this word is answered only when the gate is open.
pub(crate) const GATED: &str = "gatedword";

#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    texts: AtomicUsize,
    down: AtomicBool,
}

/// The endpoint, and what it has seen.
#[derive(Clone)]
pub(crate) struct MockEmbedder {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    gate: watch::Sender<bool>,
}

#[derive(Clone)]
struct Shared {
    seen: Arc<Seen>,
    gate: watch::Receiver<bool>,
    dimension: usize,
}

impl MockEmbedder {
    pub(crate) async fn start() -> Self {
        Self::with_dimension(DIMENSION).await
    }

    pub(crate) async fn with_dimension(dimension: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (gate, open) = watch::channel(false);
        let shared = Shared { seen: seen.clone(), gate: open, dimension };
        let router = Router::new().route("/v1/embeddings", post(embeddings)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen, gate }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Calls and texts so far.
    pub(crate) fn seen(&self) -> (usize, usize) {
        (self.seen.calls.load(Ordering::SeqCst), self.seen.texts.load(Ordering::SeqCst))
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.seen.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.send_replace(true);
    }
}

async fn embeddings(State(mut shared): State<Shared>, Json(body): Json<Value>) -> Response {
    let texts: Vec<String> = serde_json::from_value(body["input"].clone()).unwrap();
    shared.seen.calls.fetch_add(1, Ordering::SeqCst);
    shared.seen.texts.fetch_add(texts.len(), Ordering::SeqCst);
    if shared.seen.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if texts.iter().any(|text| text.contains(POISON)) {
        let body = json!({"error": {"message": "this text is not welcome", "type": "invalid_request_error"}});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    if texts.iter().any(|text| text.contains(GATED)) {
        shared.gate.wait_for(|open| *open).await.unwrap();
    }
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(
            |(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text, shared.dimension)}),
        )
        .collect();
    Json(json!({"object": "list", "data": data, "model": "bag"})).into_response()
}

/// The words of a text, hashed into the dimensions.
pub(crate) fn vector(text: &str, dimension: usize) -> Vec<f32> {
    let mut vector = vec![0.01; dimension];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let hash = word
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        vector[usize::try_from(hash % dimension as u64).unwrap()] += 1.0;
    }
    vector
}
