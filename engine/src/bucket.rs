//! Object storage by URL: a bucket of Google Cloud Storage or S3, or a directory.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, parse_url_opts};
use url::Url;

use crate::error::{Error, Result};

/// A place in object storage under which everything of this engine is kept. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    url: String,
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
        let invalid = |message: String| Error::invalid("/bucket", message);
        let parsed = Url::parse(url).map_err(|error| invalid(format!("`{url}` is no URL: {error}")))?;
        let mut settings: Vec<(String, String)> = environment
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(|(name, _)| ["google_", "aws_"].iter().any(|prefix| name.starts_with(prefix)))
            .collect();
        // An endpoint that is named with `http` is meant to be spoken to without TLS, as an emulator on this machine.
        let is_plain = |(name, value): &(String, String)| {
            ["google_base_url", "aws_endpoint", "aws_endpoint_url"].contains(&&**name) && value.starts_with("http://")
        };
        if settings.iter().any(is_plain) {
            settings.push(("allow_http".to_owned(), "true".to_owned()));
        }
        let (store, prefix) = parse_url_opts(&parsed, settings)
            .map_err(|error| invalid(format!("`{url}` cannot be used as a bucket: {error}")))?;
        Ok(Self { store: store.into(), prefix, url: url.to_owned() })
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

    /// Writes an object, in place of what is there.
    pub(crate) async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let put = self.store.put(&self.at(path)?, bytes.into()).await;
        put.map(drop).map_err(|error| self.failed("write", path, error))
    }

    /// Reads an object; `None` when it is not there.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Bytes>> {
        let at = self.at(path)?;
        let read = async { self.store.get(&at).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", path, error)),
        }
    }

    /// The length of an object; `None` when it is not there.
    pub(crate) async fn size(&self, path: &str) -> Result<Option<u64>> {
        match self.store.head(&self.at(path)?).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look at", path, error)),
        }
    }

    /// Deletes an object, if it is there.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&self.at(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed("delete", path, error)),
        }
    }

    /// The paths of all objects below `folder`, in no order.
    pub(crate) async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let below = self.at(folder)?;
        let skip = self.prefix.parts().count();
        let listed = self.store.list(Some(&below)).map_ok(|meta| {
            let parts = meta.location.parts().skip(skip);
            parts.collect::<Path>().to_string()
        });
        listed.try_collect().await.map_err(|error| self.failed("list", folder, error))
    }

    /// The paths of the objects below `folder` that were written before a time, in no order.
    pub(crate) async fn list_older(&self, folder: &str, before: Timestamp) -> Result<Vec<String>> {
        let below = self.at(folder)?;
        let skip = self.prefix.parts().count();
        let listed = self.store.list(Some(&below)).try_filter_map(|meta| {
            let is_older = meta.last_modified.timestamp_millis() < before.as_millisecond();
            std::future::ready(Ok(is_older.then(|| meta.location.parts().skip(skip).collect::<Path>().to_string())))
        });
        listed.try_collect().await.map_err(|error| self.failed("list", folder, error))
    }

    fn failed(&self, action: &str, path: &str, error: object_store::Error) -> Error {
        Error::unavailable(format!("{action} {path} in {}", self.url)).caused_by(error)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.url).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn objects_of_a_directory_come_back_by_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(folder.path().canonicalize().unwrap()).unwrap().join("inner/place").unwrap();
        let bucket = Bucket::open(url.as_str(), []).unwrap();
        assert_eq!(bucket.get("a/b").await.unwrap(), None);
        assert!(bucket.list("a").await.unwrap().is_empty());
        bucket.put("a/b", Bytes::from_static(b"one")).await.unwrap();
        bucket.put("a/c d%252F/%C3%BC", Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(bucket.size("a/b").await.unwrap(), Some(3));
        assert_eq!(bucket.get("a/c d%252F/%C3%BC").await.unwrap().unwrap(), "two");
        let mut listed = bucket.list("a").await.unwrap();
        listed.sort();
        assert_eq!(listed.len(), 2);
        for path in &listed {
            assert!(bucket.get(path).await.unwrap().is_some(), "{path} is listed");
        }
        assert!(folder.path().join("inner/place/a/b").exists());
        assert!(bucket.get("a//b").await.is_err() && bucket.get("../b").await.is_err());
        bucket.delete("a/b").await.unwrap();
        bucket.delete("a/b").await.unwrap();
        assert_eq!(bucket.size("a/b").await.unwrap(), None);
    }

    #[test]
    fn what_is_no_bucket_is_refused_by_name() {
        for url in ["bucket", "ftp://host/x", "gs://"] {
            let error = Bucket::open(url, []).unwrap_err().to_string();
            assert!(error.contains(url), "{error}");
        }
    }
}
