//! The way of documents into the engine: check, compare, split, embed, write. Stages of one request overlap, requests share
//! the embedder's batches, and each document succeeds or fails on its own.

mod hash;
mod prepare;
mod stages;
mod vectors;

use std::collections::HashSet;
use std::sync::Arc;

use coditect_engine::Tenant;
use coditect_engine::model::{CollectionSpec, SearchSettings};
use coditect_engine::vector::Quantization;
use coditect_ingest::split::SplitOptions;
use coditect_ingest::wire::{DocumentInput, WriteOutcome};
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

pub(crate) use hash::{PipelineId, content_of};
use stages::Stages;
use vectors::Vectors;

use crate::limits;
use crate::models::Models;
use crate::problem::Problem;

/// Puts documents into the engine. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    stages: Arc<Stages>,
}

/// What became of a document.
#[derive(Debug, Clone)]
pub struct Written {
    /// The answer for it in a batch.
    pub outcome: WriteOutcome,
    /// Why it was not stored, if it was not.
    pub problem: Option<Problem>,
}

impl Pipeline {
    /// A pipeline with these models. Must be called within a tokio runtime.
    pub fn new(models: &Models, target_tokens: usize) -> Self {
        let (embedder, info, tokens) = (models.embedder(), models.vectors_info(), models.tokens_info());
        let max_tokens = embedder.max_tokens();
        let target_tokens = target_tokens.min(max_tokens);
        let options = SplitOptions { max_tokens, target_tokens, ..SplitOptions::default() };
        let splitters = std::thread::available_parallelism().map_or(1, usize::from);
        let stages = Stages {
            id: PipelineId::new(&info.id, tokens.as_ref().map(|it| it.id.as_str()), &options),
            spec: CollectionSpec {
                embedder: info,
                tokens,
                description: String::new(),
                quantization: Quantization::default(),
                search: SearchSettings::default(),
            },
            counter: embedder.counter(),
            vectors: Vectors::start(models.clone()),
            splitters: Arc::new(Semaphore::new(splitters)),
            options,
        };
        Self { stages: Arc::new(stages) }
    }

    /// What turns contents into passages here.
    pub fn id(&self) -> &PipelineId {
        &self.stages.id
    }

    /// Stores documents of a tenant and answers in their order. The first of several with the same id counts.
    pub async fn ingest(&self, tenant: &Tenant, documents: Vec<DocumentInput>) -> Vec<Written> {
        let stages = &*self.stages;
        let mut seen = HashSet::new();
        let marked: Vec<_> = documents
            .into_iter()
            .map(|input| (seen.insert((input.collection.clone(), input.document_id.clone())), input))
            .collect();
        let mut written: Vec<(usize, Written)> = stream::iter(marked.into_iter().enumerate())
            .map(|(position, (first, input))| stages.prepare(tenant, position, input, first))
            .buffered(limits::SPLIT_AHEAD)
            .map(|prepared| stages.embed(tenant, prepared))
            .buffer_unordered(limits::EMBED_AHEAD)
            .map(|embedded| stages.write(tenant, embedded))
            .buffer_unordered(limits::WRITES_AT_ONCE)
            .collect()
            .await;
        written.sort_unstable_by_key(|(position, _)| *position);
        written.into_iter().map(|(_, written)| written).collect()
    }
}
