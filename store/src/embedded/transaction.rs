//! A transaction on the embedded backend: its view, its own writes, its conflicts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Shared;
use super::commit::Request;
use super::read::{self, Span};
use super::view::View;
use super::watches::Waiting;
use super::write_map::WriteMap;
use crate::backend::{BackendTransaction, ConflictSide, Isolation};
use crate::error::{Error, Result};
use crate::key::{END, KeySelector, RangeQuery, RangeResult, key_after};
use crate::limits;
use crate::mutation::Mutation;
use crate::transaction::Committed;
use crate::watch::Watch;

pub(super) struct EmbeddedTransaction {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The view that all reads use, and when it was taken; with the first read.
    view: Option<(Arc<View>, Duration)>,
    own: WriteMap,
    mutations: Vec<Mutation>,
    reads: Vec<Span>,
    writes: Vec<Span>,
    watches: Vec<(Bytes, u64, Waiting)>,
    deferred: Option<Error>,
}

impl EmbeddedTransaction {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, state: Mutex::default() }
    }

    /// Runs a read, and notes what it depended on.
    fn read<T>(
        &self,
        isolation: Isolation,
        read: impl FnOnce(&super::engine::EngineView, &WriteMap) -> Result<(T, Vec<Span>)>,
    ) -> Result<T> {
        let mut state = self.state.lock();
        let view = state.view(&self.shared)?.0;
        let (value, spans) = match view.read(|engine| read(engine, &state.own)) {
            Ok(read) => read,
            Err(error) => {
                // As on a cluster: a commit after a read that failed fails with it.
                state.deferred.get_or_insert_with(|| error.clone());
                return Err(error);
            }
        };
        if isolation == Isolation::Serializable {
            for (begin, end) in spans {
                let State { own, reads, .. } = &mut *state;
                match own.is_empty() {
                    true => reads.push((begin, end)),
                    false => reads.extend(own.unknown_parts(begin, end)),
                }
            }
        }
        Ok(value)
    }

    fn read_range(&self, query: &RangeQuery, isolation: Isolation) -> Result<RangeResult> {
        self.read(isolation, |engine, own| {
            let mut spans = Vec::with_capacity(1);
            let begin = resolve(engine, own, &query.begin, &mut spans)?;
            let end = resolve(engine, own, &query.end, &mut spans)?;
            if begin >= end {
                return Ok((RangeResult::default(), spans));
            }
            let (result, span) = read::range(engine, own, (begin, end), query.limit, query.reverse)?;
            spans.push(span);
            Ok((result, spans))
        })
    }

    fn arm(&self, watches: Vec<(Bytes, u64, Waiting)>) {
        for (key, number, watch) in watches {
            self.shared.watches.arm(key, number, watch, || self.shared.views.current());
        }
    }

    async fn submit(&self) -> Result<Committed> {
        let mut state = std::mem::take(&mut *self.state.lock());
        if let Some(error) = state.deferred {
            return Err(error);
        }
        if state.mutations.is_empty() && state.writes.is_empty() {
            let version = match &state.view {
                Some((view, _)) => view.version,
                None => state.view(&self.shared)?.0.version,
            };
            self.arm(state.watches);
            return Ok(Committed { version, versionstamp: None });
        }
        let (view, started) = state.view(&self.shared)?;
        let clock = &self.shared.clock;
        let before = clock.monotonic();
        let State { mutations, reads, writes, watches, .. } = state;
        let committed =
            self.shared.submit(|reply| Request { view, started, reads, writes, mutations, above: 0, reply }).await?;
        metrics::histogram!("store_commit_seconds").record(clock.monotonic().saturating_sub(before).as_secs_f64());
        self.arm(watches);
        Ok(committed)
    }
}

impl State {
    fn view(&mut self, shared: &Shared) -> Result<(Arc<View>, Duration)> {
        let now = shared.clock.monotonic();
        if let Some((view, since)) = &self.view {
            if now.saturating_sub(*since) > limits::TRANSACTION_LIFE {
                return Err(Error::too_old());
            }
            shared.views.check_open()?;
            return Ok((Arc::clone(view), *since));
        }
        let view = shared.views.current()?;
        self.view = Some((Arc::clone(&view), now));
        Ok((view, now))
    }
}

/// The key that a selector names. One that names a bound takes no read and depends on nothing.
fn resolve(
    engine: &super::engine::EngineView,
    own: &WriteMap,
    selector: &KeySelector,
    spans: &mut Vec<Span>,
) -> Result<Bytes> {
    if selector.offset == 1 {
        return Ok(selector.boundary().min(END.clone()));
    }
    let (key, span) = read::key(engine, own, selector)?;
    spans.push(span);
    Ok(key)
}

impl BackendTransaction for EmbeddedTransaction {
    fn read_version(&self) -> BoxFuture<'_, Result<u64>> {
        let version = self.state.lock().view(&self.shared).map(|(view, _)| view.version);
        std::future::ready(version).boxed()
    }

    fn get<'a>(&'a self, key: &'a [u8], isolation: Isolation) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move {
            tokio::task::consume_budget().await;
            self.read(isolation, |engine, own| {
                let value = read::value(engine, own, key)?;
                let spans = match isolation {
                    Isolation::Serializable => vec![(Bytes::copy_from_slice(key), key_after(key))],
                    Isolation::Snapshot => Vec::new(),
                };
                Ok((value, spans))
            })
        }
        .boxed()
    }

    fn get_key<'a>(&'a self, selector: &'a KeySelector, isolation: Isolation) -> BoxFuture<'a, Result<Bytes>> {
        async move {
            tokio::task::consume_budget().await;
            self.read(isolation, |engine, own| {
                let (key, span) = read::key(engine, own, selector)?;
                Ok((key, vec![span]))
            })
        }
        .boxed()
    }

    fn get_range<'a>(&'a self, range: &'a RangeQuery, isolation: Isolation) -> BoxFuture<'a, Result<RangeResult>> {
        async move {
            tokio::task::consume_budget().await;
            self.read_range(range, isolation)
        }
        .boxed()
    }

    fn mutate(&self, mutation: Mutation) {
        let mut state = self.state.lock();
        if let Err(error) = state.own.apply(&mutation) {
            state.deferred.get_or_insert(error);
        }
        state.mutations.push(mutation);
    }

    fn add_conflict(&self, side: ConflictSide, begin: Bytes, end: Bytes) {
        let mut state = self.state.lock();
        match side {
            ConflictSide::Read => state.reads.push((begin, end)),
            ConflictSide::Write => state.writes.push((begin, end)),
        }
    }

    fn watch(&self, key: Bytes) -> Watch {
        let expected = match self.read(Isolation::Serializable, |engine, own| {
            Ok((read::value(engine, own, &key)?, vec![(key.clone(), key_after(&key))]))
        }) {
            Ok(expected) => expected,
            Err(error) => return Watch::failed(error),
        };
        let number = match self.shared.watches.reserve() {
            Ok(number) => number,
            Err(error) => return Watch::failed(error),
        };
        let (fired, receiver) = oneshot::channel();
        self.state.lock().watches.push((key.clone(), number, Waiting { expected, fired }));
        let watches = Arc::clone(&self.shared.watches);
        Watch::armed(receiver, move || watches.release(&key, number))
    }

    fn commit(&self) -> BoxFuture<'_, Result<Committed>> {
        self.submit().boxed()
    }
}
