//! Building the indexes, at boot and when the change log no longer reaches back to where this process stands: each collection from its newest good
//! snapshot, or from the store, every head as it is now; then the change log from before the first of them.

use std::collections::HashSet;
use std::sync::Arc;

use super::collection::CollectionIndex;
use super::load;
use super::registry::Indexes;
use crate::bucket::Bucket;
use crate::documents::collections::{self, Named};
use crate::documents::{Context, read};
use crate::error::{Result, chain};
use crate::limits;
use crate::model::{TenantId, Version};
use crate::snapshots;
use crate::storage::Scan;

/// Fills `indexes`. Answers the version from which the change log must be followed. Searches go on in indexes that are there until new ones are full.
pub(super) async fn rebuild(context: &Context, indexes: &Indexes, mut bucket: Option<&Bucket>) -> Result<Version> {
    let from = context.version().await?;
    let mut cursor = from;
    let mut there = HashSet::new();
    for (tenant, Named { name, head }) in collections::list_all(context).await? {
        there.insert(head.id);
        if indexes.by_id(head.id).is_none() {
            let empty = CollectionIndex::new(head.clone(), context.scratch.clone())?;
            indexes.put(&tenant, &name, Arc::new(empty));
        }
        let snapshot = match bucket {
            Some(from) => snapshots::newest(context, from, &head).await.unwrap_or_else(|error| {
                tracing::warn!(error = %chain(&error), "snapshots cannot be had: building from the documents");
                bucket = None;
                None
            }),
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
    let mut scan = Scan::of(&context.store, &space).in_pages_of(limits::REBUILD_BATCH);
    while let Some(heads) = scan.next().await? {
        let ids = heads.iter().map(|head| read::id_of(&space, &head.key));
        let batch = load::load(context, tenant, index, ids.collect::<Result<_>>()?).await?;
        super::follow::apply_blocking(index, batch, version).await?;
    }
    Ok(())
}
