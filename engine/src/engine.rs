//! The engine as its callers hold it: opening and closing. Everything else goes through a [`Tenant`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coditect_store::{Clock, Store};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::backup::{self, Backup, BackupInfo, BackupOptions};
use crate::bucket::Bucket;
use crate::documents::{self, Context};
use crate::error::{Error, Result};
use crate::index::{Applied, Follower, Indexes};
use crate::limits;
use crate::model::{CollectionInfo, TenantId, Version};
use crate::recall::{self, RecallOptions, Sampler};
use crate::snapshots::{self, SnapshotInfo, SnapshotOptions, Snapshots};
use crate::storage::Keys;
use crate::tenant::Tenant;
use crate::upkeep::{Job, Upkeep, UpkeepOptions};
use crate::verify::{self, Verified};

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The first element of every key.
    pub root: String,
    /// When the store is tidied up, and what stays.
    pub upkeep: UpkeepOptions,
    /// Where snapshots of the indexes go; `None` for none: then they are built from the documents at every start.
    pub snapshots: Option<SnapshotOptions>,
    /// Where every document is backed up; `None` for nowhere.
    pub backup: Option<BackupOptions>,
    /// An existing folder for parts of the indexes that need not be in memory, in files without names that vanish with the
    /// process. About 10 kB for each passage that has token codes.
    pub scratch: PathBuf,
    /// How much of the searches is checked for its recall.
    pub recall: RecallOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            root: "coditect".into(),
            upkeep: UpkeepOptions::default(),
            snapshots: None,
            backup: None,
            scratch: std::env::temp_dir(),
            recall: RecallOptions::default(),
        }
    }
}

/// Whether the engine's indexes have reached the head of the change log, and still follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The log has been followed to its head since the start.
    pub ready: bool,
    /// Everything up to this version is visible.
    pub version: Version,
    /// How long ago the log was last read; nothing before the first time.
    pub age: Option<Duration>,
}

