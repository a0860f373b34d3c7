//! Large objects go up in parts: what fails on the way is sent again by its part, and what is not finished is taken away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _};
use tokio_util::sync::CancellationToken;

use super::answered;
use crate::limits;

/// An object that goes up in parts of `part_bytes`.
pub(super) struct Large {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) at: Path,
    pub(super) bytes: Bytes,
    pub(super) part_bytes: usize,
    pub(super) patience: Duration,
}

impl Large {
    /// Writes it; nothing is there of it until all of it is.
    ///
    /// A bucket keeps the parts of an upload that nobody ends, and bills for them. So this is done by a task of its own: where nobody waits for it any more, it
    /// still hears under which name the bucket has begun the upload, and ends it.
    pub(super) async fn put(self) -> object_store::Result<()> {
        let given_up = CancellationToken::new();
        let _on_drop = given_up.clone().drop_guard();
        tokio::spawn(self.put_until(given_up)).await?
    }

    async fn put_until(self, given_up: CancellationToken) -> object_store::Result<()> {
        let mut upload = answered(self.patience, self.store.put_multipart(&self.at)).await?;
        let sent = tokio::select! {
            () = given_up.cancelled() => Err(object_store::Error::Generic { store: "bucket", source: "given up".into() }),
            sent = self.send(&mut *upload) => sent,
        };
        if sent.is_err()
            && let Err(error) = answered(self.patience, upload.abort()).await
        {
            tracing::warn!(object = %self.at, %error, "the parts of an upload that failed could not be taken away");
        }
        sent
    }

    async fn send(&self, upload: &mut dyn MultipartUpload) -> object_store::Result<()> {
        let begins = (0..self.bytes.len()).step_by(self.part_bytes);
        let part = |begin| self.bytes.slice(begin..self.bytes.len().min(begin + self.part_bytes));
        // Collected, as an upload numbers its parts in the order in which they are made.
        let parts: Vec<_> = begins.map(|begin| upload.put_part(part(begin).into())).collect();
        stream::iter(parts).buffer_unordered(limits::BUCKET_CONCURRENCY).try_collect::<()>().await?;
        upload.complete().await.map(drop)
    }
}
