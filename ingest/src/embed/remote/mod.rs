//! Remote embedders: batches, concurrency and blame are handled here once; what differs between
//! the providers is behind [`Api`].

mod answer;
mod credential;
pub(super) mod openai;
mod transport;
pub(super) mod vertex;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use self::answer::{Malformed, check};
use self::transport::{Effort, Transport};
use super::error::EmbedError;
use super::fingerprint::Fingerprint;
use super::limits::MAX_TEXT_BYTES;
use crate::split::{ApproximateCounter, TokenCounter};

/// A text that every embedding model takes.
const HARMLESS: &str = "test";

/// What a vector is for: retrieval models embed the two differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Query,
    Document,
}

/// What one request may hold.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    texts: usize,
    tokens: usize,
}

/// A provider's request and answer format.
trait Api: Send + Sync {
    fn bounds(&self) -> Bounds;
    fn body(&self, texts: &[&str], purpose: Purpose) -> serde_json::Value;
    /// The vectors of `count` texts, in their order.
    fn parse(&self, body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Malformed>;
}

/// An embedder behind an HTTP API.
pub(super) struct RemoteEmbedder {
    api: Box<dyn Api>,
    transport: Transport,
    fingerprint: Fingerprint,
    max_tokens: usize,
    concurrency: usize,
    permits: Semaphore,
}

/// The parts of a remote embedder, before the dimension of its vectors is certain.
struct Draft {
    api: Box<dyn Api>,
    transport: Transport,
    /// Its dimension is 0 when only the provider knows it.
    fingerprint: Fingerprint,
    max_tokens: usize,
    concurrency: usize,
}

impl RemoteEmbedder {
    /// Asks the provider for one vector when its dimension is not known.
    async fn connect(draft: Draft) -> Result<Self, EmbedError> {
        let concurrency = draft.concurrency.max(1);
        let mut embedder = Self {
            api: draft.api,
            transport: draft.transport,
            fingerprint: draft.fingerprint,
            max_tokens: draft.max_tokens,
            concurrency,
            permits: Semaphore::new(concurrency),
        };
        if embedder.fingerprint.dimension == 0 {
            let vectors = embedder.request(&[HARMLESS], Purpose::Query).await?;
            embedder.fingerprint.dimension = vectors.first().map_or(0, Vec::len);
        }
        Ok(embedder)
    }

    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The provider's tokenizer is not at hand: an estimate that rather counts too many.
    pub(super) fn counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(ApproximateCounter)
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    pub(super) async fn embed_query(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        check_text(0, text)?;
        match self.request(&[text], Purpose::Query).await {
            Ok(mut vectors) => vectors.pop().ok_or_else(|| EmbedError::Answer("it holds no vector".to_owned())),
            Err(error) => Err(self.blame(error, 0).await),
        }
    }

    pub(super) async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        for (index, text) in texts.iter().enumerate() {
            check_text(index, text)?;
        }
        let batches = plan(texts, self.api.bounds());
        let vectors: Vec<Vec<Vec<f32>>> = stream::iter(batches)
            .map(|batch| self.embed_batch(texts, batch))
            .buffered(self.concurrency)
            .try_collect()
            .await?;
        Ok(vectors.into_iter().flatten().collect())
    }

    /// Embeds one batch; a batch that is refused is halved until the text at fault stands alone,
    /// or until the request is small enough for the provider.
    async fn embed_batch(&self, texts: &[String], batch: Range<usize>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let _permit = self.permits.acquire().await.map_err(|error| EmbedError::Unavailable(error.to_string()))?;
        let mut waiting = VecDeque::from([batch]);
        let mut vectors = Vec::new();
        while let Some(part) = waiting.pop_front() {
            let slice: Vec<&str> = texts[part.clone()].iter().map(String::as_str).collect();
            match self.request(&slice, Purpose::Document).await {
                Ok(found) => vectors.extend(found),
                Err(error) if part.len() > 1 && blames_input(&error) => {
                    let middle = part.start + part.len() / 2;
                    waiting.push_front(middle..part.end);
                    waiting.push_front(part.start..middle);
                }
                Err(error) => return Err(self.blame(error, part.start).await),
            }
        }
        Ok(vectors)
    }

    /// Says whether a refused request is the text's fault or the settings', by sending a text that
    /// cannot be at fault.
    async fn blame(&self, error: EmbedError, index: usize) -> EmbedError {
        if !blames_input(&error) || self.request(&[HARMLESS], Purpose::Document).await.is_err() {
            return error;
        }
        match error {
            EmbedError::Rejected { message, .. } => EmbedError::Input { index, message },
            other => other,
        }
    }

    async fn request(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>, EmbedError> {
        let body = self.api.body(texts, purpose).to_string();
        let effort = match purpose {
            Purpose::Query => Effort::Prompt,
            Purpose::Document => Effort::Patient,
        };
        let dimension = self.fingerprint.dimension;
        let parse = |answer: &[u8]| check(self.api.parse(answer, texts.len())?, texts.len(), dimension);
        self.transport.post(body, effort, parse).await
    }
}

/// Statuses with which providers refuse a text or the size of a request.
fn blames_input(error: &EmbedError) -> bool {
    matches!(error, EmbedError::Rejected { status: 400 | 413 | 422, .. })
}

fn check_text(index: usize, text: &str) -> Result<(), EmbedError> {
    let refused = |message: String| Err(EmbedError::Input { index, message });
    if text.trim().is_empty() {
        return refused("it is empty".to_owned());
    }
    if text.len() > MAX_TEXT_BYTES {
        return refused(format!("it has {} bytes, the limit is {MAX_TEXT_BYTES}", text.len()));
    }
    Ok(())
}

/// Cuts the texts into consecutive batches within the bounds; a text over the bounds stands alone.
fn plan(texts: &[String], bounds: Bounds) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (index, text) in texts.iter().enumerate() {
        let more = ApproximateCounter.count(text);
        match batches.last_mut() {
            Some(batch) if batch.len() < bounds.texts && tokens + more <= bounds.tokens => {
                batch.end += 1;
                tokens += more;
            }
            _ => {
                batches.push(index..index + 1);
                tokens = more;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_keep_both_bounds_and_the_order() {
        let texts: Vec<String> = (1..=30).map(|n| "word ".repeat(n)).collect();
        let bounds = Bounds { texts: 7, tokens: 60 };
        let batches = plan(&texts, bounds);
        assert_eq!(batches.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
        for batch in batches {
            let tokens: usize = texts[batch.clone()].iter().map(|text| ApproximateCounter.count(text)).sum();
            assert!(batch.len() <= bounds.texts && tokens <= bounds.tokens, "{batch:?}: {tokens}");
        }
    }

    #[test]
    fn a_text_over_the_token_bound_is_sent_alone() {
        let texts = ["a".to_owned(), "word ".repeat(500), "b".to_owned()];
        assert_eq!(plan(&texts, Bounds { texts: 10, tokens: 100 }), [0..1, 1..2, 2..3]);
    }
}
