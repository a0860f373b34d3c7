//! The thread that makes transactions durable: takes what is queued, refuses what conflicts, writes the rest with one flush,
//! publishes the new view, wakes watches, answers.

use std::sync::Arc;
use std::time::Duration;

use super::commit::{Changed, Reply, Request};
use super::engine::{Batch, Engine};
use super::history::History;
use super::lock::DirectoryLock;
use super::options::EmbeddedOptions;
use super::queue::Taker;
use super::view::{View, Views};
use super::watches::Watches;
use crate::atomic;
use crate::error::{Error, ErrorKind, Result};
use crate::key::key_after;
use crate::limits;
use crate::mutation::{AtomicOp, Mutation};
use crate::stamp;
use crate::transaction::Committed;

/// Everything that only the committer thread touches.
pub(super) struct Committer {
    /// `None` while the disk refuses to let it be opened again.
    engine: Option<Engine>,
    options: EmbeddedOptions,
    /// The last version that a batch got, durable or not.
    version: u64,
    history: History,
    views: Arc<Views>,
    watches: Arc<Watches>,
    resting: Option<Resting>,
    _lock: DirectoryLock,
}

/// After a disk error: until when batches are refused with it, so that recovering over and over does not keep readers out.
struct Resting {
    until: Duration,
    error: Error,
}

/// A transaction that is to be written.
struct Accepted {
    mutations: Vec<Mutation>,
    reply: Reply,
}

impl Committer {
    pub(super) fn new(
        engine: Engine,
        options: EmbeddedOptions,
        version: u64,
        views: Arc<Views>,
        watches: Arc<Watches>,
        lock: DirectoryLock,
    ) -> Self {
        let history = History::default();
        Self { engine: Some(engine), options, version, history, views, watches, resting: None, _lock: lock }
    }

    /// Works until the queue is closed and empty, then closes the engine.
    pub(super) fn run(mut self, queue: &Taker) -> Result<()> {
        let mut expected = 1;
        while let Some(batch) = queue.0.take(expected, self.patience()) {
            expected = batch.len();
            self.commit(batch);
        }
        self.views.close();
        self.engine.take().map_or(Ok(()), Engine::close)
    }

    /// How long to wait for transactions: not for ever while the engine has yet to be opened again, which readers wait for.
    fn patience(&self) -> Option<Duration> {
        self.engine.is_none().then_some(limits::RECOVERY_PAUSE)
    }

    fn commit(&mut self, batch: Vec<Request>) {
        let started = self.options.clock.monotonic();
        let current = match self.ready(started) {
            Ok(current) => current,
            Err(error) => return refuse(batch.into_iter().map(|request| request.reply), &error),
        };
        self.history.retire(current, started);
        let version = batch.iter().map(|request| request.above).fold(self.version, u64::max) + 1;
        let accepted = self.resolve(batch, version, started);
        if accepted.is_empty() {
            return;
        }
        self.version = version;
        match self.write(&accepted) {
            Ok((view, changed)) => self.publish(view, &changed, accepted, started),
            Err(error) => self.fail(error, accepted, started),
        }
    }

    /// The version that new transactions read at, once the engine is open.
    fn ready(&mut self, now: Duration) -> Result<u64> {
        if let Some(resting) = self.resting.take_if(|resting| now < resting.until) {
            let error = resting.error.clone();
            self.resting = Some(resting);
            return Err(error);
        }
        self.resting = None;
        if let Err(error) = self.recover() {
            self.rest(&error, now);
            return Err(error);
        }
        Ok(self.views.current()?.version)
    }

    /// Refuses commits for a while after an error of the disk that took from `since` until now.
    fn rest(&mut self, error: &Error, since: Duration) {
        let now = self.options.clock.monotonic();
        let until = now + limits::REST_FACTOR * now.saturating_sub(since);
        self.resting = Some(Resting { until, error: while_resting(error) });
    }

    /// Answers those that conflict or are too old; the rest are to be written, in this order.
    fn resolve(&mut self, batch: Vec<Request>, version: u64, now: Duration) -> Vec<Accepted> {
        let mut accepted = Vec::with_capacity(batch.len());
        for request in batch {
            match self.history.check(&request, now) {
                Ok(()) => {
                    self.history.note(&request, version, order(accepted.len()));
                    accepted.push(Accepted { mutations: request.mutations, reply: request.reply });
                }
                Err(error) => {
                    let kind = if error.kind() == ErrorKind::Conflict { "conflict" } else { "too_old" };
                    metrics::counter!("store_refused_total", "kind" => kind).increment(1);
                    answer(request.reply, Err(error));
                }
            }
        }
        accepted
    }

