//! Object storage by URL: a bucket of Google Cloud Storage or S3, or a directory.

mod open;
mod options;
mod parts;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};

pub use self::options::BucketOptions;
use self::parts::Large;
use crate::error::{Error, Result};

/// A place in object storage under which everything of this engine is kept. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    url: String,
    /// Longest wait for what a request without a body is answered.
    answer: Duration,
    /// What is larger goes up in parts of this size.
    part_bytes: usize,
}

impl Bucket {
    /// The place that `url` names: `gs://bucket/prefix`, `s3://bucket/prefix`, `file:///directory`; `memory:///` is gone with the process.
    ///
    /// Credentials come from `environment`, names and values as the `object_store` crate documents them (`GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_BASE_URL`,
    /// `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …); without any, from the machine's metadata service, which is what a workload identity is served by. Nothing is
    /// sent yet.
    ///
    /// # Errors
    /// `Invalid` for what is no such URL, or settings that do not fit it.
    pub fn open(url: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        Self::open_with(url, environment, BucketOptions::default())
    }

    /// The same with other bounds than [`crate::limits`] has.
    ///
    /// # Errors
    /// As [`Bucket::open`].
    pub fn open_with(
        url: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        options: BucketOptions,
    ) -> Result<Self> {
        let (store, prefix) = open::open(url, environment, &options)?;
        let BucketOptions { answer, part_bytes, .. } = options;
        Ok(Self { store, prefix, url: url.to_owned(), answer, part_bytes: part_bytes.max(1) })
    }

    /// The URL that it was opened with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    fn at(&self, path: &str) -> Result<Path> {
        let path = Path::parse(path)
            .map_err(|error| Error::internal(format!("`{path}` is no path of an object")).caused_by(error))?;
        Ok(self.prefix.parts().chain(path.parts()).collect())
    }

    /// Writes an object, in place of what is there. It is there as a whole or not at all.
    pub(crate) async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let at = self.at(path)?;
        let put = match bytes.len() > self.part_bytes {
            true => {
                let (store, part_bytes, patience) = (self.store.clone(), self.part_bytes, self.answer);
                Large { store, at, bytes, part_bytes, patience }.put().await
            }
            false => self.store.put(&at, bytes.into()).await.map(drop),
        };
        put.map_err(|error| self.failed("write", path, error))
    }

    /// Reads an object; `None` when it is not there.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let at = self.at(path)?;
        let read = async { answered(self.answer, self.store.get(&at)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", path, error)),
        }
    }

    /// The length of an object; `None` when it is not there.
    pub(crate) async fn size(&self, path: &str) -> Result<Option<u64>> {
        match answered(self.answer, self.store.head(&self.at(path)?)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look at", path, error)),
        }
    }

    /// Deletes an object, if it is there.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        match answered(self.answer, self.store.delete(&self.at(path)?)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", path, error)),
        }
    }

    /// The paths of all objects below `folder`, in no order.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.list_where(folder, |_| true).await
    }

    /// The paths of the objects below `folder` that were written before a time, in no order.
    pub(crate) async fn list_older(&self, folder: &str, before: Timestamp) -> Result<Vec<String>> {
        let before = before.as_millisecond();
        self.list_where(folder, |meta| meta.last_modified.timestamp_millis() < before).await
    }

    async fn list_where(&self, folder: &str, is_wanted: impl Fn(&ObjectMeta) -> bool) -> Result<Vec<String>> {
        let below = self.at(folder)?;
        let skip = self.prefix.parts().count();
        let mut listed = self.store.list(Some(&below));
        let mut paths = Vec::new();
        loop {
            match answered(self.answer, listed.try_next()).await {
                Ok(Some(meta)) if is_wanted(&meta) => {
                    paths.push(meta.location.parts().skip(skip).collect::<Path>().to_string());
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(paths),
                Err(error) => return Err(self.failed("list", folder, error)),
            }
        }
    }

    fn failed(&self, action: &str, path: &str, error: object_store::Error) -> Error {
        Error::unavailable(format!("{action} {path} in {}", self.url)).caused_by(error)
    }
}

/// Gives up what is not answered in time.
async fn answered<T>(
    patience: Duration,
    request: impl Future<Output = object_store::Result<T>>,
) -> object_store::Result<T> {
    let late = |_| {
        let source = format!("no answer within {patience:?}").into();
        object_store::Error::Generic { store: "bucket", source }
    };
    tokio::time::timeout(patience, request).await.map_err(late).flatten()
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url).finish()
    }
}
