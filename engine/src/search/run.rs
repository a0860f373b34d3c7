//! A search from request to answer.

use std::sync::Arc;
use std::time::Instant;

use futures::future::try_join_all;

use super::fold::{self, Folded};
use super::fuse::{self, Ranked};
use super::legs::{self, Target};
use super::request::{Mode, RerankMode, SearchRequest};
use super::rerank::{self, Weighted};
use super::results::{SearchResponse, SearchResult, Timings};
use crate::documents::{Context, collections, passages};
use crate::error::{Error, Result};
use crate::index::Indexes;
use crate::model::{CollectionHead, CollectionName, CollectionRef, Version};
use crate::reach::{Reach, Reached};
use crate::recall::Sampler;
use crate::storage::TenantKeys;
use crate::tokens::{WeightedQuery, find_evidence};

/// Searches the collections that `reach` has. `version` is what the indexes show at least.
pub(crate) async fn search(
    context: &Context,
    reach: &Reach,
    indexes: &Indexes,
    sampler: &Arc<Sampler>,
    version: Version,
    request: SearchRequest,
) -> Result<SearchResponse> {
    request.check()?;
    let targets = targets(context, reach, indexes, &request).await?;
    for target in &targets {
        check_embedder(&target.name, &target.index.head, &request)?;
    }
    let mut took = Timings::default();
    let mode = effective_mode(&request);
    let request = Arc::new(SearchRequest { mode, ..request });
    let ranking = rank(request.clone(), targets, sampler.clone(), &mut took).await?;
    let (reading, reranked) = (Instant::now(), ranking.reranked);
    let results = read(context, &request, ranking).await?;
    took.read = reading.elapsed();
    Ok(SearchResponse { results, version, mode, reranked, took })
}

/// A hybrid search with only a text or only a vector is a search of one leg.
fn effective_mode(request: &SearchRequest) -> Mode {
    match (request.mode, &request.query, &request.vector) {
        (Mode::Hybrid, Some(_), None) => Mode::Keyword,
        (Mode::Hybrid, None, Some(_)) => Mode::Vector,
        (mode, _, _) => mode,
    }
}

async fn targets(context: &Context, reach: &Reach, indexes: &Indexes, request: &SearchRequest) -> Result<Vec<Target>> {
    if request.collections.is_empty() {
        return Ok(reach.all(indexes).into_iter().map(Target::from).collect());
    }
    let mut targets: Vec<Target> = Vec::with_capacity(request.collections.len());
    for name in &request.collections {
        if targets.iter().any(|target| target.name == *name) {
            continue;
        }
        let keys = reach.keys_of(name)?;
        match indexes.get(keys.tenant(), name.name()) {
            Some(index) => targets.push(Target::from(Reached { name: name.clone(), keys: keys.clone(), index })),
            // A collection that is in the store and not yet in the indexes is empty, not unknown.
            None => check_embedder(name, &head(context, keys, name.name()).await?, request)?,
        }
    }
    Ok(targets)
}

impl From<Reached> for Target {
    fn from(reached: Reached) -> Self {
        let Reached { name, keys, index } = reached;
        Self { view: index.view(), name, keys, index }
    }
}

async fn head(context: &Context, keys: &TenantKeys, name: &CollectionName) -> Result<CollectionHead> {
    context.store.run(|tx| async move { collections::expect(&tx, keys, name).await }).await
}

/// Refuses a vector that was not made as the collection's are.
fn check_embedder(name: &CollectionRef, head: &CollectionHead, request: &SearchRequest) -> Result<()> {
    let Some(vector) = request.vector.as_ref().filter(|_| request.mode != Mode::Keyword) else { return Ok(()) };
    let dimension = head.embedder.dimension;
    match &vector.embedder {
        Some(embedder) => collections::check_embedder(name.name(), head, embedder),
        None if vector.values.len() != dimension as usize => Err(Error::invalid(
            "/vector",
            format!("{} numbers, collection {name} has {dimension} dimensions", vector.values.len()),
        )),
        None => Ok(()),
    }
}

