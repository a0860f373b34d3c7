//! Reading a document's state, text and passages back from the store.

use coditect_store::Transaction;

use super::passages::{self, IndexedPassage};
use super::{Context, collections};
use crate::error::{Error, Result};
use crate::model::{CollectionId, CollectionName, DocumentHead, DocumentId, StoredDocument, Version};
use crate::storage::{TenantKeys, parts, record};

/// Reads a document's record with its version.
pub(crate) async fn head(
    tx: &Transaction,
    keys: &TenantKeys,
    collection: CollectionId,
    document: &DocumentId,
) -> Result<Option<(DocumentHead, Version)>> {
    let Some(value) = tx.get(&keys.head(collection, document)).await? else { return Ok(None) };
    record::decode_stamped(&value, "a document's record").map(Some)
}

/// A document's record by names, with its collection.
pub(crate) async fn find(
    context: &Context,
    keys: &TenantKeys,
    collection: &CollectionName,
    document: &DocumentId,
) -> Result<Option<(CollectionId, StoredDocument)>> {
    context
        .store
        .run(|tx| async move {
            let Some(found) = collections::get(&tx, keys, collection).await? else { return Ok(None) };
            let head = head(&tx, keys, found.id, document).await?;
            Ok::<_, Error>(
                head.map(|(head, version)| (found.id, StoredDocument { id: document.clone(), head, version })),
            )
        })
        .await
}

/// A document's whole source text. `None` when the document was replaced meanwhile and cleaned up.
pub(crate) async fn text(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    head: &DocumentHead,
) -> Result<Option<String>> {
    let space = &keys.text(collection, head.generation);
    let bytes = context.store.run(|tx| async move { parts::get(&tx.snapshot(), space).await }).await?;
    bytes.map(|bytes| parts::text(bytes, "a document's text")).transpose()
}

/// A document's passages, without their vectors.
pub(crate) async fn passages(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    head: &DocumentHead,
) -> Result<Vec<IndexedPassage>> {
    passages::all(context, keys, collection, head.generation).await
}
