//! The stages of the pipeline, one document at a time.

use std::sync::Arc;
use std::time::Instant;

use coditect_engine::Tenant;
use coditect_engine::model::{
    CollectionName, CollectionSpec, DocumentId, NewDocument, TextHash, WriteReceipt, WriteStatus as Stored,
};
use coditect_ingest::split::{SplitOptions, TokenCounter};
use coditect_ingest::wire::{self, DocumentInput, WriteOutcome, WriteStatus};
use tokio::sync::Semaphore;

use super::Written;
use super::hash::PipelineId;
use super::prepare::{self, Checked, Prepared};
use super::vectors::Vectors;
use crate::problem::{Problem, Result};

/// What the stages work with.
pub(super) struct Stages {
    pub(super) spec: CollectionSpec,
    pub(super) id: PipelineId,
    pub(super) options: SplitOptions,
    pub(super) counter: Arc<dyn TokenCounter>,
    pub(super) vectors: Vectors,
    pub(super) splitters: Arc<Semaphore>,
}

/// A document on its way: who it is, and how far it is.
pub(super) struct Item<T> {
    slip: Slip,
    state: State<T>,
}

/// What identifies a document on its way.
struct Slip {
    position: usize,
    document_id: String,
    content_hash: String,
    /// Where it belongs, once that is known to be in order.
    place: Option<(CollectionName, DocumentId)>,
}

/// How far a document is.
enum State<T> {
    /// On to the next stage.
    Going(T),
    /// The same document was there already.
    Unchanged(WriteReceipt),
    /// It will not be stored.
    Failed(Problem),
}

/// A document that can be written.
pub(super) struct Embedded {
    document: NewDocument,
    warnings: Vec<String>,
}

impl Stages {
    /// Checks and splits a document, unless it is there already.
    pub(super) async fn prepare(
        &self,
        tenant: &Tenant,
        position: usize,
        input: DocumentInput,
        first: bool,
    ) -> Item<Prepared> {
        let slip = |content_hash, place| Slip { position, document_id: input.document_id.clone(), content_hash, place };
        // What is said of the second of two documents with one id says nothing of the first.
        let place = prepare::place(&input).filter(|_| first);
        let checked = if first { prepare::check(&input) } else { Err(twice()) };
        let checked = match checked {
            Ok(checked) => checked,
            Err(problem) => {
                let slip = slip(wire::content_hash(&input), place);
                return Item { slip, state: State::Failed(problem) };
            }
        };
        let slip = slip(checked.content_hash.clone(), place);
        let state = match self.compare(tenant, &checked).await {
            Ok(Some(receipt)) => State::Unchanged(receipt),
            Ok(None) => self.split(tenant, input, checked).await.map_or_else(State::Failed, State::Going),
            Err(problem) => State::Failed(problem),
        };
        Item { slip, state }
    }

    /// The receipt of a document that is there already, made from the same content by the same pipeline.
    async fn compare(&self, tenant: &Tenant, checked: &Checked) -> Result<Option<WriteReceipt>> {
        let Some(stored) = tenant.document(&checked.collection, &checked.id).await? else { return Ok(None) };
        let same = stored.head.content_hash == self.id.stored(&checked.content_hash);
        let (version, passages) = (stored.version, stored.head.passages);
        Ok(same.then_some(WriteReceipt { status: Stored::Unchanged, version, passages }))
    }