    fn write(&self, accepted: &[Accepted]) -> Result<(View, Changed)> {
        let engine = self.engine.as_ref().ok_or_else(Error::closed)?;
        let changed = engine.write(self.version, |batch| {
            let mut changed = Changed::default();
            for (index, transaction) in accepted.iter().enumerate() {
                let stamp = stamp::stamp(self.version, order(index));
                for mutation in &transaction.mutations {
                    apply(batch, mutation, &stamp, &mut changed)?;
                }
            }
            Ok(changed)
        })?;
        Ok((engine.view(self.version)?, changed))
    }

    fn publish(&mut self, view: View, changed: &Changed, accepted: Vec<Accepted>, started: Duration) {
        let view = Arc::new(view);
        let before = self.views.publish(Arc::clone(&view));
        let now = self.options.clock.monotonic();
        if let Some(before) = before {
            self.history.supersede(&before, now);
        }
        self.watches.wake(changed, &view);
        measure(&accepted, now.saturating_sub(started));
        for (index, transaction) in accepted.into_iter().enumerate() {
            let versionstamp = Some(stamp::stamp(view.version, order(index)));
            answer(transaction.reply, Ok(Committed { version: view.version, versionstamp }));
        }
    }

    /// After an error of the disk: finds out by opening the engine again whether the batch is there, and answers.
    fn fail(&mut self, error: Error, accepted: Vec<Accepted>, started: Duration) {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "write a batch of transactions");
        metrics::counter!("store_write_errors_total").increment(1);
        let attempted = self.version;
        self.views.recover();
        // Closing flushes what it can; the error that matters is the one at hand.
        let _ = self.engine.take().map(Engine::close);
        let stored = self.recover();
        self.rest(&error, started);
        let error = match stored {
            Ok(Some(stored)) if stored < attempted => error,
            _ => Error::with_source(ErrorKind::UnknownResult, "commit has an unknown result", error),
        };
        refuse(accepted.into_iter().map(|transaction| transaction.reply), &error);
    }

    /// Opens the engine again if it was lost, and answers the version that it then has.
    fn recover(&mut self) -> Result<Option<u64>> {
        if self.engine.is_some() {
            return Ok(None);
        }
        let engine = Engine::open(&self.options)?;
        let version = engine.version()?;
        self.history.restart(version);
        self.version = self.version.max(version);
        self.views.publish(Arc::new(engine.view(version)?));
        self.engine = Some(engine);
        self.watches.wake_all();
        tracing::info!(version, "store recovered from a disk error");
        Ok(Some(version))
    }
}

/// What commits that were not tried are told.
fn while_resting(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Full => error.clone(),
        _ => Error::with_source(ErrorKind::Unavailable, "store recovers from a disk error", error.clone()),
    }
}

/// The place within a batch, as a versionstamp has it.
fn order(index: usize) -> u16 {
    const { assert!(limits::BATCH_TRANSACTIONS <= u16::MAX as usize) };
    u16::try_from(index).unwrap_or(u16::MAX)
}

fn measure(accepted: &[Accepted], took: Duration) {
    let bytes: usize = accepted.iter().flat_map(|transaction| &transaction.mutations).map(Mutation::size).sum();
    metrics::counter!("store_commits_total").increment(accepted.len() as u64);
    metrics::counter!("store_commit_bytes_total").increment(bytes as u64);
    metrics::histogram!("store_batch_transactions").record(accepted.len() as f64);
    metrics::histogram!("store_flush_seconds").record(took.as_secs_f64());
}

/// Writes one mutation into the batch.
fn apply(batch: &mut Batch<'_>, mutation: &Mutation, stamp: &stamp::Stamp, changed: &mut Changed) -> Result<()> {
    match mutation {
        Mutation::Set { key, value } => {
            changed.keys.push(key.clone());
            batch.put(key, value)
        }
        Mutation::ClearRange { begin, end } if *end == key_after(begin) => {
            changed.keys.push(begin.clone());
            batch.remove(begin)
        }
        Mutation::ClearRange { begin, end } => {
            changed.ranges.push((begin.clone(), end.clone()));
            batch.remove_range(begin, end)
        }
        Mutation::Atomic { op: AtomicOp::SetVersionstampedKey, key, param } => {
            let key = stamp::fill(key, stamp)?;
            batch.put(&key, param)?;
            changed.keys.push(key);
            Ok(())
        }
        Mutation::Atomic { op: AtomicOp::SetVersionstampedValue, key, param } => {
            changed.keys.push(key.clone());
            batch.put(key, &stamp::fill(param, stamp)?)
        }
        Mutation::Atomic { op, key, param } => {
            changed.keys.push(key.clone());
            match atomic::apply(*op, batch.get(key)?.as_deref(), param) {
                Some(value) => batch.put(key, &value),
                None => batch.remove(key),
            }
        }
    }
}

fn refuse(replies: impl Iterator<Item = Reply>, error: &Error) {
    replies.for_each(|reply| answer(reply, Err(error.clone())));
}

fn answer(reply: Reply, result: Result<Committed>) {
    // A caller that no longer waits has dropped the receiver, which changes nothing about the commit.
    let _ = reply.send(result);
}
