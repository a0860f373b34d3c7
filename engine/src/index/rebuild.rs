//! Building the indexes from the store at boot: every head as it is now, then the change log from before the first read.

use coditect_store::RangeQuery;

use super::collection::CollectionIndex;
use super::load;
use super::registry::Indexes;
use crate::documents::Context;
use crate::documents::collections::{self, Named};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionId, DocumentId, TenantId, Version};
use crate::storage::parts::after;

/// Fills `indexes`. Answers the version from which the change log must be followed.
pub(super) async fn rebuild(context: &Context, indexes: &Indexes) -> Result<Version> {
    let from = context.store.run(|tx| async move { Ok::<_, Error>(tx.read_version().await?) }).await?;
    let from = Version::of_read(from);
    for (tenant, Named { name, head }) in collections::list_all(context).await? {
        let id = head.id;
        indexes.add(&tenant, &name, CollectionIndex::new(head, context.scratch.clone())?);
        fill(context, indexes, &tenant, id, from).await?;
    }
    Ok(from)
}

async fn fill(
    context: &Context,
    indexes: &Indexes,
    tenant: &TenantId,
    collection: CollectionId,
    version: Version,
) -> Result<()> {
    let Some(index) = indexes.by_id(collection) else { return Ok(()) };
    let space = context.keys.tenant(tenant).heads(collection);
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
        let batch = load::load(context, tenant, &index, ids.collect::<Result<_>>()?).await?;
        super::follow::apply_blocking(&index, batch, version).await?;
        match page.items.last() {
            Some(last) if page.more => begin = after(&last.key),
            _ => return Ok(()),
        }
    }
}
