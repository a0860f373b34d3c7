//! The two legs of a search over one collection, and the candidates they bring.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::request::{Mode, SearchRequest};
use crate::error::{Error, Result};
use crate::index::{CollectionIndex, View};
use crate::keyword::{self, Evaluation, QueryProfile};
use crate::limits;
use crate::model::CollectionRef;
use crate::recall::{Sample, Sampler};
use crate::storage::TenantKeys;
use crate::vector::{self, VectorError, VectorQuery};

/// A collection as one search sees it.
pub(super) struct Target {
    pub(super) name: CollectionRef,
    /// The keys of the tenant that it belongs to.
    pub(super) keys: TenantKeys,
    pub(super) index: Arc<CollectionIndex>,
    pub(super) view: Arc<View>,
}

/// A passage that a leg found. Ranks are from 1 within its collection until the collections are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// Position of the collection among the search's targets.
    pub(super) target: usize,
    pub(super) slot: u32,
    /// Ties go by this: slots are numbers of this process alone, this is the same on every replica and after every start.
    pub(super) order: u64,
    /// Whether its document is in a programming language.
    pub(super) is_code: bool,
    pub(super) cosine: Option<f32>,
    pub(super) bm25: Option<f32>,
    pub(super) vector_rank: Option<u32>,
    pub(super) keyword_rank: Option<u32>,
}

/// What one collection brings into the fusion.
pub(super) struct Found {
    pub(super) candidates: Vec<Candidate>,
    pub(super) profile: QueryProfile,
}

/// Runs the legs that the request wants. What `sampler` picks is checked later.
pub(super) fn run(request: &SearchRequest, target: &Target, position: usize, sampler: &Sampler) -> Result<Found> {
    let allowed = allowed(request, target);
    let depth = limits::LEG_DEPTH.max(request.top_k.saturating_mul(2));
    let (vector, keyword) =
        rayon::join(|| vector_leg(request, target, depth, allowed.as_ref(), sampler), || keyword_leg(request, target));
    let (vector, evaluation) = (vector?, keyword?);
    let mut keyword = evaluation.top(depth, allowed.as_ref());
    keyword.retain(|hit| target.view.live.contains(hit.slot));
    let mut candidates = merge(position, &vector, &keyword);
    target.index.with_code(|code| {
        candidates.iter_mut().for_each(|candidate| candidate.is_code = code.contains(candidate.slot));
    });
    let orders = target.index.orders(candidates.iter().map(|candidate| candidate.slot));
    candidates.iter_mut().zip(orders).for_each(|(candidate, order)| candidate.order = order);
    complete(request, target, &evaluation, &mut candidates)?;
    Ok(Found { candidates, profile: evaluation.profile().clone() })
}

/// The slots that may be found, unless any may. Slots that are no longer visible would take places in the legs.
fn allowed(request: &SearchRequest, target: &Target) -> Option<RoaringBitmap> {
    match &request.filter {
        Some(filter) => Some(target.index.allowed(&target.view, filter)),
        None if target.index.holds_only(&target.view) => None,
        None => Some(target.view.live.clone()),
    }
}

fn vector_leg(
    request: &SearchRequest,
    target: &Target,
    depth: usize,
    allowed: Option<&RoaringBitmap>,
    sampler: &Sampler,
) -> Result<Vec<vector::Hit>> {
    let Some(vector) = request.vector.as_ref().filter(|_| request.mode != Mode::Keyword) else { return Ok(Vec::new()) };
    let (vectors, effort) = (target.index.vectors(), target.index.effort());
    let present = effort.present();
    let ef = request.ef.unwrap_or_else(|| effort.ef(present, depth));
    let query = VectorQuery { allowed, exact: request.exact, ef: Some(ef), rescore: request.rescore };
    let mut hits = vectors.search(&vector.values, depth, &query).map_err(|error| refused(&error))?;
    hits.retain(|hit| target.view.live.contains(hit.slot));
    // A search that brings an effort of its own says nothing about the collection's.
    let is_usual = request.ef.is_none() && request.rescore.is_none();
    if is_usual && !request.exact && sampler.picks(effort) && !vectors.is_exact(depth, &query) {
        sampler.offer(effort, || Sample {
            index: target.index.clone(),
            view: target.view.clone(),
            vector: vector.values.clone(),
            allowed: request.filter.as_ref().and(allowed).cloned(),
            found: hits.clone(),
            effort: present,
        });
    }
    Ok(hits)
}

fn refused(error: &VectorError) -> Error {
    Error::invalid("/vector", error.to_string())
}

fn keyword_leg(request: &SearchRequest, target: &Target) -> Result<Evaluation> {
    let Some(query) = request.query.as_deref().filter(|_| request.mode != Mode::Vector) else {
        return Ok(Evaluation::default());
    };
    let internal = |error| Error::internal("search keywords").caused_by(error);
    target.index.keywords().evaluate(query).map_err(internal)
}

fn merge(target: usize, vector: &[vector::Hit], keyword: &[keyword::Hit]) -> Vec<Candidate> {
    let mut by_slot: HashMap<u32, usize> = HashMap::with_capacity(vector.len() + keyword.len());
    let mut candidates: Vec<Candidate> = Vec::with_capacity(vector.len() + keyword.len());
    let mut at = |candidates: &mut Vec<Candidate>, slot| {
        *by_slot.entry(slot).or_insert_with(|| {
            let none = (None, None, None, None);
            let (cosine, bm25, vector_rank, keyword_rank) = none;
            let (order, is_code) = (0, false);
            candidates.push(Candidate { target, slot, order, is_code, cosine, bm25, vector_rank, keyword_rank });
            candidates.len() - 1
        })
    };
    for (rank, hit) in (1..).zip(vector) {
        let place = at(&mut candidates, hit.slot);
        candidates[place].cosine = Some(hit.score);
        candidates[place].vector_rank = Some(rank);
    }
    for (rank, hit) in (1..).zip(keyword) {
        let place = at(&mut candidates, hit.slot);
        candidates[place].bm25 = Some(hit.score);
        candidates[place].keyword_rank = Some(rank);
    }
    candidates
}

/// Gives candidates of a hybrid search the score of the leg that did not find them: it is cheap, and fusion need not guess.
fn complete(
    request: &SearchRequest,
    target: &Target,
    evaluation: &Evaluation,
    candidates: &mut [Candidate],
) -> Result<()> {
    let Some(vector) = request.vector.as_ref().filter(|_| request.mode == Mode::Hybrid) else { return Ok(()) };
    let slots: Vec<u32> = candidates.iter().map(|candidate| candidate.slot).collect();
    let cosines = target.index.vectors().similarities(&vector.values, &slots).map_err(|error| refused(&error))?;
    let scores = evaluation.scores(&slots);
    for ((candidate, cosine), bm25) in candidates.iter_mut().zip(cosines).zip(scores) {
        candidate.cosine = cosine;
        candidate.bm25 = bm25;
    }
    Ok(())
}
