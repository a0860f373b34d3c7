//! Making snapshots: files on this machine, then parts in the bucket, then the manifest.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use coditect_store::Term;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::watch;

use super::SnapshotOptions;
use super::manifest::{self, Manifest, Part, SavedFile, folder_of};
use crate::documents::{Context, collections};
use crate::error::{Error, Result};
use crate::index::image::{FILES, FORMAT};
use crate::index::{Applied, CollectionIndex, Indexes};
use crate::limits;
use crate::model::CollectionId;

/// Makes snapshots of what this process holds.
pub(crate) struct Snapshots {
    pub(crate) options: SnapshotOptions,
    indexes: Arc<Indexes>,
    applied: watch::Receiver<Applied>,
    /// Snapshots whose upload was interrupted: the next round goes on with them.
    unfinished: Mutex<HashMap<CollectionId, Saved>>,
}

/// A snapshot whose files are on this machine.
struct Saved {
    manifest: Manifest,
    folder: TempDir,
}

impl Snapshots {
    pub(crate) fn new(options: SnapshotOptions, indexes: Arc<Indexes>, applied: watch::Receiver<Applied>) -> Self {
        Self { options, indexes, applied, unfinished: Mutex::default() }
    }

    #[cfg(test)]
    pub(super) fn unfinished_ids(&self) -> Vec<uuid::Uuid> {
        self.unfinished.lock().values().map(|saved| saved.manifest.id).collect()
    }

    /// Whether a collection needs a snapshot, or has one too many.
    pub(crate) async fn is_due(&self, context: &Context) -> Result<bool> {
        if !self.applied.borrow().caught_up {
            return Ok(false);
        }
        let manifests = manifest::all(context).await?;
        let held = self.indexes.all();
        let is_due = |index: &Arc<CollectionIndex>| {
            let own: Vec<&Manifest> = manifests.iter().filter(|manifest| manifest.collection == index.id).collect();
            let newest = own.last().copied();
            self.needs(context, index, newest)
                || newest.is_some_and(|newest| self.is_unconfirmed(context, index, newest))
                || own.len() > self.kept(context, newest)
        };
        let is_held = |manifest: &Manifest| held.iter().any(|index| index.id == manifest.collection);
        Ok(held.iter().any(is_due) || !manifests.iter().all(is_held))
    }

    /// One round over all collections. Answers how many snapshots were made.
    pub(crate) async fn round(&self, context: &Context, term: &Term) -> Result<usize> {
        let mut made = 0;
        let mut failed = None;
        for index in self.indexes.all() {
            match self.round_of(context, term, &index).await {
                Ok(is_new) => made += usize::from(is_new),
                // The other collections need not wait for this one.
                Err(error) => failed = Some(error),
            }
        }
        self.forget_dropped(context, term).await?;
        failed.map_or(Ok(made), Err)
    }

    async fn round_of(&self, context: &Context, term: &Term, index: &Arc<CollectionIndex>) -> Result<bool> {
        let manifests = manifest::of(context, index.id).await?;
        // Asked before the view: what is applied by now is in the view.
        let applied = self.applied.borrow().version;
        let newest = manifests.last();
        let is_new = self.needs(context, index, newest);
        if is_new {
            self.make(context, term, index).await?;
        } else if let Some(newest) = newest.filter(|newest| self.is_unconfirmed(context, index, newest)) {
            let confirmed_at = context.clock.now();
            let confirmed = Manifest { through: applied.max(newest.through), confirmed_at, ..newest.clone() };
            manifest::put(context, term, &confirmed).await?;
        }
        self.prune(context, term, index.id).await?;
        Ok(is_new)
    }

    /// Whether a collection has none, or has changed (or this version reads another format) and its last one is old enough. While two versions run side by side
    /// each takes its turn.
    fn needs(&self, context: &Context, index: &CollectionIndex, newest: Option<&Manifest>) -> bool {
        newest.is_none_or(|newest| {
            (newest.format != FORMAT || newest.version != index.view().version)
                && self.is_past(context, newest.made_at, self.options.interval)
        })
    }

    /// Whether nobody has written down for long that an unchanged collection's snapshot still has all.
    fn is_unconfirmed(&self, context: &Context, index: &CollectionIndex, newest: &Manifest) -> bool {
        newest.version == index.view().version && self.is_past(context, newest.confirmed_at, limits::SNAPSHOT_CONFIRMED)
    }

    /// How many snapshots of a collection are kept. When the newest is old, older ones would only hold the change log.
    fn kept(&self, context: &Context, newest: Option<&Manifest>) -> usize {
        let is_settled = newest.is_some_and(|newest| self.is_past(context, newest.made_at, limits::SNAPSHOT_SETTLED));
        if is_settled { 1 } else { self.options.keep.max(1) }
    }

