//! Making a store again from the backup in a bucket.

mod choose;
mod write;

use coditect_store::{Clock, Store};
use futures::{StreamExt as _, TryStreamExt as _, stream};

pub(crate) use self::write::unfinished;
use super::object::CollectionObject;
use super::state::Restoring;
use crate::bucket::Bucket;
use crate::documents::Context;
use crate::error::{Error, Result, chain};
use crate::limits;
use crate::model::{CollectionHead, CollectionName, TenantId, Version};
use crate::storage::Keys;

/// What is restored, and how.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// This tenant alone; all when `None`.
    pub tenant: Option<TenantId>,
    /// The state at this version, as the backup knew it; the newest when `None`.
    pub at: Option<Version>,
    /// Write over what is there: collections of the tenants concerned are dropped first.
    pub overwrite: bool,
    /// The store goes on with the backup in this bucket, in place of the store that made it. What the store does not have then goes to the history.
    pub take_over: bool,
}

/// What a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Collections that are there.
    pub collections: usize,
    /// Documents that are there, each compared with its object.
    pub documents: usize,
    /// Their passages.
    pub passages: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// The newest version of a document.
    pub version: Version,
    /// What could not be restored, and why.
    pub failures: Vec<String>,
}

/// A restore under way.
struct Restore<'a> {
    context: Context,
    bucket: &'a Bucket,
    options: &'a RestoreOptions,
}

/// Makes documents, with their versions, passages, vectors and token codes, and their collections from the backup in `bucket`. A restore that was interrupted is gone
/// on with when it is asked for again. `progress` is told what is done, now and then.
///
/// Objects that are damaged are left out and named in the answer. No engine should be running on the store, unless it is a cluster and only one tenant is restored.
///
/// # Errors
/// `NotFound` when the bucket holds no backup, or none of the tenant. `Conflict` when there is data already and it is not to be written over, or when another restore
/// was not finished. Store and bucket failures.
pub async fn restore(
    store: &Store,
    clock: &Clock,
    root: &str,
    bucket: &Bucket,
    options: &RestoreOptions,
    progress: impl Fn(&Restored) + Send + Sync,
) -> Result<Restored> {
    let (store, clock, keys) = (store.clone(), clock.clone(), Keys::new(root));
    let context = Context { store, keys, clock, scratch: std::env::temp_dir().into(), observer: None };
    let restore = Restore { context, bucket, options };
    restore.run(&progress).await
}

impl Restore<'_> {
    async fn run(&self, progress: &(impl Fn(&Restored) + Send + Sync)) -> Result<Restored> {
        let collections = self.collections().await?;
        if collections.is_empty() {
            let whose = self.options.tenant.as_ref().map(|tenant| format!(" of tenant {tenant}")).unwrap_or_default();
            return Err(Error::not_found(format!("{} holds no backup{whose}", self.bucket.url())));
        }
        let restoring = self.begin().await?;
        self.clear(restoring).await?;
        let mut done = Restored::default();
        for (path, object) in &collections {
            self.collection(path, object, &mut done, progress).await?;
        }
        self.finish(&done).await?;
        Ok(done)
    }

    async fn collection(
        &self,
        path: &str,
        object: &str,
        done: &mut Restored,
        progress: &(impl Fn(&Restored) + Send + Sync),
    ) -> Result<()> {
        let object = match self.record(path, object).await {
            Ok(object) => object,
            Err(error) => return note(done, path, error),
        };
        let (tenant, name) = (object.tenant.clone(), object.name.clone());
        let documents = self.documents(&tenant, &name).await?;
        // One that came later than what is restored has no documents of before.
        if documents.is_empty() && self.options.at.is_some_and(|at| object.version > at) {
            return Ok(());
        }
        let head = self.make_collection(&tenant, &name, object).await?;
        done.collections += 1;
        self.all_documents(&tenant, &name, &head, documents, done, progress).await
    }

    async fn all_documents(
        &self,
        tenant: &TenantId,
        name: &CollectionName,
        head: &CollectionHead,
        documents: Vec<(String, String)>,
        done: &mut Restored,
        progress: &(impl Fn(&Restored) + Send + Sync),
    ) -> Result<()> {
        let each = documents.into_iter().map(|(path, object)| async move {
            let restored = self.document(tenant, name, head, &path, &object).await;
            Ok::<_, Error>((path, restored))
        });
        let mut each = stream::iter(each).buffer_unordered(limits::BUCKET_CONCURRENCY);
        while let Some((path, restored)) = each.try_next().await? {
            match restored {
                Ok(Some(one)) => {
                    done.documents += 1;
                    done.passages += one.passages;
                    done.bytes += one.bytes;
                    done.version = done.version.max(one.version);
                }
                Ok(None) => {}
                Err(error) => note(done, &path, error)?,
            }
            progress(done);
        }
        Ok(())
    }

    /// The record of a collection as it is to be.
    async fn record(&self, path: &str, object: &str) -> Result<CollectionObject> {
        let (object, _): (CollectionObject, _) = self.open(object).await?;
        match super::place::collection(&object.tenant, &object.name) == path {
            true => Ok(object),
            false => Err(Error::corrupt(format!("it is of {}/{}", object.tenant, object.name))),
        }
    }
}

/// Objects that cannot be used are told of at the end; anything else ends the restore.
fn note(done: &mut Restored, path: &str, error: Error) -> Result<()> {
    match error.kind() {
        crate::ErrorKind::Corrupt | crate::ErrorKind::Invalid { .. } => {
            done.failures.push(format!("{path}: {}", chain(&error)));
            Ok(())
        }
        _ => Err(error),
    }
}

/// Whether a restore into the store began and was not finished: what is there is not all of it. Answers where it was from.
///
/// # Errors
/// Store failures.
pub async fn unfinished_restore(store: &Store, root: &str) -> Result<Option<String>> {
    let found: Option<Restoring> = unfinished(store, &Keys::new(root)).await?;
    Ok(found.map(|restoring| restoring.bucket))
}
