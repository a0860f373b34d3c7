//! Reading the newest state of documents from the store, as the indexes take it.

use futures::{StreamExt, TryStreamExt, stream};

use super::collection::CollectionIndex;
use crate::documents::Context;
use crate::documents::read::{self, Whole};
use crate::error::{ErrorKind, Result};
use crate::model::{DocumentId, TenantId};

/// How many documents are read at once.
const CONCURRENT: usize = 8;

/// A document's newest state; `None` when it is not there.
pub(crate) struct Loaded {
    pub(super) id: DocumentId,
    pub(super) state: Option<Whole>,
}

/// Loads documents of one collection. One that cannot be decoded is reported and left out: it never blocks the others.
pub(crate) async fn load(
    context: &Context,
    tenant: &TenantId,
    index: &CollectionIndex,
    documents: Vec<DocumentId>,
) -> Result<Vec<Loaded>> {
    let loads = documents.into_iter().map(|id| async move {
        match load_one(context, tenant, index, &id).await {
            Ok(state) => Ok(Some(Loaded { id, state })),
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                metrics::counter!("engine_documents_corrupt_total").increment(1);
                tracing::error!(%tenant, document = %id, %error, "a document cannot be read and is left out of the indexes");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    });
    let loaded: Vec<Option<Loaded>> = stream::iter(loads).buffered(CONCURRENT).try_collect().await?;
    Ok(loaded.into_iter().flatten().collect())
}

async fn load_one(
    context: &Context,
    tenant: &TenantId,
    index: &CollectionIndex,
    id: &DocumentId,
) -> Result<Option<Whole>> {
    let keys = context.keys.tenant(tenant);
    read::whole(context, &keys, index.id, index.head.tokens.is_some(), id).await
}
