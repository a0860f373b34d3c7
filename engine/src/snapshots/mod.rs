//! Snapshots of indexes in object storage, so that a process that starts need not build them.
//!
//! One process at a time makes them, under a lease. A snapshot's files go to the bucket in parts, under a folder that is never written to again; then its
//! manifest, with a checksum of every part, goes to the store in one transaction. A process that starts takes each collection's newest snapshot that
//! proves whole and follows the change log from there, or an older one, or builds the indexes from the documents.

mod boot;
pub(crate) mod manifest;
#[cfg(test)]
mod tests;
mod write;

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

pub(crate) use self::boot::newest;
use self::manifest::{Manifest, Part};
pub(crate) use self::write::Snapshots;
use crate::bucket::Bucket;
use crate::documents::Context;
use crate::error::Result;
use crate::limits;
use crate::model::Version;

/// Where snapshots go, and when.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// The bucket.
    pub bucket: Bucket,
    /// A collection that has changed gets a new snapshot when its last one is as old as this.
    pub interval: Duration,
    /// How many snapshots of a collection are kept.
    pub keep: usize,
}

/// What there is of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its name, and that of its folder in the bucket.
    pub id: Uuid,
    /// The newest change of its collection that is in it.
    pub version: Version,
    /// No change of its collection up to this version is missing in it.
    pub through: Version,
    /// Passages that it holds.
    pub passages: u64,
    /// Bytes of its objects.
    pub bytes: u64,
    /// When it was made.
    pub made_at: Timestamp,
}

impl From<&Manifest> for SnapshotInfo {
    fn from(manifest: &Manifest) -> Self {
        let Manifest { id, version, through, passages, made_at, .. } = *manifest;
        Self { id, version, through, passages, bytes: manifest.bytes(), made_at }
    }
}

impl SnapshotOptions {
    /// The usual pace, into `bucket`.
    #[must_use]
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, interval: limits::SNAPSHOT_INTERVAL, keep: limits::SNAPSHOTS_KEPT }
    }
}

/// The version behind which the change log must be kept for the snapshots that there are.
pub(crate) async fn log_needed_behind(context: &Context) -> Result<Option<Version>> {
    let oldest = SignedDuration::try_from(limits::SNAPSHOT_HOLDS).unwrap_or(SignedDuration::MAX);
    let now = context.clock.now();
    let holds = |manifest: &Manifest| now.duration_since(manifest.confirmed_at) < oldest;
    let manifests = manifest::all(context).await?;
    Ok(manifests.into_iter().filter(holds).map(|manifest| manifest.through).min())
}

impl Part {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, hash: blake3::hash(bytes).to_hex().to_string() }
    }

    /// What is wrong with bytes that should be this part.
    pub(crate) fn fault(&self, bytes: &Bytes) -> Option<String> {
        let found = Self::of(bytes);
        if found.bytes != self.bytes {
            return Some(format!("it has {} bytes instead of {}", found.bytes, self.bytes));
        }
        (found != *self).then(|| format!("its BLAKE3 is {} instead of {}", found.hash, self.hash))
    }
}
