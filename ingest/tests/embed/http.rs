//! Shared by the tests of remote providers: settings that retry at once, and answers in sequence.

use std::sync::atomic::{AtomicUsize, Ordering};

use coditect_ingest::embed::HttpConfig;
use serde_json::Value;
use wiremock::{Request, Respond, ResponseTemplate};

/// Retries without noticeable waits.
pub(crate) fn quick() -> HttpConfig {
    HttpConfig {
        timeout_ms: 10_000,
        query_timeout_ms: 10_000,
        retries: 3,
        backoff_ms: 1,
        max_backoff_ms: 2_000,
        concurrency: 3,
    }
}

/// Gives the answers one after the other, then the last one for ever.
pub(crate) struct Sequence {
    answers: Vec<Box<dyn Respond>>,
    next: AtomicUsize,
}

impl Sequence {
    pub(crate) fn new(answers: Vec<Box<dyn Respond>>) -> Self {
        Self { answers, next: AtomicUsize::new(0) }
    }
}

impl Respond for Sequence {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let index = self.next.fetch_add(1, Ordering::SeqCst);
        self.answers[index.min(self.answers.len() - 1)].respond(request)
    }
}

/// The request's body as JSON.
pub(crate) fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// A vector that says which text it belongs to: `text-7` gives the angle 7 hundredths.
pub(crate) fn vector_of(text: &str, dimension: usize) -> Vec<f32> {
    let number: f32 = text.rsplit('-').next().and_then(|digits| digits.parse().ok()).unwrap_or(0.0);
    let mut vector = vec![0.0; dimension];
    (vector[0], vector[1]) = ((number / 100.0).cos(), (number / 100.0).sin());
    vector
}

/// `text-0`, `text-1`, ...
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("text-{index}")).collect()
}