/// What is to be answered, and what it takes to read it.
struct Ranking {
    targets: Vec<Target>,
    folded: Vec<Folded>,
    weighted: Weighted,
    reranked: usize,
}

/// Runs the legs of all targets and ranks what they found, on a thread where blocking is allowed.
async fn rank(
    request: Arc<SearchRequest>,
    targets: Vec<Target>,
    sampler: Arc<Sampler>,
    took: &mut Timings,
) -> Result<Ranking> {
    let work = move || {
        let started = Instant::now();
        let (mut candidates, mut profiles) = (Vec::new(), Vec::with_capacity(targets.len()));
        for (position, target) in targets.iter().enumerate() {
            let found = legs::run(&request, target, position, &sampler)?;
            candidates.extend(found.candidates);
            profiles.push(found.profile);
        }
        let mut took = Timings { legs: started.elapsed(), ..Timings::default() };
        let mut ranked: Vec<Ranked> = fuse::fuse(request.mode, &candidates, &profiles);
        let late = Instant::now();
        let weighted = rerank::weighted(&request, &targets);
        let reranked = match request.mode {
            Mode::Hybrid if request.rerank.mode != RerankMode::Off => {
                rerank::rerank(&request, &targets, &weighted, &mut ranked)
            }
            _ => 0,
        };
        took.late = late.elapsed();
        let folded = fold::fold(&targets, ranked, request.top_k, request.fold_copies);
        took.fuse = started.elapsed().saturating_sub(took.legs + took.late);
        Ok::<_, Error>((Ranking { targets, folded, weighted, reranked }, took))
    };
    let joined = tokio::task::spawn_blocking(work).await;
    let (ranking, times) = joined.map_err(|error| Error::internal("search the indexes").caused_by(error))??;
    *took = times;
    Ok(ranking)
}

async fn read(context: &Context, request: &SearchRequest, ranking: Ranking) -> Result<Vec<SearchResult>> {
    let Ranking { targets, folded, weighted, .. } = ranking;
    let (targets, weighted) = (&targets, &weighted);
    let reads = folded.into_iter().map(|folded| async move {
        let target = &targets[folded.ranked.candidate.target];
        let (keys, id, generation) = (&target.keys, target.index.id, folded.entry.document.head.generation);
        let ordinal = folded.entry.ordinal;
        let passage =
            context.store.run(|tx| async move { passages::get(&tx, keys, id, generation, ordinal).await }).await?;
        if passage.is_none() {
            // Replaced so long ago that it was cleaned up: the search took longer than the grace period.
            metrics::counter!("search_passages_gone_total").increment(1);
        }
        Ok::<_, Error>(passage.map(|passage| {
            let query = weighted[folded.ranked.candidate.target].as_ref();
            result(request, target, query, folded, passage)
        }))
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

fn result(
    request: &SearchRequest,
    target: &Target,
    weighted: Option<&WeightedQuery>,
    folded: Folded,
    passage: crate::model::Passage,
) -> SearchResult {
    let document = &folded.entry.document;
    let query = request.query.as_deref();
    let highlights = query.map_or_else(Vec::new, |query| target.index.keywords().highlights(query, &passage.text));
    let codes = || target.index.tokens().get(folded.ranked.candidate.slot);
    let evidence = weighted.and_then(|query| Some(find_evidence(query, &codes()?, &passage.text)));
    SearchResult {
        evidence: evidence.unwrap_or_default(),
        score: folded.ranked.score,
        collection: target.name.clone(),
        document: document.id.clone(),
        head: document.head.clone(),
        metadata: document.metadata.clone(),
        version: document.version,
        ordinal: folded.entry.ordinal,
        passage,
        highlights,
        also_in: folded.also_in,
        explanation: request.explain.then_some(folded.ranked.explanation),
    }
}
