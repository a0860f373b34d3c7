//! Clients that create, change and delete documents until the server dies.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use coditect_benches::client::{Client, DocumentInput, WriteOutcome};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::content::{COLLECTION, name};
use crate::model::Model;
use crate::reader;

/// Documents of a batch at most.
const BATCH: usize = 6;

/// What the clients did before the server died.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Writes that the server acknowledged.
    pub(crate) acknowledged: usize,
    /// Reads of documents that were being written.
    pub(crate) reads: usize,
    /// What ended each client, and when.
    pub(crate) errors: Vec<(Instant, String)>,
    /// Documents that a reader saw half written.
    pub(crate) partial: Vec<String>,
}

/// Writers and a reader at work.
pub(crate) struct Traffic {
    clients: JoinSet<Done>,
}

impl Traffic {
    /// Starts the clients.
    pub(crate) fn start(client: &Client, model: &Arc<Model>, writers: u32, seed: u64) -> Self {
        let mut clients = JoinSet::new();
        for number in 0..writers {
            let random = ChaCha8Rng::seed_from_u64(seed ^ u64::from(number));
            let writer = Writer { client: client.clone(), model: Arc::clone(model), random, number, of: writers };
            clients.spawn(writer.run());
        }
        clients.spawn(reader::run(client.clone(), Arc::clone(model), seed));
        Self { clients }
    }

    /// Waits until every client has noticed that the server is gone.
    pub(crate) async fn finish(mut self) -> Result<Done> {
        let mut all = Done::default();
        while let Some(done) = self.clients.join_next().await {
            let done = done.context("wait for a client")?;
            all.acknowledged += done.acknowledged;
            all.reads += done.reads;
            all.errors.extend(done.errors);
            all.partial.extend(done.partial);
        }
        Ok(all)
    }
}

/// One client; it owns every `of`th document.
struct Writer {
    client: Client,
    model: Arc<Model>,
    random: ChaCha8Rng,
    number: u32,
    of: u32,
}

impl Writer {
    async fn run(mut self) -> Done {
        let mut done = Done::default();
        loop {
            match self.step().await {
                Ok(acknowledged) => done.acknowledged += acknowledged,
                Err(error) => {
                    done.errors.push((Instant::now(), format!("{error:#}")));
                    return done;
                }
            }
        }
    }

    /// One write; says how many documents it acknowledged.
    async fn step(&mut self) -> Result<usize> {
        let document = self.document();
        let there = self.model.entry(document).acknowledged;
        match self.random.random_range(0..100) {
            0..15 => self.delete(document).await,
            15..25 if there.is_some() => self.repeat(document, there.unwrap_or_default()).await,
            25..45 => self.batch().await,
            _ => self.write(document).await,
        }
    }

    fn document(&mut self) -> u32 {
        let owned = self.model.documents.div_ceil(self.of);
        let document = self.random.random_range(0..owned) * self.of + self.number;
        if document < self.model.documents { document } else { self.number }
    }

    async fn write(&mut self, document: u32) -> Result<usize> {
        let revision = self.model.sending_new(document);
        let outcome = self.client.put(&self.model.contents.input(document, revision)).await?;
        self.stored(document, revision, &outcome)?;
        Ok(1)
    }

    /// The same content again, which must change nothing.
    async fn repeat(&mut self, document: u32, revision: u32) -> Result<usize> {
        let outcome = self.client.put(&self.model.contents.input(document, revision)).await?;
        ensure!(outcome.status == "unchanged", "the same content again was {}", outcome.status);
        self.model.acknowledged(document, Some(revision), Some(&outcome));
        Ok(1)
    }

    async fn batch(&mut self) -> Result<usize> {
        let mut documents: Vec<u32> = (0..BATCH).map(|_| self.document()).collect();
        documents.sort_unstable();
        documents.dedup();
        let revisions: Vec<u32> = documents.iter().map(|it| self.model.sending_new(*it)).collect();
        let sent: Vec<(u32, u32)> = documents.into_iter().zip(revisions).collect();
        let inputs: Vec<DocumentInput> =
            sent.iter().map(|(it, revision)| self.model.contents.input(*it, *revision)).collect();
        let answer = self.client.put_batch(&inputs).await?;
        ensure!(answer.outcomes.len() == sent.len(), "{} documents got {} outcomes", sent.len(), answer.outcomes.len());
        for ((document, revision), outcome) in sent.iter().zip(&answer.outcomes) {
            self.stored(*document, *revision, outcome)?;
        }
        Ok(sent.len())
    }

    async fn delete(&mut self, document: u32) -> Result<usize> {
        self.model.sending_deletion(document);
        self.client.delete(COLLECTION, &name(document)).await?;
        self.model.acknowledged(document, None, None);
        Ok(1)
    }

    fn stored(&self, document: u32, revision: u32, outcome: &WriteOutcome) -> Result<()> {
        ensure!(outcome.document_id == name(document), "an outcome is about {}", outcome.document_id);
        let status = outcome.status.as_str();
        ensure!(matches!(status, "created" | "updated"), "a new revision was {status}: {:?}", outcome.error);
        self.model.acknowledged(document, Some(revision), Some(outcome));
        Ok(())
    }
}
