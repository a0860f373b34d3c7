//! Collections: make, look up, change, list, and drop.

use coditect_store::{AtomicOp, RangeQuery, Transaction};
use parking_lot::Mutex;
use uuid::Uuid;

use super::Context;
use super::cleanup::{self, Retired, Target};
use super::log::{self, Change, LogEntry};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{
    CollectionChange, CollectionHead, CollectionId, CollectionName, CollectionSpec, EmbedderInfo, TenantId, Version,
};
use crate::storage::keys::Counter;
use crate::storage::record;
use crate::storage::{Scan, TenantKeys};

/// A collection with its name.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: CollectionName,
    pub(crate) head: CollectionHead,
}

/// How much a collection holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) documents: u64,
    pub(crate) passages: u64,
}

/// Reads a collection's record, with a read conflict: whoever writes into it notices that it is dropped.
pub(crate) async fn get(tx: &Transaction, keys: &TenantKeys, name: &CollectionName) -> Result<Option<CollectionHead>> {
    let Some(value) = tx.get(&keys.collection(name)).await? else { return Ok(None) };
    record::decode(&value, "a collection's record").map(Some)
}

/// As [`get`]; a missing collection is an error that names it.
pub(crate) async fn expect(tx: &Transaction, keys: &TenantKeys, name: &CollectionName) -> Result<CollectionHead> {
    get(tx, keys, name).await?.ok_or_else(|| missing(name))
}

/// The error for a collection that is not there.
pub(crate) fn missing(name: &impl std::fmt::Display) -> Error {
    Error::not_found(format!("there is no collection named {name}"))
}

/// Refuses vectors of another embedder.
pub(crate) fn check_embedder(name: &CollectionName, head: &CollectionHead, embedder: &EmbedderInfo) -> Result<()> {
    if head.embedder.id == embedder.id {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "collection {name} was embedded with {} ({}, {} dimensions), this request uses {} ({}, {} dimensions): \
         configure that embedder, or write to a new collection",
        head.embedder.model, head.embedder.id, head.embedder.dimension, embedder.model, embedder.id, embedder.dimension
    )))
}

/// Makes the collection unless it is there; the flag says whether it was made.
pub(crate) async fn ensure(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    spec: &CollectionSpec,
) -> Result<(CollectionHead, bool)> {
    if spec.embedder.dimension == 0 || spec.embedder.dimension as usize > limits::DIMENSION {
        return Err(Error::invalid("/embedder", format!("a dimension is 1 to {}", limits::DIMENSION)));
    }
    spec.search.check()?;
    let new = &CollectionHead {
        id: CollectionId(Uuid::nil()),
        description: spec.description.clone(),
        embedder: spec.embedder.clone(),
        tokens: spec.tokens.clone(),
        quantization: spec.quantization,
        search: spec.search,
        created_at: context.clock.now(),
    };
    make(context, keys, name, new).await
}

/// Writes the record of a new collection unless one of its name is there; answers the one that is there, and whether it was made now. Its id is
/// not that of `new`, but one that no other has.
pub(crate) async fn make(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    new: &CollectionHead,
) -> Result<(CollectionHead, bool)> {
    let tried = &Mutex::new(Vec::new());
    context
        .store
        .run(|tx| async move {
            if let Some(head) = get(&tx, keys, name).await? {
                let created = tried.lock().contains(&head.id);
                check_embedder(name, &head, &new.embedder)?;
                return Ok((head, created));
            }
            // Each attempt has an id of its own: what an earlier one made, without learning of it, may have been dropped since, and that is still cleared by its id.
            let new = CollectionHead { id: CollectionId(context.clock.uuid()), ..new.clone() };
            tried.lock().push(new.id);
            tx.set(&keys.collection(name), &record::encode(&new)?);
            let change = Change::Created { name: name.clone() };
            log::append(&tx, context, keys.tenant(), (name, new.id), change)?;
            Ok((new, true))
        })
        .await
}

/// Changes what can be changed of a collection; answers its record from then on.
pub(crate) async fn alter(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    change: &CollectionChange,
) -> Result<CollectionHead> {
    context
        .store
        .run(|tx| async move {
            let mut head = expect(&tx, keys, name).await?;
            let search = change.search.applied(head.search);
            search.check()?;
            let description = change.description.as_ref().filter(|text| **text != head.description);
            if search == head.search && description.is_none() {
                return Ok(head);
            }
            head.search = search;
            head.description = description.cloned().unwrap_or(head.description);
            tx.set(&keys.collection(name), &record::encode(&head)?);
            let change = Change::Altered { name: name.clone() };
            log::append(&tx, context, keys.tenant(), (name, head.id), change)?;
            Ok(head)
        })
        .await
}

