//! Upkeep of the store: jobs that one process does for all that share it, each under a lease of its own.

mod sweep;

pub(crate) use sweep::orphans;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coditect_store::{Lease, Term};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::backup::{self, Backup};
use crate::documents::log::trim::Kept;
use crate::documents::{Context, cleanup, log};
use crate::error::{Result, chain};
use crate::limits;
use crate::snapshots::{self, Snapshots};

/// When the jobs run, and what they leave.
#[derive(Debug, Clone, Copy)]
pub struct UpkeepOptions {
    /// How long replaced generations stay readable for searches already under way.
    pub retired_grace: Duration,
    /// Pause between two rounds of the clean-up of replaced generations, dropped collections and abandoned writes.
    pub cleanup_interval: Duration,
    /// How long entries of the change log are kept. A process that is behind by more builds its indexes anew from the documents.
    pub log_retention: Duration,
    /// Pause between two rounds that take older entries off the log.
    pub trim_interval: Duration,
    /// Pause between two sweeps of generations that nothing names.
    pub sweep_interval: Duration,
    /// Pause between two looks at whether a collection needs a snapshot.
    pub snapshot_look: Duration,
    /// Pause between two looks at whether something is missing in the backup.
    pub backup_look: Duration,
    /// After how long a job is taken over from a process that does not say any more that it is at it.
    pub lease: Duration,
}

impl Default for UpkeepOptions {
    fn default() -> Self {
        Self {
            retired_grace: limits::RETIRED_GRACE,
            cleanup_interval: limits::CLEANUP_INTERVAL,
            log_retention: limits::LOG_RETENTION,
            trim_interval: limits::TRIM_INTERVAL,
            sweep_interval: limits::SWEEP_INTERVAL,
            snapshot_look: limits::SNAPSHOT_LOOK,
            backup_look: limits::BACKUP_LOOK,
            lease: limits::LEASE,
        }
    }
}

impl UpkeepOptions {
    /// Nothing is done: for a process that only looks.
    #[must_use]
    pub fn none() -> Self {
        let never = Duration::MAX;
        Self {
            cleanup_interval: never,
            trim_interval: never,
            sweep_interval: never,
            snapshot_look: never,
            backup_look: never,
            ..Self::default()
        }
    }
}

/// The jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Job {
    /// Clears replaced generations, dropped collections and abandoned writes.
    Cleanup,
    /// Takes old entries off the change log.
    Trim,
    /// Clears generations that nothing names.
    Sweep,
    /// Makes snapshots of the indexes.
    Snapshot,
    /// Brings changed documents to the backup.
    Backup,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Self::Cleanup => "cleanup",
            Self::Trim => "trim",
            Self::Sweep => "sweep",
            Self::Snapshot => "snapshot",
            Self::Backup => "backup",
        }
    }

    fn interval(self, options: &UpkeepOptions) -> Duration {
        match self {
            Self::Cleanup => options.cleanup_interval,
            Self::Trim => options.trim_interval,
            Self::Sweep => options.sweep_interval,
            Self::Snapshot => options.snapshot_look,
            Self::Backup => options.backup_look,
        }
    }
}

/// Does the jobs for this process.
pub(crate) struct Upkeep {
    pub(crate) context: Context,
    pub(crate) options: UpkeepOptions,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) backup: Option<Backup>,
    pub(crate) stop: CancellationToken,
    /// The leases of rounds that were asked for. Whose record has been the same for how long is remembered from one to the next.
    pub(crate) asked: Mutex<HashMap<Job, Lease>>,
}

impl Upkeep {
    /// Does every job now and then until it is stopped.
    pub(crate) async fn run(self: Arc<Self>) {
        tokio::join!(
            self.every(Job::Cleanup),
            self.every(Job::Trim),
            self.every(Job::Sweep),
            self.every(Job::Snapshot),
            self.every(Job::Backup),
        );
    }