    fn is_past(&self, context: &Context, at: jiff::Timestamp, age: std::time::Duration) -> bool {
        context.clock.now().duration_since(at) >= SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)
    }

    async fn make(&self, context: &Context, term: &Term, index: &Arc<CollectionIndex>) -> Result<()> {
        let unfinished = self.unfinished.lock().remove(&index.id);
        let saved = match unfinished {
            Some(saved) => saved,
            None => self.save(context, index).await?,
        };
        if let Err(error) = upload(&self.options, &saved).await {
            self.unfinished.lock().insert(index.id, saved);
            return Err(error);
        }
        manifest::put(context, term, &saved.manifest).await?;
        metrics::counter!("engine_snapshots_made_total").increment(1);
        metrics::counter!("engine_snapshot_bytes_total").increment(saved.manifest.bytes());
        Ok(())
    }

    async fn save(&self, context: &Context, index: &Arc<CollectionIndex>) -> Result<Saved> {
        let applied = self.applied.borrow().version;
        let folder = tempfile::tempdir_in(&context.scratch)
            .map_err(|error| Error::unavailable("make a folder for a snapshot").caused_by(error))?;
        let (id, now, of) = (context.clock.uuid(), context.clock.now(), index.clone());
        let save = move || {
            let version = of.save(folder.path())?;
            let files = FILES.iter().map(|name| described(folder.path(), name)).collect::<Result<_>>()?;
            let passages = of.view().live.len();
            let (collection, through) = (of.id, applied.max(version));
            let (made_at, confirmed_at) = (now, now);
            let manifest =
                Manifest { collection, id, format: FORMAT, version, through, files, passages, made_at, confirmed_at };
            Ok(Saved { manifest, folder })
        };
        tokio::task::spawn_blocking(save).await.map_err(|error| Error::internal("write a snapshot").caused_by(error))?
    }

    /// Takes away snapshots beyond those that are kept, and objects of none.
    async fn prune(&self, context: &Context, term: &Term, collection: CollectionId) -> Result<()> {
        let mut manifests = manifest::of(context, collection).await?;
        let too_many = manifests.len().saturating_sub(self.kept(context, manifests.last()));
        for old in manifests.drain(..too_many) {
            manifest::remove(context, term, &old).await?;
        }
        let mut kept = manifest::folders_of(context, collection).await?;
        kept.extend(self.unfinished.lock().get(&collection).map(|saved| saved.manifest.folder()));
        for object in self.options.bucket.list(&folder_of(collection)).await? {
            if !kept.iter().any(|folder| object.starts_with(folder)) {
                self.options.bucket.delete(&object).await?;
            }
        }
        Ok(())
    }

    /// Takes away the snapshots of collections that are there no more.
    async fn forget_dropped(&self, context: &Context, term: &Term) -> Result<()> {
        // By the store: this process may not have heard of the newest yet.
        let there = collections::list_all(context).await?;
        let there: HashSet<CollectionId> = there.into_iter().map(|(_, named)| named.head.id).collect();
        self.unfinished.lock().retain(|collection, _| there.contains(collection));
        for manifest in manifest::all(context).await?.into_iter().filter(|it| !there.contains(&it.collection)) {
            for object in self.options.bucket.list(&manifest.folder()).await? {
                self.options.bucket.delete(&object).await?;
            }
            manifest::remove(context, term, &manifest).await?;
        }
        Ok(())
    }
}

/// Cuts a file into parts.
fn described(folder: &Path, name: &str) -> Result<SavedFile> {
    let failed = |error| Error::unavailable("read a file of a snapshot").caused_by(error);
    let file = File::open(folder.join(name)).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let begins = (0..length.max(1)).step_by(limits::BUCKET_PART_BYTES);
    let part = |begin: u64| Ok(Part::of(&piece(&file, begin, length).map_err(failed)?));
    Ok(SavedFile { name: name.to_owned(), parts: begins.map(part).collect::<Result<_>>()? })
}

/// The part of a file that begins at `begin`.
fn piece(file: &File, begin: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; (length - begin).min(limits::BUCKET_PART_BYTES as u64) as usize];
    file.read_exact_at(&mut bytes, begin)?;
    Ok(bytes)
}

/// Brings the parts to the bucket that are not there yet.
async fn upload(options: &SnapshotOptions, saved: &Saved) -> Result<()> {
    let bucket = &options.bucket;
    let mut parts = Vec::new();
    for file in &saved.manifest.files {
        let path = saved.folder.path().join(&file.name);
        let mut begin = 0;
        for (number, part) in file.parts.iter().enumerate() {
            parts.push((path.clone(), saved.manifest.object(file, number), begin, part.bytes));
            begin += part.bytes;
        }
    }
    let uploads = parts.into_iter().map(|(path, object, begin, bytes)| async move {
        if bucket.size(&object).await? == Some(bytes) {
            return Ok(());
        }
        let read = move || piece(&File::open(path)?, begin, begin + bytes);
        let bytes = tokio::task::spawn_blocking(read)
            .await
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| Error::unavailable("read a file of a snapshot").caused_by(error))?;
        bucket.put(&object, Bytes::from(bytes)).await
    });
    stream::iter(uploads).buffer_unordered(limits::BUCKET_CONCURRENCY).try_collect().await
}
