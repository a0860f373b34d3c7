//! Reading a document's state, text and passages back from the store.

use std::collections::HashMap;

use coditect_store::Transaction;
use coditect_store::tuple::Subspace;

use super::passages::{self, IndexedPassage};
use super::{Context, codes, collections};
use crate::error::{Error, Result};
use crate::model::{CollectionId, CollectionName, DocumentHead, DocumentId, StoredDocument, TokenCodes, Version};
use crate::storage::{TenantKeys, parts, record};

/// The document whose record in `heads` has this key.
pub(crate) fn id_of(heads: &Subspace, key: &[u8]) -> Result<DocumentId> {
    let id: String = heads.unpack(key).map_err(|error| Error::corrupt("decode a document's key").caused_by(error))?;
    DocumentId::new(id)
}

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

/// All of a document, of one version.
pub(crate) struct Whole {
    pub(crate) head: DocumentHead,
    pub(crate) version: Version,
    pub(crate) passages: Vec<IndexedPassage>,
    /// By the ordinals of their passages.
    pub(crate) codes: HashMap<u32, TokenCodes>,
}

/// How often a document is read again when it is replaced and cleaned up while it is read.
const ATTEMPTS: usize = 8;

/// A document's newest state with its passages, vectors and, where the collection holds them, token codes.
pub(crate) async fn whole(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    has_codes: bool,
    document: &DocumentId,
) -> Result<Option<Whole>> {
    for _ in 0..ATTEMPTS {
        let head = context.store.run(|tx| async move { head(&tx, keys, collection, document).await }).await?;
        let Some((head, version)) = head else { return Ok(None) };
        let passages = passages::all(context, keys, collection, head.generation).await?;
        let codes = match has_codes {
            true => codes::all(context, keys, collection, head.generation).await?,
            false => HashMap::new(),
        };
        if passages.len() == head.passages as usize {
            return Ok(Some(Whole { head, version, passages, codes }));
        }
    }
    Err(Error::corrupt(format!("document {document} has fewer passages than its record says")))
}

/// The same, with the source text.
pub(crate) async fn whole_with_text(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    has_codes: bool,
    document: &DocumentId,
) -> Result<Option<(Whole, String)>> {
    for _ in 0..ATTEMPTS {
        let Some(whole) = whole(context, keys, collection, has_codes, document).await? else { return Ok(None) };
        if let Some(text) = text(context, keys, collection, &whole.head).await? {
            return Ok(Some((whole, text)));
        }
    }
    Err(Error::corrupt(format!("document {document} has no text")))
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