    async fn split(&self, tenant: &Tenant, input: DocumentInput, checked: Checked) -> Result<Prepared> {
        // The collection's embedder is checked before any work is done for it.
        let (info, _) = tenant.ensure_collection(&checked.collection, &self.spec).await?;
        let holds_codes = info.tokens.is_some() && info.tokens == self.spec.tokens;
        let (id, options, counter) = (self.id.clone(), self.options.clone(), self.counter.clone());
        let place = self.splitters.clone().acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            let started = Instant::now();
            let prepared = prepare::prepare(input, &checked, &id, &options, counter.as_ref());
            metrics::histogram!("ingest_stage_seconds", "stage" => "split").record(started.elapsed());
            prepared
        });
        let prepared = work.await.map_err(Problem::internal)??;
        Ok(Prepared { holds_codes, ..prepared })
    }

    /// Gives every passage its vector: a known one, or a new one from the embedder.
    pub(super) async fn embed(&self, tenant: &Tenant, item: Item<Prepared>) -> Item<Embedded> {
        let Item { slip, state } = item;
        let state = match (state, &slip.place) {
            (State::Going(prepared), Some((collection, _))) => {
                self.vectors_of(tenant, collection, prepared).await.map_or_else(State::Failed, State::Going)
            }
            (State::Going(_), None) => State::Failed(twice()),
            (State::Unchanged(receipt), _) => State::Unchanged(receipt),
            (State::Failed(problem), _) => State::Failed(problem),
        };
        Item { slip, state }
    }

    async fn vectors_of(&self, tenant: &Tenant, collection: &CollectionName, prepared: Prepared) -> Result<Embedded> {
        let Prepared { mut document, texts, warnings, holds_codes } = prepared;
        let mut tickets = Vec::new();
        for (position, passage) in document.passages.iter_mut().enumerate() {
            let text = TextHash::of(&passage.text);
            let known = tenant.known_embedding(collection, &self.spec.embedder.id, passage.embed_hash, text);
            match known {
                Some((vector, codes)) if codes.is_some() || !holds_codes => {
                    metrics::counter!("ingest_reused_vectors_total").increment(1);
                    (passage.vector, passage.codes) = (vector, codes);
                }
                _ => {
                    let ticket = self.vectors.request(passage.embed_hash, &texts[position].text).await;
                    tickets.push((position, ticket));
                }
            }
        }
        for (position, ticket) in tickets {
            let made = self.vectors.wait(ticket, &texts[position].text).await?;
            let passage = &mut document.passages[position];
            passage.vector.clone_from(&made.vector);
            passage.codes = made.tokens.as_ref().filter(|_| holds_codes).and_then(|it| texts[position].codes(it));
        }
        Ok(Embedded { document, warnings })
    }

    /// Writes a document and reports what became of it.
    pub(super) async fn write(&self, tenant: &Tenant, item: Item<Embedded>) -> (usize, Written) {
        let Item { slip, state } = item;
        let position = slip.position;
        let result = match (state, &slip.place) {
            (State::Going(embedded), Some((collection, _))) => self.put(tenant, collection, embedded).await,
            (State::Going(_), None) => Err(twice()),
            (State::Unchanged(receipt), _) => Ok((receipt, Vec::new())),
            (State::Failed(problem), _) => Err(problem),
        };
        let written = match result {
            Ok((receipt, warnings)) => stored(slip, &receipt, warnings),
            Err(problem) => self.failed(tenant, slip, problem).await,
        };
        (position, written)
    }

    async fn put(
        &self,
        tenant: &Tenant,
        collection: &CollectionName,
        embedded: Embedded,
    ) -> Result<(WriteReceipt, Vec<String>)> {
        let started = Instant::now();
        let receipt = tenant.put(collection, &self.spec, embedded.document).await?;
        metrics::histogram!("ingest_stage_seconds", "stage" => "write").record(started.elapsed());
        Ok((receipt, embedded.warnings))
    }

    /// Keeps the reason beside the document, so that `GET /documents?state=failed` shows it.
    async fn failed(&self, tenant: &Tenant, slip: Slip, problem: Problem) -> Written {
        metrics::counter!("ingest_documents_total", "status" => "failed").increment(1);
        if problem.code.status().is_server_error() {
            tracing::warn!(
                status = problem.code.status().as_u16(),
                cause = problem.chain(),
                "a document was not stored"
            );
        }
        if let Some((collection, id)) = &slip.place
            && let Err(error) = tenant.record_failure(collection, id, &problem.detail).await
        {
            tracing::warn!(%error, "the reason of a failed write could not be kept");
        }
        let outcome = WriteOutcome {
            document_id: slip.document_id,
            status: WriteStatus::Failed,
            passages: 0,
            version: None,
            content_hash: slip.content_hash,
            error: Some(problem.outcome()),
            warnings: Vec::new(),
        };
        Written { outcome, problem: Some(problem) }
    }
}

fn stored(slip: Slip, receipt: &WriteReceipt, warnings: Vec<String>) -> Written {
    let (status, name) = match receipt.status {
        Stored::Created => (WriteStatus::Created, "created"),
        Stored::Updated => (WriteStatus::Updated, "updated"),
        Stored::Unchanged => (WriteStatus::Unchanged, "unchanged"),
    };
    metrics::counter!("ingest_documents_total", "status" => name).increment(1);
    let outcome = WriteOutcome {
        document_id: slip.document_id,
        status,
        passages: receipt.passages,
        version: Some(receipt.version.to_string()),
        content_hash: slip.content_hash,
        error: None,
        warnings,
    };
    Written { outcome, problem: None }
}

fn twice() -> Problem {
    Problem::field("/document_id", "this id is in the batch twice: the first one counts")
}
