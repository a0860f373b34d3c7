//! Reading the newest state of documents from the store, as the indexes take it.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::collection::CollectionIndex;
use crate::documents::passages::IndexedPassage;
use crate::documents::{Context, codes, passages, read};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{DocumentHead, DocumentId, TenantId, TokenCodes, Version};

/// How many documents are read at once.
const CONCURRENT: usize = 8;
/// How often a document is read again when it is replaced and cleaned up while it is read.
const ATTEMPTS: usize = 8;

/// A document's newest state; `None` when it is not there.
pub(crate) struct Loaded {
    pub(super) id: DocumentId,
    pub(super) state: Option<State>,
}

/// A document that is there.
pub(super) struct State {
    pub(super) head: DocumentHead,
    pub(super) version: Version,
    pub(super) passages: Vec<IndexedPassage>,
    pub(super) codes: HashMap<u32, TokenCodes>,
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
) -> Result<Option<State>> {
    let collection = index.id;
    let keys = &context.keys.tenant(tenant);
    for _ in 0..ATTEMPTS {
        let head = context.store.run(|tx| async move { read::head(&tx, keys, collection, id).await }).await?;
        let Some((head, version)) = head else { return Ok(None) };
        let passages = passages::all(context, keys, collection, head.generation).await?;
        let codes = match index.head.tokens {
            Some(_) => codes::all(context, keys, collection, head.generation).await?,
            None => HashMap::new(),
        };
        if passages.len() == head.passages as usize {
            return Ok(Some(State { head, version, passages, codes }));
        }
    }
    Err(Error::corrupt(format!("document {id} has fewer passages than its record says")))
}
