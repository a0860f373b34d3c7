//! Bringing to the bucket what the change log tells of.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::keep::{Keeper, readable};
use super::object::{CollectionObject, DocumentObject};
use super::place;
use crate::documents::collections::{self, Named};
use crate::documents::log::{Change, LogEntry, LogPage};
use crate::documents::{Context, read};
use crate::error::Result;
use crate::limits;
use crate::model::{CollectionId, CollectionName, DocumentId, TenantId, Version};

/// What a piece of the log says of a document.
struct Noted {
    last: Version,
    deleted: Option<Version>,
}

/// The documents of a piece of the log, each once.
type Changed = HashMap<(TenantId, CollectionId, DocumentId), Noted>;

/// Brings the changes of a piece of the log to the bucket. Answers how many objects that changed.
pub(super) async fn follow(context: &Context, keeper: &Keeper, page: LogPage) -> Result<usize> {
    let mut changed = 0;
    let mut documents = Changed::new();
    for (version, entry) in page.entries {
        let LogEntry { tenant, collection, change } = entry;
        match change {
            Change::Put { document, .. } => note(&mut documents, (tenant, collection, document), version, false),
            Change::Deleted { document } => note(&mut documents, (tenant, collection, document), version, true),
            Change::Created { name } | Change::Altered { name } => {
                changed += bring_all(context, keeper, std::mem::take(&mut documents)).await?;
                let keys = context.keys.tenant(&tenant);
                let (keys, wanted) = (&keys, &name);
                let head = context.store.run(|tx| async move { collections::get(&tx, keys, wanted).await }).await?;
                if let Some(head) = head.filter(|head| head.id == collection) {
                    changed += usize::from(bring_collection(keeper, &tenant, &Named { name, head }, version).await?);
                }
            }
            Change::Dropped { name } => {
                changed += bring_all(context, keeper, std::mem::take(&mut documents)).await?;
                changed += remove_collection(keeper, &tenant, &name, version).await?;
            }
        }
    }
    Ok(changed + bring_all(context, keeper, documents).await?)
}

fn note(documents: &mut Changed, document: (TenantId, CollectionId, DocumentId), version: Version, is_deleted: bool) {
    let noted = documents.entry(document).or_insert(Noted { last: version, deleted: None });
    noted.last = version;
    if is_deleted {
        noted.deleted = Some(version);
    }
}

async fn bring_all(context: &Context, keeper: &Keeper, documents: Changed) -> Result<usize> {
    let mut named: HashMap<TenantId, HashMap<CollectionId, Named>> = HashMap::new();
    let mut work = Vec::with_capacity(documents.len());
    for ((tenant, collection, document), noted) in documents {
        if !named.contains_key(&tenant) {
            let all = collections::all_of(context, &context.keys.tenant(&tenant)).await?;
            named.insert(tenant.clone(), all.into_iter().map(|named| (named.head.id, named)).collect());
        }
        // One that is not there any more has an entry for that behind this one.
        if let Some(named) = named.get(&tenant).and_then(|named| named.get(&collection)) {
            work.push((tenant, named.clone(), document, noted));
        }
    }
    let brought = work.into_iter().map(|(tenant, named, document, noted)| async move {
        bring(context, keeper, &tenant, &named, &document, &noted).await
    });
    stream::iter(brought)
        .buffer_unordered(limits::BUCKET_CONCURRENCY)
        .try_fold(0, |sum, more| async move { Ok(sum + more) })
        .await
}

async fn bring(
    context: &Context,
    keeper: &Keeper,
    tenant: &TenantId,
    named: &Named,
    document: &DocumentId,
    noted: &Noted,
) -> Result<usize> {
    let path = place::document(tenant, &named.name, document);
    let mut changed = 0;
    if let Some(deleted) = noted.deleted {
        changed += usize::from(keeper.supersede::<DocumentObject>(&path, deleted).await?);
    }
    if let Some(object) = current(context, tenant, named, document).await? {
        changed += usize::from(keeper.replace(&path, &object, noted.last).await?);
    }
    Ok(changed)
}

/// A document as it is now; `None` when it is not there, or cannot be read.
pub(super) async fn current(
    context: &Context,
    tenant: &TenantId,
    named: &Named,
    document: &DocumentId,
) -> Result<Option<DocumentObject>> {
    let keys = context.keys.tenant(tenant);
    let Named { name, head } = named;
    let read = async {
        let whole = read::whole_with_text(context, &keys, head.id, head.tokens.is_some(), document).await?;
        whole.map(|(whole, text)| DocumentObject::new(tenant, name, document, whole, text)).transpose()
    };
    let read = readable(read.await, format_args!("document {document} of {tenant}/{name}"))?;
    Ok(read.flatten())
}

/// Makes the bucket say what a collection's record says. Answers whether it said something else.
pub(super) async fn bring_collection(
    keeper: &Keeper,
    tenant: &TenantId,
    named: &Named,
    version: Version,
) -> Result<bool> {
    let path = place::collection(tenant, &named.name);
    let object = CollectionObject::new(tenant, &named.name, &named.head, version);
    if let Some(old) = keeper.bucket.get(&path).await?
        && super::object::open(&old).is_ok_and(|old| object.is_same_as(&old))
    {
        return Ok(false);
    }
    keeper.replace(&path, &object, version).await
}

/// Moves a collection and its documents of before `version` into the history. Answers how many objects that were.
pub(super) async fn remove_collection(
    keeper: &Keeper,
    tenant: &TenantId,
    name: &CollectionName,
    version: Version,
) -> Result<usize> {
    let objects = keeper.bucket.list(&place::documents_of(tenant, name)).await?;
    let removed =
        objects.into_iter().map(|path| async move { keeper.supersede::<DocumentObject>(&path, version).await });
    let removed: usize = stream::iter(removed)
        .buffer_unordered(limits::BUCKET_CONCURRENCY)
        .try_fold(0, |sum, is_removed| async move { Ok(sum + usize::from(is_removed)) })
        .await?;
    let record = keeper.supersede::<CollectionObject>(&place::collection(tenant, name), version).await?;
    Ok(removed + usize::from(record))
}
