//! Writing into the store what the bucket holds, and what keeps a half-restored store from being used.

use coditect_store::{RunOptions, Store};

use super::super::object::{self, CollectionObject, DocumentObject, Kept};
use super::super::state::{self, Progress, Restoring, State};
use super::super::{copying, follow, place};
use super::{Restore, Restored};
use crate::documents::collections::{self, Named};
use crate::documents::write;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionHead, CollectionId, CollectionName, TenantId, Version};
use crate::storage::{Keys, record};

/// A document that is in the store again.
pub(super) struct One {
    pub(super) passages: usize,
    pub(super) bytes: u64,
    pub(super) version: Version,
}

impl Restore<'_> {
    /// Notes in the store that a restore has begun, unless the same one has.
    pub(super) async fn begin(&self) -> Result<Restoring> {
        let wanted = Restoring {
            bucket: self.bucket.url().to_owned(),
            tenant: self.options.tenant.clone(),
            at: self.options.at,
            is_cleared: false,
        };
        if let Some(begun) = unfinished(&self.context.store, &self.context.keys).await? {
            let is_same = Restoring { is_cleared: false, ..begun.clone() } == wanted;
            return match is_same || self.options.overwrite {
                true if is_same => Ok(begun),
                true => self.note(wanted).await,
                false => Err(Error::conflict(format!(
                    "a restore from {} was not finished: ask for the same one again, or to write over what is there",
                    begun.bucket
                ))),
            };
        }
        let there = self.there().await?;
        if let (Some((tenant, named)), false) = (there.first(), self.options.overwrite) {
            let count = there.len();
            return Err(Error::conflict(format!(
                "the store holds {count} collections already, such as {tenant}/{}: restore into an empty one, or say that it is to be written over",
                named.name
            )));
        }
        self.note(wanted).await
    }

    /// The collections that are in the way.
    async fn there(&self) -> Result<Vec<(TenantId, Named)>> {
        let mut all = collections::list_all(&self.context).await?;
        all.retain(|(tenant, _)| self.options.tenant.as_ref().is_none_or(|only| only == tenant));
        Ok(all)
    }

    async fn note(&self, restoring: Restoring) -> Result<Restoring> {
        let (key, value) = (&self.context.keys.restoring(), &record::encode(&restoring)?);
        let noted = self.context.store.run(|tx| async move {
            tx.set(key, value);
            Ok::<_, Error>(())
        });
        noted.await.map(|()| restoring)
    }

    /// Drops what is to be written over, once.
    pub(super) async fn clear(&self, restoring: Restoring) -> Result<()> {
        if restoring.is_cleared {
            return Ok(());
        }
        for (tenant, named) in self.there().await? {
            let keys = self.context.keys.tenant(&tenant);
            collections::drop_collection(&self.context, &keys, &named.name).await?;
        }
        self.note(Restoring { is_cleared: true, ..restoring }).await.map(drop)
    }

    pub(super) async fn make_collection(
        &self,
        tenant: &TenantId,
        name: &CollectionName,
        object: CollectionObject,
    ) -> Result<CollectionHead> {
        let head = object.head(CollectionId(uuid::Uuid::nil()));
        let keys = self.context.keys.tenant(tenant);
        let (head, _) = collections::make(&self.context, &keys, name, &head).await?;
        Ok(head)
    }

    /// Reads an object; answers the number of its bytes as well.
    pub(super) async fn open<T: Kept>(&self, path: &str) -> Result<(T, u64)> {
        let bytes = self.bucket.get(path).await?.ok_or_else(|| Error::corrupt("it is missing"))?;
        Ok((object::open(&bytes)?, bytes.len() as u64))
    }

    /// Restores one document, and compares what is then in the store with the object. `None` when there was none at the version that is restored.
    pub(super) async fn document(
        &self,
        tenant: &TenantId,
        name: &CollectionName,
        head: &CollectionHead,
        path: &str,
        object: &str,
    ) -> Result<Option<One>> {
        let (object, bytes): (DocumentObject, u64) = self.open(object).await?;
        if self.options.at.is_some_and(|at| object.version > at) {
            return Ok(None);
        }
        if place::document(&object.tenant, &object.collection, &object.document_id) != path {
            let whose = format!("{}/{}/{}", object.tenant, object.collection, object.document_id);
            return Err(Error::corrupt(format!("it is of {whose}")));
        }
        let sealed = object::seal(&object)?;
        let (id, version, passages) = (object.document_id.clone(), object.version, object.passages());
        let (document, origin) = object.into_new()?;
        let keys = self.context.keys.tenant(tenant);
        write::restore(&self.context, &keys, name, head, document, origin).await?;
        let named = Named { name: name.clone(), head: head.clone() };
        let written = follow::current(&self.context, tenant, &named, &id).await?;
        let written = written.map(|written| object::seal(&written)).transpose()?;
        match written == Some(sealed) {
            true => Ok(Some(One { passages, bytes, version })),
            false => Err(Error::corrupt("what is in the store after it was written is not the same")),
        }
    }

    /// Lets versions go on behind those that were restored, and the store be used.
    pub(super) async fn finish(&self, done: &Restored) -> Result<()> {
        let store = &self.context.store;
        // Versions that the lost store gave out after its last backup must be of the past as well.
        if done.version >= self.context.version().await? {
            store.advance(done.version.commit().saturating_add(limits::RESTORE_LEAP)).await?;
        }
        if self.options.take_over {
            let is_all = self.options.tenant.is_none() && self.options.at.is_none() && done.failures.is_empty();
            let progress = match (copying(&self.context).await?, is_all) {
                (Progress::Copying { from, .. }, true) => Progress::Following { through: from },
                (progress, _) => progress,
            };
            let state = State::new(&self.context, self.bucket, progress);
            self.save(&state).await?;
            state::mark(self.bucket, state.store).await?;
        }
        let key = &self.context.keys.restoring();
        let cleared = self.context.store.run(|tx| async move {
            tx.clear(key);
            Ok::<_, Error>(())
        });
        cleared.await
    }

    async fn save(&self, state: &State) -> Result<()> {
        let (key, value) = (&self.context.keys.backup(), &record::encode(state)?);
        let saved = self.context.store.run(|tx| async move {
            tx.set(key, value);
            Ok::<_, Error>(())
        });
        saved.await
    }
}

/// The restore that was begun and not finished.
pub(crate) async fn unfinished(store: &Store, keys: &Keys) -> Result<Option<Restoring>> {
    let key = &keys.restoring();
    let value = store.run_with(RunOptions::default(), |tx| async move { Ok::<_, Error>(tx.get(key).await?) }).await?;
    value.map(|value| record::decode(&value, "the note of a restore")).transpose()
}
