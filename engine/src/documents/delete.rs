//! Deleting a document: head, counters, log entry and clean-up note in one transaction.

use super::cleanup::{self, Retired, Target};
use super::log::{self, Change, LogEntry};
use super::{Context, collections, read};
use crate::error::{Error, Result};
use crate::model::{CollectionId, CollectionName, DocumentId, Version};
use crate::storage::TenantKeys;
use crate::storage::keys::Counter;

/// Deletes a document. The flag says whether it was there; the version shows that it is not.
pub(crate) async fn delete(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    document: &DocumentId,
) -> Result<(bool, Version)> {
    let at = context.clock.now();
    let attempts = &log::Attempts::default();
    let is_ours = |collection: &CollectionId, entry: &LogEntry| {
        entry.collection == *collection && entry.change == Change::Deleted { document: document.clone() }
    };
    let (deleted, version, stamp) = context
        .store
        .run(|tx| async move {
            if let Some((version, _)) = attempts.done(&tx, &context.keys, is_ours).await? {
                return Ok::<_, Error>((true, version, None));
            }
            let collection = collections::expect(&tx, keys, name).await?.id;
            let Some((head, _)) = read::head(&tx, keys, collection, document).await? else {
                tx.clear(&keys.failure(collection, document));
                let seen = log::tail(&tx, &context.keys).await?;
                return Ok((false, seen, None));
            };
            tx.clear(&keys.head(collection, document));
            tx.clear(&keys.failure(collection, document));
            collections::count(&tx, keys, collection, Counter::Documents, -1);
            collections::count(&tx, keys, collection, Counter::Passages, -i64::from(head.passages));
            let target = Target::Generation { collection, generation: head.generation };
            cleanup::retire(&tx, &context.keys, &Retired { tenant: keys.tenant().clone(), target, at }, 0)?;
            let change = Change::Deleted { document: document.clone() };
            log::append(&tx, context, keys.tenant(), (name, collection), change)?;
            attempts.try_to(&tx, collection).await?;
            Ok((true, Version::ZERO, Some(tx.versionstamp())))
        })
        .await?;
    match stamp {
        Some(stamp) => Ok((deleted, Version::from_bytes(stamp.await?))),
        None => Ok((deleted, version)),
    }
}
