//! Comparing what should say the same: records, counters and change log in the store, the indexes of this process, snapshots and backup in the bucket.
//!
//! Writes may go on meanwhile. What differs is looked at again before it is reported, and what came after the beginning is not expected everywhere.

mod bucket;
mod documents;
mod log;

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use self::log::Log;
use crate::Engine;
use crate::backup;
use crate::backup::state::Progress;
use crate::bucket::Bucket;
use crate::documents::Context;
use crate::documents::collections::{self, Named};
use crate::error::Result;
use crate::index::Indexes;
use crate::model::{DocumentId, TenantId, Version};
use crate::upkeep::orphans;

/// Where two of what should say the same do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is at fault, as far as can be told.
    pub area: Area,
    /// Which document, collection or object.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

/// What can be at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// Records of documents and collections.
    Store,
    /// The change log.
    Log,
    /// The indexes of this process.
    Index,
    /// Snapshots in the bucket.
    Snapshot,
    /// The backup in the bucket.
    Backup,
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Log => "log",
            Self::Index => "index",
            Self::Snapshot => "snapshot",
            Self::Backup => "backup",
        })
    }
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Collections.
    pub collections: usize,
    /// Documents, each with its passages, in store, log and indexes.
    pub documents: usize,
    /// Their passages.
    pub passages: usize,
    /// Entries of the change log.
    pub log_entries: usize,
    /// Objects of snapshots, read and hashed.
    pub snapshot_objects: usize,
    /// Objects of the backup, each compared with its document.
    pub backup_objects: usize,
    /// Every difference.
    pub differences: Vec<Difference>,
}

impl Verified {
    fn differs(&mut self, area: Area, place: impl Into<String>, what: impl Into<String>) {
        self.differences.push(Difference { area, place: place.into(), what: what.into() });
    }
}

/// A comparison under way.
struct Verify<'a> {
    engine: &'a Engine,
    context: &'a Context,
    indexes: &'a Indexes,
    bucket: Option<&'a Bucket>,
    /// What the bucket should have: everything up to this version. Nothing while it has no whole backup of this store.
    backed_up: Option<Version>,
    log: Log,
    /// What of the store may be compared with the log.
    begun: Version,
}

/// Compares everything that `engine` holds and stands on, and `bucket`. `progress` is told what is done, now and then.
pub(crate) async fn verify(
    engine: &Engine,
    context: &Context,
    indexes: &Indexes,
    bucket: Option<&Bucket>,
    progress: &(dyn Fn(&Verified) + Send + Sync),
) -> Result<Verified> {
    let mut done = Verified::default();
    let begun = context.version().await?;
    let log = log::read(context, &mut done).await?;
    engine.reach(begun).await?;
    let backed_up = match bucket {
        Some(bucket) => backed_up(context, bucket).await?,
        None => None,
    };
    let verify = Verify { engine, context, indexes, bucket, backed_up, log, begun };
    let all = collections::list_all(context).await?;
    for (tenant, named) in &all {
        verify.collection(tenant, named, &mut done, progress).await?;
        done.collections += 1;
    }
    verify.other_collections(&all, &mut done).await?;
    verify.log_names_what_is_there(&all, &mut done).await?;
    if let Some(bucket) = bucket {
        verify.snapshots(bucket, &mut done, progress).await?;
    }
    Ok(done)
}

/// Up to which version the bucket should have everything.
async fn backed_up(context: &Context, bucket: &Bucket) -> Result<Option<Version>> {
    let state = backup::state::read(context).await?.filter(|state| state.bucket == bucket.url());
    Ok(state.and_then(|state| match state.progress {
        Progress::Following { through } => Some(through),
        Progress::Copying { .. } => None,
    }))
}

impl Verify<'_> {
    async fn collection(
        &self,
        tenant: &TenantId,
        named: &Named,
        done: &mut Verified,
        progress: &(dyn Fn(&Verified) + Send + Sync),
    ) -> Result<()> {
        let place = format!("{tenant}/{}", named.name);
        let mut objects = self.objects(tenant, named).await?;
        let seen = self.documents(tenant, named, &mut objects, done, progress).await?;
        if let Some((counted, there)) = documents::counts(self.context, tenant, named).await?
            && counted != there
        {
            let [counted, there] =
                [counted, there].map(|(documents, passages)| format!("{documents} documents and {passages} passages"));
            done.differs(Area::Store, &place, format!("counted are {counted}, there are {there}"));
        }
        self.strangers(tenant, named, &seen, done).await?;
        self.other_objects(tenant, named, objects, done).await?;
        let keys = self.context.keys.tenant(tenant);
        let orphaned = orphans(self.context, &keys, named.head.id).await?;
        // The clean-up takes a generation and what names it away together, also while it is looked for.
        let still = match orphaned.is_empty() {
            true => Vec::new(),
            false => orphans(self.context, &keys, named.head.id).await?,
        };
        for orphan in orphaned.into_iter().filter(|orphan| still.contains(orphan)) {
            done.differs(Area::Store, &place, format!("generation {} belongs to no document", orphan.0));
        }
        Ok(())
    }

    /// Documents that are indexed and not there.
    async fn strangers(
        &self,
        tenant: &TenantId,
        named: &Named,
        seen: &HashSet<DocumentId>,
        done: &mut Verified,
    ) -> Result<()> {
        let place = |id: &DocumentId| format!("{tenant}/{}/{id}", named.name);
        let Some(index) = self.indexes.by_id(named.head.id) else {
            done.differs(Area::Index, format!("{tenant}/{}", named.name), "the collection is not indexed");
            return Ok(());
        };
        for what in index.faults_of_legs() {
            done.differs(Area::Index, format!("{tenant}/{}", named.name), what);
        }
        for id in index.documents().into_iter().filter(|id| !seen.contains(id)) {
            let (now, state) = documents::at_version(self.context, tenant, named, &id).await?;
            self.engine.reach(now).await?;
            // What came back since is of a later version.
            if state.is_none() && index.version_of(&id).is_some_and(|version| version <= now) {
                done.differs(Area::Index, place(&id), "it is indexed, and not in the store");
            }
        }
        Ok(())
    }

    /// Collections that are indexed and not there.
    async fn other_collections(&self, all: &[(TenantId, Named)], done: &mut Verified) -> Result<()> {
        let there: HashSet<_> = all.iter().map(|(_, named)| named.head.id).collect();
        let others = self.indexes.all().into_iter().filter(|index| !there.contains(&index.id));
        let others: Vec<_> = others.map(|index| index.id).collect();
        if others.is_empty() {
            return Ok(());
        }
        self.catch_up().await?;
        let there: HashSet<_> =
            collections::list_all(self.context).await?.into_iter().map(|(_, named)| named.head.id).collect();
        for id in others.into_iter().filter(|id| !there.contains(id) && self.indexes.by_id(*id).is_some()) {
            done.differs(Area::Index, id.0.to_string(), "the collection is indexed, and not in the store");
        }
        Ok(())
    }

    /// Waits until the indexes have what the store has by now.
    async fn catch_up(&self) -> Result<()> {
        self.engine.reach(self.context.version().await?).await
    }
}

/// How often something that differs is looked at before it is reported, and the pause before it is looked at again.
const LOOKS: usize = 3;
/// How often one is looked at that changes meanwhile.
const MOST_LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);
const _: () = assert!(1 < LOOKS && LOOKS < MOST_LOOKS);
