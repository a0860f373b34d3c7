//! The last error of a document whose write failed, kept until a write succeeds: nothing fails out of sight.

use super::{Context, collections};
use crate::error::{Error, Result};
use crate::model::{CollectionName, DocumentId, Failure};
use crate::storage::{TenantKeys, record};

/// Longest error text that is kept, bytes.
const ERROR_BYTES: usize = 2_000;

/// Keeps why a document's write failed. A collection that does not exist keeps nothing.
pub(crate) async fn record(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    document: &DocumentId,
    error: &str,
) -> Result<()> {
    let end = error.floor_char_boundary(ERROR_BYTES.min(error.len()));
    let failure = Failure { error: error[..end].to_owned(), at: context.clock.now() };
    let value = &record::encode(&failure)?;
    context
        .store
        .run(|tx| async move {
            if let Some(collection) = collections::get(&tx, keys, name).await? {
                tx.set(&keys.failure(collection.id, document), value);
            }
            Ok::<_, Error>(())
        })
        .await
}
