//! How far the backup is, and whether a restore is under way: records in the store.

use coditect_store::{Term, Transaction};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::documents::Context;
use crate::error::{Error, Result};
use crate::model::{CollectionName, DocumentId, TenantId, Version};
use crate::storage::record;

use super::place;

/// How far the backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The name that the bucket's marker has to say.
    pub(crate) store: Uuid,
    /// The bucket's URL.
    pub(crate) bucket: String,
    pub(crate) progress: Progress,
    /// When it was last written down.
    pub(crate) at: Timestamp,
    /// When history was last pruned.
    pub(crate) pruned_at: Timestamp,
}

/// What is in the bucket already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Progress {
    /// Everything is being brought there, in order.
    Copying {
        /// No change before it needs to be followed when all are there.
        from: Version,
        /// The last document that is there.
        after: Option<(TenantId, CollectionName, DocumentId)>,
    },
    /// No change up to this version is missing.
    Following { through: Version },
}

/// A restore that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restoring {
    /// Where from.
    pub(crate) bucket: String,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) at: Option<Version>,
    /// What was to be written over is gone.
    pub(crate) is_cleared: bool,
}

/// The bucket's side.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    format: u32,
    store: Uuid,
}

impl State {
    /// For a store whose backup begins, in this bucket.
    pub(super) fn new(context: &Context, bucket: &Bucket, progress: Progress) -> Self {
        let at = context.clock.now();
        Self { store: context.clock.uuid(), bucket: bucket.url().to_owned(), progress, at, pruned_at: at }
    }
}

/// How far the backup is; `None` when there is none yet.
pub(crate) async fn read(context: &Context) -> Result<Option<State>> {
    let key = &context.keys.backup();
    let value = context.store.run(|tx| async move { Ok::<_, Error>(tx.snapshot().get(key).await?) }).await?;
    value.map(|value| record::decode(&value, "the state of the backup")).transpose()
}

/// Writes down how far it is, if the term lasts.
pub(super) async fn save(context: &Context, term: &Term, state: &State) -> Result<()> {
    let (key, value) = (&context.keys.backup(), &record::encode(state)?);
    let write = |tx: Transaction| async move {
        term.fence(&tx).await?;
        tx.set(key, value);
        Ok(())
    };
    context.store.run(write).await
}

/// Makes the bucket this store's, unless it is another's.
///
/// # Errors
/// `Conflict` when another store's backup is in it.
pub(super) async fn claim(bucket: &Bucket, store: Uuid) -> Result<()> {
    let Some(bytes) = bucket.get(place::MARKER).await? else { return mark(bucket, store).await };
    let marker: Marker = serde_json::from_slice(&bytes)
        .map_err(|error| Error::corrupt(format!("decode {} in {}", place::MARKER, bucket.url())).caused_by(error))?;
    if marker.store == store {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "{} holds the backup of another store ({}): name another bucket or prefix for this one, or restore from it",
        bucket.url(),
        marker.store
    )))
}

/// Makes the bucket this store's, whosever it was.
pub(super) async fn mark(bucket: &Bucket, store: Uuid) -> Result<()> {
    let marker = serde_json::to_vec(&Marker { format: super::object::FORMAT, store });
    let marker = marker.map_err(|error| Error::internal("encode the backup's marker").caused_by(error))?;
    bucket.put(place::MARKER, marker.into()).await
}
