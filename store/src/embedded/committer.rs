//! The thread that makes transactions durable: takes what is queued, refuses what conflicts, writes the rest with one flush,
//! publishes the new view, wakes watches, answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::commit::{Changed, Reply, Request};
use super::conflicts::Conflicts;
use super::engine::{Batch, Engine};
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
    version: u64,
    conflicts: Conflicts,
    /// Views that are no longer current and when they ceased to be, oldest first.
    past: VecDeque<(Arc<View>, Duration)>,
    views: Arc<Views>,
    watches: Arc<Watches>,
    _lock: DirectoryLock,
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
        Self {
            engine: Some(engine),
            options,
            version,
            conflicts: Conflicts::default(),
            past: VecDeque::new(),
            views,
            watches,
            _lock: lock,
        }
    }

    /// Works until the queue is closed and empty, then closes the engine.
    pub(super) fn run(mut self, queue: &Taker) -> Result<()> {
        let mut expected = 1;
        while let Some(batch) = queue.0.take(expected) {
            expected = batch.len();
            self.commit(batch);
        }
        self.views.close();
        self.engine.take().map_or(Ok(()), Engine::close)
    }

    fn commit(&mut self, batch: Vec<Request>) {
        let started = self.options.clock.monotonic();
        if let Err(error) = self.recover() {
            return refuse(batch, &error);
        }
        let horizon = self.retire(started);
        self.version += 1;
        let accepted = self.resolve(batch, horizon, started);
        if accepted.is_empty() {
            return;
        }
        match self.write(&accepted) {
            Ok((view, changed)) => self.publish(view, &changed, accepted, started),
            Err(error) => self.fail(error, accepted),
        }
    }

    /// Gives up views that no transaction may use any more, and answers the oldest version that one may still read at.
    fn retire(&mut self, now: Duration) -> u64 {
        while let Some((view, until)) = self.past.front() {
            if now.saturating_sub(*until) <= limits::TRANSACTION_LIFE || !view.retire() {
                break;
            }
            self.past.pop_front();
        }
        let horizon = self
            .past
            .front()
            .map_or(self.version, |(view, _)| view.version);
        self.conflicts.forget(horizon);
        horizon
    }

    /// Answers those that conflict or are too old; the rest are to be written, in this order.
    fn resolve(&mut self, batch: Vec<Request>, horizon: u64, now: Duration) -> Vec<Request> {
        let mut accepted = Vec::with_capacity(batch.len());
        for request in batch {
            let verdict = self.check(&request, horizon, now);
            match verdict {
                Ok(()) => {
                    let order = u16::try_from(accepted.len()).unwrap_or(u16::MAX);
                    self.note_writes(&request, order);
                    accepted.push(request);
                }
                Err(error) => {
                    metrics::counter!("store_refused_total", "kind" => refusal(error.kind()))
                        .increment(1);
                    answer(request.reply, Err(error));
                }
            }
        }
        accepted
    }

    fn check(&self, request: &Request, horizon: u64, now: Duration) -> Result<()> {
        let age = now.saturating_sub(request.started);
        if age > limits::TRANSACTION_LIFE || request.read_version < horizon {
            return Err(Error::too_old());
        }
        let stale = |(begin, end): &(Bytes, Bytes)| {
            self.conflicts
                .written_since(begin, end, request.read_version)
        };
        if request.reads.iter().any(stale) {
            Err(Error::conflict())
        } else {
            Ok(())
        }
    }

    fn note_writes(&mut self, request: &Request, order: u16) {
        let version = self.version;
        for mutation in &request.mutations {
            match mutation {
                Mutation::ClearRange { begin, end } => self.conflicts.write(begin, end, version),
                Mutation::Atomic {
                    op: AtomicOp::SetVersionstampedKey,
                    key,
                    ..
                } => {
                    if let Ok(key) = stamp::fill(key, &stamp::stamp(version, order)) {
                        self.conflicts.write_key(&key, version);
                    }
                }
                Mutation::Set { key, .. } | Mutation::Atomic { key, .. } => {
                    self.conflicts.write_key(key, version);
                }
            }
        }
        for (begin, end) in &request.writes {
            self.conflicts.write(begin, end, version);
        }
    }

    fn write(&self, accepted: &[Request]) -> Result<(View, Changed)> {
        let engine = self.engine.as_ref().ok_or_else(Error::closed)?;
        let changed = engine.write(self.version, |batch| {
            let mut changed = Changed::default();
            for (order, request) in accepted.iter().enumerate() {
                let stamp = stamp::stamp(self.version, u16::try_from(order).unwrap_or(u16::MAX));
                for mutation in &request.mutations {
                    apply(batch, mutation, &stamp, &mut changed)?;
                }
            }
            Ok(changed)
        })?;
        Ok((engine.view(self.version)?, changed))
    }

    fn publish(
        &mut self,
        view: View,
        changed: &Changed,
        accepted: Vec<Request>,
        started: Duration,
    ) {
        let version = view.version;
        let before = self.views.publish(view);
        let now = self.options.clock.monotonic();
        self.past.extend(before.map(|view| (view, now)));
        let Ok(view) = self.views.current() else {
            return;
        };
        self.watches.wake(changed, &view);
        metrics::counter!("store_commits_total").increment(accepted.len() as u64);
        metrics::histogram!("store_batch_transactions").record(accepted.len() as f64);
        metrics::histogram!("store_flush_seconds")
            .record(now.saturating_sub(started).as_secs_f64());
        for (order, request) in accepted.into_iter().enumerate() {
            metrics::counter!("store_commit_bytes_total").increment(request.size() as u64);
            let order = u16::try_from(order).unwrap_or(u16::MAX);
            let committed = Committed {
                version,
                versionstamp: Some(stamp::stamp(version, order)),
            };
            answer(request.reply, Ok(committed));
        }
    }

    /// After an error of the disk: finds out by opening the engine again whether the batch is there, and answers.
    fn fail(&mut self, error: Error, accepted: Vec<Request>) {
        tracing::error!(%error, source = ?std::error::Error::source(&error), "write a batch of transactions");
        metrics::counter!("store_write_errors_total").increment(1);
        let attempted = self.version;
        self.past.extend(
            self.views
                .recover()
                .map(|view| (view, self.options.clock.monotonic())),
        );
        // Closing flushes what it can; the error that matters is the one at hand.
        let _ = self.engine.take().map(Engine::close);
        let stored = self
            .recover()
            .ok()
            .and(self.engine.as_ref())
            .map(Engine::version);
        match stored {
            Some(Ok(stored)) if stored < attempted => refuse(accepted, &error),
            _ => {
                let unknown = Error::with_source(
                    ErrorKind::UnknownResult,
                    "commit has an unknown result",
                    error,
                );
                refuse(accepted, &unknown);
            }
        }
    }

    /// Opens the engine again if it was lost.
    fn recover(&mut self) -> Result<()> {
        if self.engine.is_some() {
            return Ok(());
        }
        let engine = Engine::open(&self.options)?;
        self.version = self.version.max(engine.version()?);
        let view = engine.view(self.version)?;
        self.views.publish(view);
        self.engine = Some(engine);
        self.watches.wake_all();
        tracing::info!(version = self.version, "store recovered from a disk error");
        Ok(())
    }
}

/// Writes one mutation into the batch.
fn apply(
    batch: &mut Batch<'_>,
    mutation: &Mutation,
    stamp: &stamp::Stamp,
    changed: &mut Changed,
) -> Result<()> {
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
        Mutation::Atomic {
            op: AtomicOp::SetVersionstampedKey,
            key,
            param,
        } => {
            let key = stamp::fill(key, stamp)?;
            batch.put(&key, param)?;
            changed.keys.push(key);
            Ok(())
        }
        Mutation::Atomic {
            op: AtomicOp::SetVersionstampedValue,
            key,
            param,
        } => {
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

fn refuse(requests: Vec<Request>, error: &Error) {
    for request in requests {
        answer(request.reply, Err(error.clone()));
    }
}

fn answer(reply: Reply, result: Result<Committed>) {
    // A caller that no longer waits has dropped the receiver, which changes nothing about the commit.
    let _ = reply.send(result);
}

fn refusal(kind: ErrorKind) -> &'static str {
    if kind == ErrorKind::Conflict {
        "conflict"
    } else {
        "too_old"
    }
}
