//! The backup: every document as an object of its own in the bucket, so that a store that is lost can be made again.
//!
//! One process at a time brings there, under a lease, what the change log tells of; at first, and when the log no longer reaches back, everything. What a new
//! object replaces goes to the history, so that an earlier state can be restored too. [`restore`] makes an empty store again from it.

mod copy;
mod follow;
mod keep;
mod object;
mod place;
pub(crate) mod restore;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

use std::time::Duration;

use coditect_store::Term;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use self::keep::Keeper;
use self::state::{Progress, State};
use crate::bucket::Bucket;
use crate::documents::{Context, log};
use crate::error::Result;
use crate::limits;
use crate::model::Version;

/// Where the backup goes, and what of it stays.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The bucket.
    pub bucket: Bucket,
    /// How long it stays possible to go back to a state that was replaced or removed.
    pub history: Duration,
}

impl BackupOptions {
    /// The usual history, in `bucket`.
    #[must_use]
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, history: limits::BACKUP_HISTORY }
    }
}

/// How far the backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupInfo {
    /// The bucket's URL.
    pub bucket: String,
    /// No change up to this version is missing there; `None` while everything is being brought there.
    pub through: Option<Version>,
    /// When that was written down.
    pub at: Timestamp,
}

impl From<State> for BackupInfo {
    fn from(state: State) -> Self {
        let through = match state.progress {
            Progress::Copying { .. } => None,
            Progress::Following { through } => Some(through),
        };
        Self { bucket: state.bucket, through, at: state.at }
    }
}

/// Makes the backup of the store.
pub(crate) struct Backup {
    options: BackupOptions,
    keeper: Keeper,
    /// When this process last found nothing missing, on the monotonic clock.
    complete_at: Mutex<Option<Duration>>,
}

impl Backup {
    pub(crate) fn new(options: BackupOptions) -> Self {
        let keeper = Keeper { bucket: options.bucket.clone() };
        Self { options, keeper, complete_at: Mutex::new(None) }
    }

    /// Whether something is missing in the bucket, or kept for too long.
    pub(crate) async fn is_due(&self, context: &Context) -> Result<bool> {
        let keys = &context.keys;
        let tail = context.store.run(|tx| async move { log::tail(&tx, keys).await }).await?;
        let state = state::read(context).await?.filter(|state| state.bucket == self.options.bucket.url());
        let is_missing = !state
            .as_ref()
            .is_some_and(|state| matches!(state.progress, Progress::Following { through } if through >= tail));
        self.measure(context, is_missing);
        Ok(is_missing || state.is_some_and(|state| self.is_past(context, &state, limits::BACKUP_PRUNE)))
    }

    /// Says for how long something has been missing.
    fn measure(&self, context: &Context, is_missing: bool) {
        let now = context.clock.monotonic();
        let mut complete_at = self.complete_at.lock();
        if !is_missing {
            *complete_at = Some(now);
        }
        let since = complete_at.get_or_insert(now);
        metrics::gauge!("engine_backup_lag_seconds").set(now.saturating_sub(*since).as_secs_f64());
    }

    fn is_past(&self, context: &Context, state: &State, age: Duration) -> bool {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        context.clock.now().duration_since(state.pruned_at) >= age
    }

    /// One round: brings to the bucket what is missing there. Answers how many objects it changed.
    pub(crate) async fn round(&self, context: &Context, term: &Term) -> Result<usize> {
        let mut state = self.begin(context, term).await?;
        state::claim(&self.options.bucket, state.store).await?;
        let mut changed = 0;
        loop {
            let Progress::Following { through } = state.progress else {
                changed += self.copy(context, term, &mut state).await?;
                continue;
            };
            match log::read(&context.store, &context.keys, through).await? {
                Some(page) if page.entries.is_empty() => break,
                Some(page) => {
                    let through = page.through;
                    changed += follow::follow(context, &self.keeper, page).await?;
                    state.progress = Progress::Following { through };
                }
                None => {
                    tracing::warn!("the change log no longer reaches back to the backup: every document is compared");
                    state.progress = copying(context).await?;
                }
            }
            state.at = context.clock.now();
            state::save(context, term, &state).await?;
        }
        if self.is_past(context, &state, limits::BACKUP_PRUNE) {
            let (pruned, is_all) = self.prune(context).await?;
            changed += pruned;
            if is_all {
                state.pruned_at = context.clock.now();
                state::save(context, term, &state).await?;
            }
        }
        Ok(changed)
    }

    /// The state, or a new one for a bucket where everything has yet to go.
    async fn begin(&self, context: &Context, term: &Term) -> Result<State> {
        let bucket = &self.options.bucket;
        let known = state::read(context).await?;
        if let Some(state) = known.as_ref().filter(|state| state.bucket == bucket.url()) {
            return Ok(state.clone());
        }
        let mut state = State::new(context, bucket, copying(context).await?);
        state.store = known.map_or(state.store, |known| known.store);
        state::save(context, term, &state).await?;
        Ok(state)
    }

    /// Takes away what was replaced or removed too long ago, so much of it that changes need not wait for long. Answers how many objects that were, and whether it was all.
    async fn prune(&self, context: &Context) -> Result<(usize, bool)> {
        let history = SignedDuration::try_from(self.options.history).unwrap_or(SignedDuration::MAX);
        let Ok(before) = context.clock.now().checked_sub(history) else { return Ok((0, true)) };
        let mut old = self.options.bucket.list_older(place::HISTORY, before).await?;
        let is_all = old.len() <= limits::BACKUP_PRUNE_BATCH;
        old.truncate(limits::BACKUP_PRUNE_BATCH);
        let (count, bucket) = (old.len(), &self.options.bucket);
        let deleted = old.into_iter().map(|path| async move { bucket.delete(&path).await });
        stream::iter(deleted).buffer_unordered(limits::BUCKET_CONCURRENCY).try_collect::<()>().await?;
        Ok((count, is_all))
    }
}

/// The beginning of bringing everything to the bucket.
async fn copying(context: &Context) -> Result<Progress> {
    Ok(Progress::Copying { from: context.version().await?, after: None })
}

/// The version behind which the change log must be kept for the backup.
pub(crate) async fn log_needed_behind(context: &Context) -> Result<Option<Version>> {
    let longest = SignedDuration::try_from(limits::BACKUP_HOLDS).unwrap_or(SignedDuration::MAX);
    let now = context.clock.now();
    let state = state::read(context).await?.filter(|state| now.duration_since(state.at) < longest);
    Ok(state.map(|state| match state.progress {
        Progress::Copying { from, .. } => from,
        Progress::Following { through } => through,
    }))
}