impl Readiness {
    /// The log was not read for so long that what is visible may be old.
    pub fn is_behind(&self) -> bool {
        self.age.is_some_and(|age| age > limits::FOLLOW_LOST)
    }
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) context: Context,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) sampler: Arc<Sampler>,
    applied: watch::Receiver<Applied>,
    upkeep: Arc<Upkeep>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts an engine on `store`: its indexes fill in the background, see [`Engine::readiness`].
    ///
    /// Must be called within a tokio runtime.
    pub fn start(store: Store, clock: Clock, options: &EngineOptions) -> Self {
        let scratch = Arc::from(options.scratch.as_path());
        let context = Context { store, keys: Keys::new(&options.root), clock, scratch, observer: None };
        let indexes = Arc::new(Indexes::default());
        let (sender, applied) = watch::channel(Applied::default());
        let stop = CancellationToken::new();
        let follower = Follower {
            context: context.clone(),
            indexes: indexes.clone(),
            applied: sender,
            bucket: options.snapshots.as_ref().map(|snapshots| snapshots.bucket.clone()),
            stop: stop.clone(),
        };
        let (sampler, duty) = recall::on_duty(options.recall, stop.clone());
        let snapshots = options.snapshots.clone();
        let snapshots = snapshots.map(|options| Snapshots::new(options, indexes.clone(), applied.clone()));
        let backup = options.backup.clone().map(Backup::new);
        let (asked, upkeep_options) = (Default::default(), options.upkeep);
        let upkeep =
            Upkeep { context: context.clone(), options: upkeep_options, snapshots, backup, stop: stop.clone(), asked };
        let upkeep = Arc::new(upkeep);
        let tasks = vec![tokio::spawn(follower.run()), tokio::spawn(upkeep.clone().run()), tokio::spawn(duty.run())];
        Self { inner: Arc::new(Inner { context, indexes, sampler, applied, upkeep, stop, tasks: Mutex::new(tasks) }) }
    }

    /// Stops the background work and waits for it. The store stays open.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let tasks = std::mem::take(&mut *self.inner.tasks.lock());
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task of the engine failed");
            }
        }
    }

    /// How far the indexes are.
    pub fn readiness(&self) -> Readiness {
        let applied = *self.inner.applied.borrow();
        let age = applied.at.map(|at| self.inner.context.clock.monotonic().saturating_sub(at));
        Readiness { ready: applied.caught_up, version: applied.version, age }
    }

    /// Waits until the log has been followed to its head.
    ///
    /// # Errors
    /// `Lagging` after `wait`.
    pub async fn ready(&self, wait: Duration) -> Result<Version> {
        self.wait_until(wait, |applied| applied.caught_up, "the indexes are still being built").await
    }

    /// The handle through which everything of a tenant is reached.
    pub fn tenant(&self, tenant: &TenantId) -> Tenant {
        Tenant::new(self.clone(), tenant)
    }

    /// Every collection of every tenant, for those who look after the server as a whole.
    ///
    /// # Errors
    /// Store failures.
    pub async fn collections(&self) -> Result<Vec<(TenantId, CollectionInfo)>> {
        let mut all = Vec::new();
        for (tenant, named) in documents::collections::list_all(&self.inner.context).await? {
            let info = self.tenant(&tenant).info_of(named).await?;
            all.push((tenant, info));
        }
        Ok(all)
    }

    #[cfg(test)]
    pub(crate) fn context(&self) -> &Context {
        &self.inner.context
    }

    #[cfg(test)]
    pub(crate) fn indexes(&self) -> &Arc<Indexes> {
        &self.inner.indexes
    }

    #[cfg(test)]
    pub(crate) fn applied(&self) -> watch::Receiver<Applied> {
        self.inner.applied.clone()
    }

    /// Does one round of a job of the upkeep now instead of when it is next due: a snapshot before a planned stop, a clean-up
    /// behind a large deletion. Answers how many things it made or took away; `None` when there was nothing to do or another process is
    /// at it.
    ///
    /// # Errors
    /// Store failures, and those of the bucket: the job's next round tries again.
    pub async fn upkeep(&self, job: Job) -> Result<Option<usize>> {
        self.inner.upkeep.now(job).await
    }

    /// The snapshots that there are, those of a collection oldest first.
    ///
    /// # Errors
    /// Store failures.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotInfo>> {
        let manifests = snapshots::manifest::all(&self.inner.context).await?;
        Ok(manifests.iter().map(SnapshotInfo::from).collect())
    }

    /// How far the backup is, whichever process makes it; `None` when none was begun.
    ///
    /// # Errors
    /// Store failures.
    pub async fn backup(&self) -> Result<Option<BackupInfo>> {
        Ok(backup::state::read(&self.inner.context).await?.map(BackupInfo::from))
    }

    /// Compares what should say the same: documents, counters and change log in the store, this process's indexes, and the snapshots and the backup in
    /// `bucket`, where there is one. `progress` is told what is done, now and then. Writes may go on.
    ///
    /// # Errors
    /// `Lagging` when the indexes do not follow, store and bucket failures. What differs is no error.
    pub async fn verify(
        &self,
        bucket: Option<&Bucket>,
        progress: impl Fn(&Verified) + Send + Sync,
    ) -> Result<Verified> {
        verify::verify(self, &self.inner.context, &self.inner.indexes, bucket, &progress).await
    }

    /// Waits until the indexes show everything up to `version`.
    pub(crate) async fn reach(&self, version: Version) -> Result<()> {
        let met = |applied: &Applied| applied.version >= version;
        self.wait_until(limits::VERIFY_WAIT, met, "the indexes do not follow").await.map(drop)
    }

    pub(crate) async fn wait_until(
        &self,
        wait: Duration,
        met: impl FnMut(&Applied) -> bool,
        what: &str,
    ) -> Result<Version> {
        let mut applied = self.inner.applied.clone();
        let waited = tokio::time::timeout(wait, applied.wait_for(met)).await;
        match waited {
            Ok(Ok(applied)) => Ok(applied.version),
            Ok(Err(_)) => Err(Error::unavailable("the engine is stopping")),
            Err(_) => Err(Error::lagging(format!("{what}; visible is version {}", self.readiness().version))),
        }
    }
}
