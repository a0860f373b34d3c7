//! Bringing single objects into the bucket, and moving what they replace into its history.

use bytes::Bytes;

use super::object::{self, Kept};
use super::place;
use crate::bucket::Bucket;
use crate::error::{ErrorKind, Result, chain};
use crate::model::Version;

/// A bucket, and the counting of what goes there.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    pub(super) bucket: Bucket,
}

impl Keeper {
    /// Makes the object at `path` hold `content`. What it held before goes to the history, up to `content`'s version, or up to `noticed` where the
    /// store went back to an earlier state. Answers whether it was another.
    pub(super) async fn replace<T: Kept>(&self, path: &str, content: &T, noticed: Version) -> Result<bool> {
        let bytes = object::seal(content)?;
        if let Some(old) = self.bucket.get(path).await? {
            let known = self.known::<T>(path, &old)?;
            if known == Some(content.version()) && object::hash_of(&old)? == object::hash_of(&bytes)? {
                return Ok(false);
            }
            let until = match known {
                Some(known) if known > content.version() => noticed,
                _ => content.version(),
            };
            if known.is_some_and(|known| known != content.version()) {
                self.put(&place::superseded(path, until), old).await?;
            }
        }
        self.put(path, bytes).await?;
        Ok(true)
    }

    /// Makes an object that was not there.
    pub(super) async fn add(&self, path: &str, content: &impl Kept) -> Result<()> {
        self.put(path, object::seal(content)?).await
    }

    /// Moves the object at `path`, if it is there and of before `version`, into the history. Answers whether it was.
    pub(super) async fn supersede<T: Kept>(&self, path: &str, version: Version) -> Result<bool> {
        let Some(old) = self.bucket.get(path).await? else { return Ok(false) };
        let known = self.known::<T>(path, &old)?;
        if known.is_some_and(|known| known >= version) {
            return Ok(false);
        }
        // What is damaged as well: somebody may make something of it.
        self.put(&place::superseded(path, version), old).await?;
        self.bucket.delete(path).await?;
        metrics::counter!("engine_backup_objects_total", "what" => "removed").increment(1);
        Ok(true)
    }

    /// The version of an object that is there; `None` for one that is damaged, which is told of.
    fn known<T: Kept>(&self, path: &str, bytes: &[u8]) -> Result<Option<Version>> {
        match object::open::<T>(bytes) {
            Ok(content) => Ok(Some(content.version())),
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                metrics::counter!("engine_backup_objects_total", "what" => "damaged").increment(1);
                tracing::warn!(path, bucket = self.bucket.url(), error = %chain(&error), "an object of the backup is damaged");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let length = bytes.len() as u64;
        self.bucket.put(path, bytes).await?;
        metrics::counter!("engine_backup_objects_total", "what" => "written").increment(1);
        metrics::counter!("engine_backup_bytes_total").increment(length);
        Ok(())
    }
}

/// `None` for what cannot be read from the store: it is told of, and must not keep the rest from the backup.
pub(super) fn readable<T>(read: Result<T>, what: std::fmt::Arguments<'_>) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if *error.kind() == ErrorKind::Corrupt => {
            metrics::counter!("engine_backup_objects_total", "what" => "unreadable").increment(1);
            tracing::error!(error = %chain(&error), "{what} cannot be read and is not backed up");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
