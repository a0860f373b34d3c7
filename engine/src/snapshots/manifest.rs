//! Manifests: what a snapshot consists of, and up to where it reaches. A snapshot exists when its manifest is in the store.

use coditect_store::tuple::Subspace;
use coditect_store::{Term, Transaction};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::documents::Context;
use crate::error::{Error, Result, chain};
use crate::model::{CollectionId, Version};
use crate::storage::{Scan, record};

/// A snapshot of one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) collection: CollectionId,
    /// Its name, and its folder in the bucket.
    pub(crate) id: Uuid,
    /// The format of its files.
    pub(crate) format: u32,
    /// The newest change of the collection that is in it.
    pub(crate) version: Version,
    /// No change of the collection up to this version is missing in it.
    pub(crate) through: Version,
    pub(crate) files: Vec<SavedFile>,
    pub(crate) passages: u64,
    pub(crate) made_at: Timestamp,
    /// When `through` was last known to be so.
    pub(crate) confirmed_at: Timestamp,
}

/// A file in parts, each an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedFile {
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) bytes: u64,
    /// BLAKE3, in hexadecimal digits.
    pub(crate) hash: String,
}

impl Manifest {
    /// The folder of its objects.
    pub(crate) fn folder(&self) -> String {
        format!("{}/{}", folder_of(self.collection), self.id)
    }

    /// The object of a part of a file.
    pub(crate) fn object(&self, file: &SavedFile, part: usize) -> String {
        format!("{}/{}.{part:05}", self.folder(), file.name)
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().flat_map(|file| &file.parts).map(|part| part.bytes).sum()
    }
}

/// The folder of all snapshots of a collection.
pub(crate) fn folder_of(collection: CollectionId) -> String {
    format!("snapshots/{}", collection.0)
}

/// All manifests, those of a collection in the order in which they were made.
pub(crate) async fn all(context: &Context) -> Result<Vec<Manifest>> {
    read(context, context.keys.snapshots()).await
}

/// The manifests of a collection, oldest first.
pub(crate) async fn of(context: &Context, collection: CollectionId) -> Result<Vec<Manifest>> {
    read(context, context.keys.snapshots_of(collection)).await
}

async fn read(context: &Context, space: Subspace) -> Result<Vec<Manifest>> {
    let mut scan = Scan::of(&context.store, &space);
    let mut all = Vec::new();
    while let Some(items) = scan.next().await? {
        for item in &items {
            match record::decode(&item.value, "a snapshot's manifest") {
                Ok(manifest) => all.push(manifest),
                Err(error) => tracing::warn!(error = %chain(&error), "a snapshot's manifest is passed over"),
            }
        }
    }
    Ok(all)
}

/// The folders of a collection's snapshots, also of those whose manifests cannot be read: a newer version may have written them.
pub(crate) async fn folders_of(context: &Context, collection: CollectionId) -> Result<Vec<String>> {
    let space = context.keys.snapshots_of(collection);
    let mut scan = Scan::of(&context.store, &space);
    let mut folders = Vec::new();
    while let Some(items) = scan.next().await? {
        for item in &items {
            let id: Uuid = space
                .unpack(&item.key)
                .map_err(|error| Error::corrupt("decode the key of a snapshot's manifest").caused_by(error))?;
            folders.push(format!("{}/{id}", folder_of(collection)));
        }
    }
    Ok(folders)
}

/// Writes a manifest, new or changed, if the term lasts.
pub(crate) async fn put(context: &Context, term: &Term, manifest: &Manifest) -> Result<()> {
    let (key, value) = (&key(context, manifest), &record::encode(manifest)?);
    let write = |tx: Transaction| async move {
        term.fence(&tx).await?;
        tx.set(key, value);
        Ok(())
    };
    context.store.run(write).await
}

/// Takes a manifest away, if the term lasts: its snapshot is none from then on.
pub(crate) async fn remove(context: &Context, term: &Term, manifest: &Manifest) -> Result<()> {
    let key = &key(context, manifest);
    let clear = |tx: Transaction| async move {
        term.fence(&tx).await?;
        tx.clear(key);
        Ok(())
    };
    context.store.run(clear).await
}

/// Ids are made in the order of time, so the newest is the last.
fn key(context: &Context, manifest: &Manifest) -> Vec<u8> {
    context.keys.snapshots_of(manifest.collection).pack(&manifest.id)
}
