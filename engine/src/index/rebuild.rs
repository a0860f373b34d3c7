//! Building the indexes, at boot and when the change log no longer reaches back to where this process stands: each collection from its newest good
//! snapshot, or from the store, every head as it is now; then the change log from before the first of them.

use std::collections::HashSet;
use std::sync::Arc;

use coditect_store::RangeQuery;

use super::collection::CollectionIndex;
use super::load;
use super::registry::Indexes;
use crate::bucket::Bucket;
use crate::documents::Context;
use crate::documents::collections::{self, Named};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{DocumentId, TenantId, Version};
use crate::snapshots;
use crate::storage::parts::after;

/// Fills `indexes`. Answers the version from which the change log must be followed. Searches go on in indexes that are there until new ones are full.
pub(super) async fn rebuild(context: &Context, indexes: &Indexes, bucket: Option<&Bucket>) -> Result<Version> {
    let from = context.store.run(|tx| async move { Ok::<_, Error>(tx.read_version().await?) }).await?;
    let from = Version::of_read(from);
    let mut cursor = from;
    let mut there = HashSet::new();
    for (tenant, Named { name, head }) in collections::list_all(context).await? {
        there.insert(head.id);
        if indexes.by_id(head.id).is_none() {
            let empty = CollectionIndex::new(head.clone(), context.scratch.clone())?;
            indexes.put(&tenant, &name, Arc::new(empty));
        }
        let snapshot = match bucket {
            Some(bucket) => snapshots::newest(context, bucket, &head).await?,
            None => None,
        };
        if let Some((index, through)) = snapshot {
            cursor = cursor.min(through);
            indexes.put(&tenant, &name, Arc::new(index));
            continue;
        }
        let index = Arc::new(CollectionIndex::new(head, context.scratch.clone())?);
        fill(context, &index, &tenant, from).await?;
        indexes.put(&tenant, &name, index);
    }
    indexes.retain(&there);
    Ok(cursor)
}

async fn fill(context: &Context, index: &Arc<CollectionIndex>, tenant: &TenantId, version: Version) -> Result<()> {
    let space = context.keys.tenant(tenant).heads(index.id);
    let (mut begin, end) = space.range();
    loop {
        let (from, to) = (&begin, &end);
        let page = context
            .store
            .run(|tx| async move {
                let mut query = RangeQuery::from((from.clone(), to.clone()));
                query.limit = limits::REBUILD_BATCH;
                Ok::<_, Error>(tx.snapshot().get_range(query).await?)
            })
            .await?;
        let ids = page.items.iter().map(|item| {
            let id: String =
                space.unpack(&item.key).map_err(|error| Error::corrupt("decode a document's key").caused_by(error))?;
            DocumentId::new(id)
        });
        let batch = load::load(context, tenant, index, ids.collect::<Result<_>>()?).await?;
        super::follow::apply_blocking(index, batch, version).await?;
        match page.items.last() {
            Some(last) if page.more => begin = after(&last.key),
            _ => return Ok(()),
        }
    }
}
