//! Listing a collection's documents, and those whose last write failed, page by page in the order of their ids.

use coditect_store::RangeQuery;

use super::{Context, collections, read};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionName, DocumentId, DocumentState, Failure, StoredDocument};
use crate::storage::{TenantKeys, parts, record};

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Only ids behind this one.
    pub after: Option<DocumentId>,
    /// Only ids with this prefix.
    pub prefix: String,
    /// At most this many, 1 to [`limits::PAGE`].
    pub limit: usize,
    /// Stored documents, or failures.
    pub state: DocumentState,
}

/// An entry of a listing.
#[derive(Debug, Clone)]
pub enum Listed {
    /// A stored document.
    Stored(Box<StoredDocument>),
    /// A document whose last write failed.
    Failed {
        /// Its id.
        id: DocumentId,
        /// Why.
        failure: Failure,
    },
}

/// A page of a listing.
#[derive(Debug, Clone)]
pub struct Page {
    /// The entries, in the order of their ids.
    pub documents: Vec<Listed>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<DocumentId>,
}

/// Lists a page.
pub(crate) async fn list(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    query: &ListQuery,
) -> Result<Page> {
    if query.limit == 0 || query.limit > limits::PAGE {
        return Err(Error::invalid("/limit", format!("a limit is 1 to {}", limits::PAGE)));
    }
    if query.prefix.contains('\0') || query.prefix.len() > limits::DOCUMENT_ID_BYTES {
        return Err(Error::invalid("/prefix", "a prefix is a beginning of a document id"));
    }
    context.store.run(|tx| async move { page(&tx, keys, name, query).await }).await
}

async fn page(
    tx: &coditect_store::Transaction,
    keys: &TenantKeys,
    name: &CollectionName,
    query: &ListQuery,
) -> Result<Page> {
    let collection = collections::expect(tx, keys, name).await?.id;
    let space = match query.state {
        DocumentState::Stored => keys.heads(collection),
        DocumentState::Failed => keys.failures(collection),
    };
    // A packed string is its bytes between a type code and a NUL, so ids with a prefix are neighbours.
    let mut first = space.pack(&query.prefix);
    first.pop();
    let mut end = first.clone();
    end.push(0xff);
    if let Some(id) = &query.after {
        first = first.max(parts::after(&space.pack(&id.as_str())));
    }
    let mut range = RangeQuery::from((first.min(end.clone()), end));
    range.limit = query.limit;
    let found = tx.snapshot().get_range(range).await?;
    let mut documents = Vec::with_capacity(found.items.len());
    let mut last = None;
    for item in &found.items {
        let id = read::id_of(&space, &item.key)?;
        last = Some(id.clone());
        documents.push(match query.state {
            DocumentState::Stored => {
                let (head, version) = record::decode_stamped(&item.value, "a document's record")?;
                Listed::Stored(Box::new(StoredDocument { id, head, version }))
            }
            DocumentState::Failed => Listed::Failed { id, failure: record::decode(&item.value, "a failure")? },
        });
    }
    Ok(Page { documents, next: last.filter(|_| found.more) })
}
