//! Large objects go up in parts: what fails on the way is sent again by its part, and what is not finished is taken away.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _};

use super::answered;
use crate::limits;

/// Writes an object in parts of `part_bytes`; nothing is there of it until all of them are.
pub(super) async fn put(
    store: &dyn ObjectStore,
    at: &Path,
    bytes: Bytes,
    part_bytes: usize,
    patience: Duration,
) -> object_store::Result<()> {
    let upload = answered(patience, store.put_multipart(at)).await?;
    let mut unfinished = Unfinished { upload: Some(upload), at: at.clone(), patience };
    let sent = unfinished.send(&bytes, part_bytes).await;
    match sent {
        Ok(()) => unfinished.upload = None,
        Err(_) => unfinished.abort().await,
    }
    sent
}

/// An upload that is aborted if it is dropped: a bucket keeps the parts of one that nobody ends, and bills for them.
struct Unfinished {
    upload: Option<Box<dyn MultipartUpload>>,
    at: Path,
    patience: Duration,
}

impl Unfinished {
    async fn send(&mut self, bytes: &Bytes, part_bytes: usize) -> object_store::Result<()> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let begins = (0..bytes.len()).step_by(part_bytes);
        let part = |begin| bytes.slice(begin..bytes.len().min(begin + part_bytes));
        // Collected, as an upload numbers its parts in the order in which they are made.
        let parts: Vec<_> = begins.map(|begin| upload.put_part(part(begin).into())).collect();
        stream::iter(parts).buffer_unordered(limits::BUCKET_CONCURRENCY).try_collect::<()>().await?;
        upload.complete().await.map(drop)
    }

    async fn abort(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        if let Err(error) = answered(self.patience, upload.abort()).await {
            tracing::warn!(object = %self.at, %error, "the parts of an upload that failed could not be taken away");
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let upload = self.upload.take();
        if let (Some(upload), Ok(runtime)) = (upload, tokio::runtime::Handle::try_current()) {
            let mut dropped = Self { upload: Some(upload), at: self.at.clone(), patience: self.patience };
            // `abort` takes the upload out, so that this one's drop finds none.
            runtime.spawn(async move { dropped.abort().await });
        }
    }
}
