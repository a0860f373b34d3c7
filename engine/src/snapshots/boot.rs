//! Taking up a collection's indexes from its newest snapshot that proves whole.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::manifest::{self, Manifest, SavedFile};
use crate::bucket::Bucket;
use crate::documents::{Context, log};
use crate::error::{Error, ErrorKind, Result, chain};
use crate::index::CollectionIndex;
use crate::index::image::FORMAT;
use crate::limits;
use crate::model::{CollectionHead, Version};

/// The indexes of a collection from its newest good snapshot, and the version from which its log is to be followed. `None` when there is none; why one is not
/// good is logged.
///
/// # Errors
/// `Unavailable` when the bucket or the store does not answer. One object that cannot be had may be alone with that, so an older snapshot is tried; of two in
/// vain the bucket is to blame, and no further one is waited for.
pub(crate) async fn newest(
    context: &Context,
    bucket: &Bucket,
    head: &CollectionHead,
) -> Result<Option<(CollectionIndex, Version)>> {
    let mut unread = None;
    for manifest in manifest::of(context, head.id).await?.into_iter().rev() {
        let (id, collection) = (manifest.id, head.id.0);
        match take_up(context, bucket, head, &manifest).await {
            Ok(index) => {
                metrics::counter!("engine_snapshots_loaded_total").increment(1);
                tracing::info!(snapshot = %id, %collection, passages = manifest.passages, "indexes taken up from a snapshot");
                return Ok(Some((index, manifest.through)));
            }
            Err(error) => {
                metrics::counter!("engine_snapshots_refused_total").increment(1);
                tracing::warn!(snapshot = %id, %collection, error = %chain(&error), "a snapshot cannot be used, trying what is older");
                if *error.kind() == ErrorKind::Unavailable && unread.replace(error).is_some() {
                    break;
                }
            }
        }
    }
    unread.map_or(Ok(None), Err)
}

async fn take_up(
    context: &Context,
    bucket: &Bucket,
    head: &CollectionHead,
    manifest: &Manifest,
) -> Result<CollectionIndex> {
    if manifest.format != FORMAT {
        return Err(Error::corrupt(format!("it has format {}, this version reads format {FORMAT}", manifest.format)));
    }
    if log::trimmed(context).await? > manifest.through {
        return Err(Error::corrupt("the change log no longer reaches back to it"));
    }
    let folder = tempfile::tempdir_in(&context.scratch)
        .map_err(|error| Error::unavailable("make a folder for a snapshot").caused_by(error))?;
    for file in &manifest.files {
        fetch(bucket, manifest, file, folder.path()).await?;
    }
    let (head, scratch) = (head.clone(), context.scratch.clone());
    tokio::task::spawn_blocking(move || CollectionIndex::load(head, scratch, folder.path()))
        .await
        .map_err(|error| Error::internal("load a snapshot").caused_by(error))?
}

/// Writes the parts of a file into `folder`, each where it belongs once it proves right.
async fn fetch(bucket: &Bucket, manifest: &Manifest, saved: &SavedFile, folder: &Path) -> Result<()> {
    let written = |error| Error::unavailable("write a file of a snapshot").caused_by(error);
    let file = &File::create_new(folder.join(&saved.name)).map_err(written)?;
    let mut begin = 0;
    let mut parts = Vec::with_capacity(saved.parts.len());
    for (number, part) in saved.parts.iter().enumerate() {
        parts.push((manifest.object(saved, number), part.clone(), begin));
        begin += part.bytes;
    }
    let fetches = parts.into_iter().map(|(object, part, offset)| async move {
        let bytes = bucket.get(&object).await?;
        let bytes = bytes.ok_or_else(|| Error::corrupt(format!("{object} is missing in {}", bucket.url())))?;
        if let Some(fault) = part.fault(&bytes) {
            return Err(Error::corrupt(format!("{object} in {} is damaged: {fault}", bucket.url())));
        }
        file.write_all_at(&bytes, offset).map_err(written)
    });
    stream::iter(fetches).buffer_unordered(limits::BUCKET_CONCURRENCY).try_collect().await
}
