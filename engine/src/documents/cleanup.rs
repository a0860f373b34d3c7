//! Clean-up of what is no longer visible: replaced generations, dropped collections, abandoned staging.
//!
//! A retired generation stays readable for a grace period, so that a search that found it can still read its text.

use std::time::Duration;

use coditect_store::{AtomicOp, RangeQuery, RunOptions, Term, Transaction};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Context, read};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionId, DocumentId, Generation, TenantId};
use crate::storage::keys::stamped;
use crate::storage::{Keys, record};

/// A note that something may be cleared after its grace period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retired {
    pub(crate) tenant: TenantId,
    pub(crate) target: Target,
    pub(crate) at: Timestamp,
}

/// What may be cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Target {
    /// The passages and text of one generation.
    Generation { collection: CollectionId, generation: Generation },
    /// Everything of a collection.
    Collection { collection: CollectionId },
}

/// A note that a generation is being staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staged {
    pub(crate) tenant: TenantId,
    pub(crate) collection: CollectionId,
    pub(crate) document: DocumentId,
    pub(crate) at: Timestamp,
}

/// Queues `retired` in the commit of `tx`; `order` tells several notes of one commit apart.
pub(crate) fn retire(tx: &Transaction, keys: &Keys, retired: &Retired, order: u16) -> Result<()> {
    let value = record::encode(retired)?;
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(&keys.retired(), order), &value);
    Ok(())
}

/// Whether something is past its grace.
pub(crate) async fn is_due(context: &Context, retired_grace: Duration) -> Result<bool> {
    let now = context.clock.now();
    let (retired, staged) = (&context.keys.retired().range(), &context.keys.staged().range());
    context
        .store
        .run(|tx| async move {
            let first = |(begin, end): &(Vec<u8>, Vec<u8>), limit| {
                let mut query = RangeQuery::from((begin.clone(), end.clone()));
                query.limit = limit;
                query
            };
            for item in tx.snapshot().get_range(first(retired, 1)).await?.items {
                let retired: Retired = record::decode(&item.value, "a clean-up note")?;
                if past(now, retired.at, retired_grace) {
                    return Ok::<_, Error>(true);
                }
            }
            for item in tx.snapshot().get_range(first(staged, limits::CLEANUP_BATCH)).await?.items {
                let staged: Staged = record::decode(&item.value, "a staging note")?;
                if past(now, staged.at, limits::STAGED_GRACE) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
}

/// One round: clears what is past its grace. Answers how many were cleared.
///
/// Safe after an unknown result: clearing again does nothing.
pub(crate) async fn round(context: &Context, term: &Term, retired_grace: Duration) -> Result<usize> {
    let mut cleared = 0;
    loop {
        let some = clear_retired(context, term, retired_grace).await?;
        cleared += some + clear_abandoned(context, term, limits::STAGED_GRACE).await?;
        if some < limits::CLEANUP_BATCH {
            return Ok(cleared);
        }
    }
}

fn past(now: Timestamp, at: Timestamp, grace: Duration) -> bool {
    now.duration_since(at) >= SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX)
}

async fn clear_retired(context: &Context, term: &Term, grace: Duration) -> Result<usize> {
    let (begin, end) = &context.keys.retired().range();
    let now = context.clock.now();
    let mut query = RangeQuery::from((begin.clone(), end.clone()));
    query.limit = limits::CLEANUP_BATCH;
    let query = &query;
    context
        .store
        .run_with(RunOptions::background("cleanup"), |tx| async move {
            term.fence(&tx).await?;
            let page = tx.get_range(query.clone()).await?;
            let mut cleared = 0;
            for item in &page.items {
                let retired: Retired = record::decode(&item.value, "a clean-up note")?;
                if !past(now, retired.at, grace) {
                    break;
                }
                clear(&tx, &context.keys, &retired);
                tx.clear(&item.key);
                cleared += 1;
            }
            Ok::<_, Error>(cleared)
        })
        .await
}

fn clear(tx: &Transaction, keys: &Keys, retired: &Retired) {
    let keys = keys.tenant(&retired.tenant);
    let spaces = match retired.target {
        Target::Generation { collection, generation } => keys.of_generation(collection, generation).to_vec(),
        Target::Collection { collection } => keys.everything_of(collection).to_vec(),
    };
    for space in spaces {
        let (begin, end) = space.range();
        tx.clear_range(&begin, &end);
    }
}

async fn clear_abandoned(context: &Context, term: &Term, grace: Duration) -> Result<usize> {
    let space = &context.keys.staged();
    let now = context.clock.now();
    context
        .store
        .run_with(RunOptions::background("cleanup"), |tx| async move {
            term.fence(&tx).await?;
            let (begin, end) = space.range();
            let mut query = RangeQuery::from((begin, end));
            query.limit = limits::CLEANUP_BATCH;
            let mut cleared = 0;
            for item in &tx.get_range(query).await?.items {
                let staged: Staged = record::decode(&item.value, "a staging note")?;
                if !past(now, staged.at, grace) {
                    continue;
                }
                let generation: uuid::Uuid = space
                    .unpack(&item.key)
                    .map_err(|error| Error::corrupt("decode a staging note's key").caused_by(error))?;
                sweep(&tx, context, &staged, Generation(generation)).await?;
                tx.clear(&item.key);
                cleared += 1;
            }
            Ok::<_, Error>(cleared)
        })
        .await
}

/// Clears a staged generation unless it is the visible one.
async fn sweep(tx: &Transaction, context: &Context, staged: &Staged, generation: Generation) -> Result<()> {
    let keys = context.keys.tenant(&staged.tenant);
    let head = read::head(tx, &keys, staged.collection, &staged.document).await?;
    if head.is_some_and(|(head, _)| head.generation == generation) {
        return Ok(());
    }
    let target = Target::Generation { collection: staged.collection, generation };
    clear(tx, &context.keys, &Retired { tenant: staged.tenant.clone(), target, at: staged.at });
    Ok(())
}