/// Drops the collection; its data is cleared in the background. `None` when there was none.
pub(crate) async fn drop_collection(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
) -> Result<Option<Version>> {
    let at = context.clock.now();
    let attempts = &log::Attempts::default();
    let is_ours = |collection: &CollectionId, entry: &LogEntry| {
        entry.collection == *collection && matches!(entry.change, Change::Dropped { .. })
    };
    let (version, stamp) = context
        .store
        .run(|tx| async move {
            if let Some((version, _)) = attempts.done(&tx, &context.keys, is_ours).await? {
                return Ok::<_, Error>((Some(version), None));
            }
            let Some(head) = get(&tx, keys, name).await? else { return Ok((None, None)) };
            tx.clear(&keys.collection(name));
            let target = Target::Collection { collection: head.id };
            cleanup::retire(&tx, &context.keys, &Retired { tenant: keys.tenant().clone(), target, at }, 0)?;
            let change = Change::Dropped { name: name.clone() };
            log::append(&tx, context, keys.tenant(), (name, head.id), change)?;
            attempts.try_to(&tx, head.id).await?;
            Ok((None, Some(tx.versionstamp())))
        })
        .await?;
    match stamp {
        Some(stamp) => Ok(Some(Version::from_bytes(stamp.await?))),
        None => Ok(version),
    }
}

/// A page of the tenant's collections in the order of their names, behind `after`.
pub(crate) async fn list(
    context: &Context,
    keys: &TenantKeys,
    after: Option<&CollectionName>,
    limit: usize,
) -> Result<(Vec<Named>, bool)> {
    let (first, end) = keys.collections().range();
    let begin = after.map_or(first, |name| crate::storage::parts::after(&keys.collection(name)));
    let (begin, end) = (&begin, &end);
    context
        .store
        .run(|tx| async move {
            let mut query = RangeQuery::from((begin.clone(), end.clone()));
            query.limit = limit;
            let page = tx.snapshot().get_range(query).await?;
            let mut collections = Vec::with_capacity(page.items.len());
            for item in &page.items {
                let name: String = unpack_name(keys.collections().unpack(&item.key))?;
                let head = record::decode(&item.value, "a collection's record")?;
                collections.push(Named { name: CollectionName::new(name)?, head });
            }
            Ok((collections, page.more))
        })
        .await
}

/// All of a tenant's collections.
pub(crate) async fn all_of(context: &Context, keys: &TenantKeys) -> Result<Vec<Named>> {
    let mut all: Vec<Named> = Vec::new();
    loop {
        let (some, more) = list(context, keys, all.last().map(|last| &last.name), limits::PAGE).await?;
        all.extend(some);
        if !more {
            return Ok(all);
        }
    }
}

/// Every collection of every tenant, for work that goes over all.
pub(crate) async fn list_all(context: &Context) -> Result<Vec<(TenantId, Named)>> {
    let space = context.keys.all_collections();
    let mut scan = Scan::of(&context.store, &space);
    let mut all = Vec::new();
    while let Some(items) = scan.next().await? {
        for item in &items {
            let (tenant, name): (String, String) = unpack_name(space.unpack(&item.key))?;
            let head = record::decode(&item.value, "a collection's record")?;
            all.push((TenantId::new(tenant)?, Named { name: CollectionName::new(name)?, head }));
        }
    }
    Ok(all)
}

fn unpack_name<T, E: std::error::Error + Send + Sync + 'static>(unpacked: Result<T, E>) -> Result<T> {
    unpacked.map_err(|error| Error::corrupt("decode a collection's key").caused_by(error))
}

/// Adds to a counter of the collection, without conflicts.
pub(crate) fn count(tx: &Transaction, keys: &TenantKeys, collection: CollectionId, counter: Counter, by: i64) {
    if by != 0 {
        tx.atomic(AtomicOp::Add, &keys.counter(collection, counter), &by.to_le_bytes());
    }
}

/// Reads both counters.
pub(crate) async fn counts(context: &Context, keys: &TenantKeys, collection: CollectionId) -> Result<Counts> {
    context.store.run(|tx| async move { counts_in(&tx, keys, collection).await }).await
}

/// Reads both counters at the transaction's version.
pub(crate) async fn counts_in(tx: &Transaction, keys: &TenantKeys, collection: CollectionId) -> Result<Counts> {
    let read = async |counter| {
        let value = tx.snapshot().get(&keys.counter(collection, counter)).await?;
        let bytes = value.and_then(|value| <[u8; 8]>::try_from(value.as_ref()).ok());
        Ok::<_, Error>(bytes.map_or(0, |bytes| u64::try_from(i64::from_le_bytes(bytes)).unwrap_or(0)))
    };
    Ok(Counts { documents: read(Counter::Documents).await?, passages: read(Counter::Passages).await? })
}
