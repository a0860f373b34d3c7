//! The change log: one entry per change, keyed by the versionstamp of its commit. It is the only way into the indexes.
//!
//! Old entries are taken off its front ([`trim`]): who is behind that starts from the documents themselves.

mod attempts;
mod observer;
pub(crate) mod trim;

pub(crate) use attempts::Attempts;
pub use observer::{Noted, Observer};

use coditect_store::tuple::Versionstamp;
use coditect_store::{AtomicOp, KeyValue, RangeQuery, Store, Transaction};
use serde::{Deserialize, Serialize};

use super::Context;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionId, CollectionName, DocumentId, Generation, TenantId, Version};
use crate::storage::Keys;
use crate::storage::keys::stamped;
use crate::storage::record;

/// What a commit changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogEntry {
    pub(crate) tenant: TenantId,
    pub(crate) collection: CollectionId,
    pub(crate) change: Change,
}

/// The kinds of change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The collection came into being under this name.
    Created { name: CollectionName },
    /// The collection's record says something else.
    Altered { name: CollectionName },
    /// The collection is gone with all it held.
    Dropped { name: CollectionName },
    /// The document's head now names this generation.
    Put { document: DocumentId, generation: Generation },
    /// The document is gone.
    Deleted { document: DocumentId },
}

/// A piece of the log in order.
#[derive(Debug)]
pub(crate) struct LogPage {
    pub(crate) entries: Vec<(Version, LogEntry)>,
    /// Every change up to and including this version is in `entries` or before them.
    pub(crate) through: Version,
    /// More entries were there to read.
    pub(crate) more: bool,
}

/// Appends an entry to the log in the same commit as the change itself, and wakes the followers. `name` is the collection's.
pub(crate) fn append(
    tx: &Transaction,
    context: &Context,
    tenant: &TenantId,
    (name, collection): (&CollectionName, CollectionId),
    change: Change,
) -> Result<()> {
    let keys = &context.keys;
    if let Some(observer) = &context.observer {
        observer.note(tx, name, &change)?;
    }
    let value = record::encode(&LogEntry { tenant: tenant.clone(), collection, change })?;
    tx.atomic(AtomicOp::SetVersionstampedKey, &stamped(&keys.log(), 0), &value);
    let mut tail = vec![0xff; 10];
    tail.extend_from_slice(&0u32.to_le_bytes());
    tx.atomic(AtomicOp::SetVersionstampedValue, &keys.tail(), &tail);
    Ok(())
}

/// The version of the newest entry that `tx` sees.
pub(crate) async fn tail(tx: &Transaction, keys: &Keys) -> Result<Version> {
    version_at(tx, &keys.tail()).await
}

/// The version at `key`; zero when there is none.
async fn version_at(tx: &Transaction, key: &[u8]) -> Result<Version> {
    match tx.snapshot().get(key).await? {
        None => Ok(Version::ZERO),
        Some(value) => <[u8; 10]>::try_from(value.as_ref())
            .map(Version::from_bytes)
            .map_err(|error| Error::corrupt("decode a version of the change log").caused_by(error)),
    }
}

/// The version up to which entries are gone.
pub(crate) async fn trimmed(context: &Context) -> Result<Version> {
    context.store.run(|tx| async move { version_at(&tx, &context.keys.trimmed()).await }).await
}

/// Reads the entries behind `cursor`; `None` when some of them are no longer there.
pub(crate) async fn read(store: &Store, keys: &Keys, cursor: Version) -> Result<Option<LogPage>> {
    store
        .run(|tx| async move {
            if version_at(&tx, &keys.trimmed()).await? > cursor {
                return Ok(None);
            }
            read_in(&tx, keys, cursor).await.map(Some)
        })
        .await
}

async fn read_in(tx: &Transaction, keys: &Keys, cursor: Version) -> Result<LogPage> {
    let space = keys.log();
    let begin = space.pack(&Versionstamp::complete(*cursor.as_bytes(), u16::MAX));
    let mut query = RangeQuery::from((begin, space.range().1));
    query.limit = limits::LOG_BATCH;
    let read_version = tx.read_version().await?;
    let page = tx.snapshot().get_range(query).await?;
    let mut entries = Vec::with_capacity(page.items.len());
    for item in &page.items {
        entries.push(decoded(keys, item)?);
    }
    let through = match entries.last() {
        Some((last, _)) if page.more => *last,
        _ => Version::of_read(read_version).max(cursor),
    };
    Ok(LogPage { entries, through, more: page.more })
}

fn decoded(keys: &Keys, item: &KeyValue) -> Result<(Version, LogEntry)> {
    let stamp: Versionstamp = keys
        .log()
        .unpack(&item.key)
        .map_err(|error| Error::corrupt("decode a key of the change log").caused_by(error))?;
    let mut version = [0; 10];
    version.copy_from_slice(&stamp.as_bytes()[..10]);
    Ok((Version::from_bytes(version), record::decode(&item.value, "an entry of the change log")?))
}
