//! What the bucket holds: an object for each document that says the same, and the parts of the snapshots.

use std::collections::HashSet;

use super::{Area, Verified, Verify, backed_up, documents};
use crate::backup::verify::{self as objects, ObjectFault, ObjectOf};
use crate::bucket::Bucket;
use crate::documents::collections::{self, Named};
use crate::documents::read::Whole;
use crate::error::Result;
use crate::model::{DocumentId, TenantId};
use crate::snapshots::manifest::{self, Manifest};

impl Verify<'_> {
    /// The paths of the objects of a collection's documents.
    pub(super) async fn objects(&self, tenant: &TenantId, named: &Named) -> Result<HashSet<String>> {
        let (Some(bucket), Some(_)) = (self.bucket, self.backed_up) else { return Ok(HashSet::new()) };
        Ok(objects::paths(bucket, tenant, &named.name).await?.into_iter().collect())
    }

    pub(super) fn object_of(&self, tenant: &TenantId, named: &Named, id: &DocumentId) -> String {
        objects::path(tenant, &named.name, id)
    }

    /// What is wrong with a document's object. Nothing while it need not be there yet.
    pub(super) async fn object_fault(
        &self,
        tenant: &TenantId,
        named: &Named,
        id: &DocumentId,
        (whole, text): (Whole, String),
    ) -> Result<Option<String>> {
        let Some(bucket) = self.bucket.filter(|_| self.backed_up.is_some_and(|through| whole.version <= through))
        else {
            return Ok(None);
        };
        let fault = objects::fault(bucket, (tenant, &named.name, id), whole, text).await?;
        Ok(fault.map(|fault| match fault {
            ObjectFault::Missing => "it is not in the bucket".to_owned(),
            ObjectFault::Damaged(why) => format!("its object in the bucket is damaged: {why}"),
            ObjectFault::Other => "its object in the bucket says something else".to_owned(),
        }))
    }

    /// Objects of documents that are not there.
    pub(super) async fn other_objects(
        &self,
        tenant: &TenantId,
        named: &Named,
        mut others: HashSet<String>,
        done: &mut Verified,
    ) -> Result<()> {
        let Some(bucket) = self.bucket.filter(|_| !others.is_empty()) else { return Ok(()) };
        let listed: HashSet<String> = objects::paths(bucket, tenant, &named.name).await?.into_iter().collect();
        others.retain(|path| listed.contains(path));
        for path in others {
            if self.is_of_nobody(bucket, tenant, named, &path).await? {
                done.differs(Area::Backup, path, "it is in the bucket, and its document is not in the store");
            }
        }
        Ok(())
    }

    /// Whether an object is there and should not be.
    ///
    /// How far the backup is, the object, the document and the log are looked at in this order: an object that was there when the backup had everything up to
    /// some version, of a document that is not there and of which no later entry tells, was not taken away by the backup.
    async fn is_of_nobody(&self, bucket: &Bucket, tenant: &TenantId, named: &Named, path: &str) -> Result<bool> {
        let Some(through) = backed_up(self.context, bucket).await? else { return Ok(false) };
        match objects::document_of(bucket, tenant, &named.name, path).await? {
            ObjectOf::Gone => Ok(false),
            ObjectOf::Unknown => Ok(true),
            ObjectOf::Document(id) => {
                let is_there = documents::current(self.context, tenant, named, &id).await?.is_some();
                Ok(!is_there && !self.has_newer_entry(named.head.id, &id, through).await?)
            }
        }
    }

    /// Reads all parts of all snapshots.
    pub(super) async fn snapshots(
        &self,
        bucket: &Bucket,
        done: &mut Verified,
        progress: &(dyn Fn(&Verified) + Send + Sync),
    ) -> Result<()> {
        for manifest in manifest::all(self.context).await? {
            for file in &manifest.files {
                for (number, part) in file.parts.iter().enumerate() {
                    let path = manifest.object(file, number);
                    let fault = match bucket.get(&path).await? {
                        Some(bytes) => part.fault(&bytes),
                        None => Some("it is missing".to_owned()),
                    };
                    if let Some(what) = fault
                        && self.is_kept(&manifest).await?
                    {
                        done.differs(Area::Snapshot, path, what);
                    }
                    done.snapshot_objects += 1;
                    progress(done);
                }
            }
        }
        Ok(())
    }

    /// Whether a snapshot is still one: it may have been outgrown meanwhile, and those of a dropped collection lose their objects before their manifests.
    async fn is_kept(&self, manifest: &Manifest) -> Result<bool> {
        let is_it = |other: &Manifest| other.id == manifest.id;
        let is_there = manifest::of(self.context, manifest.collection).await?.iter().any(is_it);
        let all = collections::list_all(self.context).await?;
        Ok(is_there && all.iter().any(|(_, named)| named.head.id == manifest.collection))
    }
}