    async fn every(&self, job: Job) {
        let mut lease = self.lease(job);
        let interval = job.interval(&self.options);
        let mut pause = interval;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.once(job, &mut lease).await {
                Ok(_) => interval,
                Err(error) => {
                    tracing::warn!(job = job.name(), error = %chain(&error), "a job of the upkeep failed, trying again later");
                    (2 * pause).min(limits::UPKEEP_BACKOFF_MAX).max(interval)
                }
            };
        }
    }

    /// One round now, as [`crate::Engine::upkeep`] says.
    pub(crate) async fn now(&self, job: Job) -> Result<Option<usize>> {
        let mut asked = self.asked.lock().await;
        self.once(job, asked.entry(job).or_insert_with(|| self.lease(job))).await
    }

    fn lease(&self, job: Job) -> Lease {
        Lease::new(self.context.store.clone(), self.context.keys.lease(job.name()), self.options.lease)
    }

    /// One round, if there is something to do and no other process is at it.
    async fn once(&self, job: Job, lease: &mut Lease) -> Result<Option<usize>> {
        let done = self.counted(job, lease).await;
        if let Err(error) = lease.release().await {
            tracing::warn!(job = job.name(), %error, "the lease of a job was not given back: others wait until it runs out");
        }
        done
    }

    async fn counted(&self, job: Job, lease: &mut Lease) -> Result<Option<usize>> {
        let name = job.name();
        let started = Instant::now();
        let work = async {
            if !self.is_due(job).await? {
                return Ok(None);
            }
            // Only the work itself is dropped when this process stops: a lease that is being taken would stay taken.
            let until_stopped = |term| async move {
                tokio::select! {
                    () = self.stop.cancelled() => Ok(0),
                    done = self.round(job, &term) => done,
                }
            };
            lease.during(until_stopped).await?.transpose()
        };
        let done = work.await;
        match &done {
            Ok(None) => return done,
            Ok(Some(done)) => {
                metrics::counter!("engine_upkeep_rounds_total", "job" => name).increment(1);
                metrics::counter!("engine_upkeep_done_total", "job" => name).increment(*done as u64);
            }
            Err(_) => metrics::counter!("engine_upkeep_failures_total", "job" => name).increment(1),
        }
        metrics::histogram!("engine_upkeep_seconds", "job" => name).record(started.elapsed());
        done
    }

    /// Whether a round would find something to do: looking takes no lease and writes nothing.
    async fn is_due(&self, job: Job) -> Result<bool> {
        let context = &self.context;
        match job {
            Job::Cleanup => cleanup::is_due(context, self.options.retired_grace).await,
            Job::Trim => log::trim::is_due(context, self.kept().await?).await,
            Job::Sweep => Ok(true),
            Job::Snapshot => match &self.snapshots {
                Some(snapshots) => snapshots.is_due(context).await,
                None => Ok(false),
            },
            Job::Backup => match &self.backup {
                Some(backup) => backup.is_due(context).await,
                None => Ok(false),
            },
        }
    }

    /// One round; answers how many things it made or took away.
    async fn round(&self, job: Job, term: &Term) -> Result<usize> {
        let context = &self.context;
        match job {
            Job::Cleanup => cleanup::round(context, term, self.options.retired_grace).await,
            Job::Trim => log::trim::round(context, term, self.kept().await?).await,
            Job::Sweep => sweep::round(context, term).await,
            Job::Snapshot => match &self.snapshots {
                Some(snapshots) => snapshots.round(context, term).await,
                None => Ok(0),
            },
            Job::Backup => match &self.backup {
                Some(backup) => backup.round(context, term).await,
                None => Ok(0),
            },
        }
    }

    /// What of the change log is kept.
    async fn kept(&self) -> Result<Kept> {
        let needed =
            [snapshots::log_needed_behind(&self.context).await?, backup::log_needed_behind(&self.context).await?];
        Ok(Kept { time: self.options.log_retention, behind: needed.into_iter().flatten().min() })
    }
}
