//! Vectors of passages: one queue before the embedder for all requests, so that small documents share its batches and the
//! same text is embedded once, however many documents bring it at the same time.

use std::sync::Arc;
use std::time::Instant;

use coditect_engine::model::TextHash;
use coditect_ingest::embed::EmbedError;
use futures::future::{BoxFuture, FutureExt, Shared};
use moka::sync::Cache;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::limits;
use crate::models::{Embedding, Models};
use crate::problem::{Code, Problem, Result};

/// A vector, made or on its way. `None` when whoever wanted it first went away.
type Pending = Shared<BoxFuture<'static, Option<Result<Arc<Embedding>>>>>;

/// A text on its way to the embedder.
struct Job {
    hash: TextHash,
    text: String,
    reply: oneshot::Sender<Result<Arc<Embedding>>>,
}

/// Makes vectors of passages.
#[derive(Clone)]
pub(super) struct Vectors {
    recent: Cache<TextHash, Pending>,
    queue: mpsc::Sender<Job>,
}

impl Vectors {
    /// Starts the queue before `models`; it ends when the last clone is dropped.
    pub(super) fn start(models: Models) -> Self {
        let vector = size_of::<f32>() * models.embedder().fingerprint().dimension;
        let token = models.tokens_info().map_or(0, |model| model.dimension as usize / 8 + 2 * size_of::<u32>());
        // What a text has in tokens is not known before they are made: it is counted at its most.
        let bytes = u32::try_from(vector + token * models.embedder().max_tokens()).unwrap_or(u32::MAX);
        let recent = Cache::builder()
            .max_capacity(limits::RECENT_VECTOR_BYTES)
            .weigher(move |_: &TextHash, _: &Pending| bytes)
            .build();
        let (queue, jobs) = mpsc::channel(limits::EMBED_QUEUE_TEXTS);
        tokio::spawn(serve(models, jobs, recent.clone()));
        Self { recent, queue }
    }

    /// The vector of `text`, whose hash is `hash`. Waits for a place in the queue, not for the vector: await what is returned
    /// by [`Vectors::wait`].
    pub(super) async fn request(&self, hash: TextHash, text: &str) -> Ticket {
        let (reply, receiver) = oneshot::channel();
        let mut receiver = Some(receiver);
        let entry = self.recent.entry(hash).or_insert_with(|| match receiver.take() {
            Some(receiver) => receiver.map(Result::ok).boxed().shared(),
            None => futures::future::ready(None).boxed().shared(),
        });
        if entry.is_fresh() {
            let sent = self.queue.send(Job { hash, text: text.to_owned(), reply }).await;
            if sent.is_err() {
                self.recent.invalidate(&hash);
            }
        }
        Ticket { hash, pending: entry.into_value() }
    }

    /// The vector that was asked for.
    pub(super) async fn wait(&self, ticket: Ticket, text: &str) -> Result<Arc<Embedding>> {
        if let Some(made) = ticket.pending.await {
            return made;
        }
        self.recent.invalidate(&ticket.hash);
        let again = self.request(ticket.hash, text).await.pending.await;
        again.unwrap_or_else(|| Err(Problem::new(Code::EmbedderUnavailable, "the server is stopping")))
    }
}

/// A vector that was asked for.
pub(super) struct Ticket {
    hash: TextHash,
    pending: Pending,
}

/// Hands waiting texts to the embedder, as many at a time as are waiting.
async fn serve(models: Models, mut jobs: mpsc::Receiver<Job>, recent: Cache<TextHash, Pending>) {
    let calls = Arc::new(Semaphore::new(limits::EMBED_CALLS));
    loop {
        let Ok(call) = calls.clone().acquire_owned().await else { return };
        let mut batch = Vec::with_capacity(limits::EMBED_BATCH_TEXTS);
        if jobs.recv_many(&mut batch, limits::EMBED_BATCH_TEXTS).await == 0 {
            return;
        }
        let (models, recent) = (models.clone(), recent.clone());
        tokio::spawn(async move {
            embed(&models, batch, &recent).await;
            drop(call);
        });
    }
}

/// Embeds a batch. A text that cannot be embedded fails alone: the others are tried again without it.
async fn embed(models: &Models, mut batch: Vec<Job>, recent: &Cache<TextHash, Pending>) {
    while !batch.is_empty() {
        let texts: Vec<String> = batch.iter_mut().map(|job| std::mem::take(&mut job.text)).collect();
        let started = Instant::now();
        let made = models.embed_documents(&texts).await;
        metrics::histogram!("ingest_embed_seconds").record(started.elapsed());
        metrics::histogram!("ingest_embed_batch_texts").record(texts.len() as f64);
        match made {
            Ok(vectors) if vectors.len() == batch.len() => {
                metrics::counter!("ingest_embedded_passages_total").increment(vectors.len() as u64);
                for (job, vector) in batch.into_iter().zip(vectors) {
                    // Nobody waits any more: the vector stays among the recent ones.
                    let _ = job.reply.send(Ok(Arc::new(vector)));
                }
                return;
            }
            Ok(_) => {
                let problem = Problem::new(Code::EmbedderUnavailable, "the embedder left out vectors");
                return fail(batch, &problem, recent);
            }
            Err(error) => {
                for (job, text) in batch.iter_mut().zip(texts) {
                    job.text = text;
                }
                batch = without_the_poison(batch, error, recent);
            }
        }
    }
}

/// What is worth another try after a failed call.
fn without_the_poison(mut batch: Vec<Job>, error: EmbedError, recent: &Cache<TextHash, Pending>) -> Vec<Job> {
    match &error {
        EmbedError::Input { index, .. } if *index < batch.len() => {
            let poisoned = batch.remove(*index);
            fail(vec![poisoned], &Problem::from(error), recent);
            batch
        }
        _ => {
            metrics::counter!("ingest_embed_failures_total").increment(1);
            tracing::warn!(error = %error, texts = batch.len(), "embedding failed");
            fail(batch, &Problem::from(error), recent);
            Vec::new()
        }
    }
}

fn fail(batch: Vec<Job>, problem: &Problem, recent: &Cache<TextHash, Pending>) {
    for job in batch {
        recent.invalidate(&job.hash);
        // Nobody waits any more: nothing to tell.
        let _ = job.reply.send(Err(problem.clone()));
    }
}
