//! A transaction: its options, its changes, what it has read, and how it ends.

mod changes;
mod commit;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::abi::ErrorCode;
use crate::client::{Client, WatchPlace};
use crate::future::{Future, Outcome, Value};
use crate::options::TransactionOptions;
use crate::ranges::Ranges;
use crate::reading::{self, KEY_LIMIT, RangeRead};
use crate::view::{Selector, View};
use crate::write_map::WriteMap;
use crate::{errors, network, size};

type KeyRange = (Vec<u8>, Vec<u8>);

/// First wait of `on_error`, doubled each time.
const BACKOFF: Duration = Duration::from_millis(10);
/// End of the keys without and with the system's.
const END: &[u8] = b"\xff";
const SYSTEM_END: &[u8] = b"\xff\xff";

/// `FDBTransaction`.
pub(crate) struct Transaction {
    client: Arc<Client>,
    state: Mutex<State>,
}

struct State {
    /// Grows when the transaction begins again: what was under way before then concerns it no more.
    generation: u64,
    options: TransactionOptions,
    began: Instant,
    own: Arc<WriteMap>,
    reads: Ranges,
    read_version: Option<i64>,
    /// The first error of a call that could not answer one.
    deferred: Option<ErrorCode>,
    /// Why the transaction cannot go on: cancelled, timed out, or used during its commit.
    broken: Option<ErrorCode>,
    size: usize,
    /// What the next commit asks the versions to be above.
    least_version: Option<i64>,
    /// Operations under way.
    open: Vec<Arc<Future>>,
    reading: usize,
    /// The first error of a read: a commit after it fails with it.
    failed_read: Option<ErrorCode>,
    commit_started: bool,
    submitted: bool,
    commit: Option<Arc<Future>>,
    committed_version: i64,
    watches: Vec<Pending>,
    stamps: Vec<Arc<Future>>,
    retries: u64,
}

/// A watch that waits for its transaction to commit.
struct Pending {
    key: Vec<u8>,
    expected: Option<Vec<u8>>,
    future: Arc<Future>,
    place: Arc<Mutex<Option<WatchPlace>>>,
}

impl State {
    fn new(options: TransactionOptions) -> Self {
        Self {
            generation: 0,
            options,
            began: Instant::now(),
            own: Arc::default(),
            reads: Ranges::default(),
            read_version: None,
            deferred: None,
            broken: None,
            size: 0,
            least_version: None,
            open: Vec::new(),
            reading: 0,
            failed_read: None,
            commit_started: false,
            submitted: false,
            commit: None,
            committed_version: -1,
            watches: Vec::new(),
            stamps: Vec::new(),
            retries: 0,
        }
    }

    /// Everything that must fail when the transaction ends before its time.
    fn take_open(&mut self) -> Vec<Arc<Future>> {
        let watches = std::mem::take(&mut self.watches).into_iter().map(|watch| watch.future);
        let mut open = std::mem::take(&mut self.open);
        open.extend(watches);
        open.append(&mut self.stamps);
        open.extend(self.commit.take());
        open
    }

    fn keep_open(&mut self, future: &Arc<Future>) {
        if self.open.len() >= 64 && self.open.len().is_power_of_two() {
            self.open.retain(|future| !future.is_ready());
        }
        self.open.push(Arc::clone(future));
    }

    fn read_end(&self) -> &'static [u8] {
        if self.options.read_system_keys { SYSTEM_END } else { END }
    }

    fn write_end(&self) -> &'static [u8] {
        if self.options.write_system_keys { SYSTEM_END } else { END }
    }

    /// The changes that a read sees.
    fn visible_changes(&self, snapshot: bool) -> Arc<WriteMap> {
        let visible = self.options.read_own_writes && (!snapshot || self.options.snapshot_reads_own_writes > 0);
        if visible { Arc::clone(&self.own) } else { Arc::default() }
    }
}

/// Fails futures where callbacks belong.
fn fail_later(open: Vec<Arc<Future>>, code: ErrorCode) {
    if !open.is_empty() {
        network::post(Duration::ZERO, move || open.iter().for_each(|future| future.complete(Err(code))));
    }
}

impl Transaction {
    pub(crate) fn new(client: Arc<Client>) -> Arc<Self> {
        let options = client.defaults().clone();
        let transaction = Arc::new(Self { client, state: Mutex::new(State::new(options)) });
        transaction.start_timer();
        transaction
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails when the transaction cannot do anything more. An operation during or after the commit ends it.
    fn check(&self, state: &mut State) -> Result<(), ErrorCode> {
        if state.commit_started && state.broken.is_none() && !state.options.unprotected_commit {
            state.broken = Some(errors::USED_DURING_COMMIT);
            fail_later(state.commit.take().into_iter().collect(), errors::USED_DURING_COMMIT);
        }
        state.broken.or(state.deferred).or(self.client.cluster.as_ref().err().copied()).map_or(Ok(()), Err)
    }

    /// Begins an operation and sends it: the rest runs on the network thread, unless the transaction has begun again.
    fn operation(
        self: &Arc<Self>,
        state: &mut State,
        rest: impl FnOnce(&Arc<Self>) -> Outcome + Send + 'static,
    ) -> Arc<Future> {
        let future = Future::new();
        state.keep_open(&future);
        let (transaction, answer, generation) = (Arc::clone(self), Arc::clone(&future), state.generation);
        self.client.send(move || {
            if transaction.lock().generation == generation {
                let outcome = rest(&transaction);
                answer.complete(outcome);
            }
        });
        future
    }

    /// Begins a read: a commit waits for it, because its conflicts belong to the commit.
    fn read(
        self: &Arc<Self>,
        snapshot: bool,
        read: impl FnOnce(&View<'_>) -> Result<(Value, KeyRange), ErrorCode> + Send + 'static,
        then: impl FnOnce(&mut State, Value) -> Value + Send + 'static,
    ) -> Arc<Future> {
        let mut state = self.lock();
        state.reading += 1;
        let own = state.visible_changes(snapshot);
        let (transaction, generation) = (Arc::clone(self), state.generation);
        let future = Future::new();
        state.keep_open(&future);
        let answer = Arc::clone(&future);
        self.client.send(move || {
            let mut state = transaction.lock();
            if state.generation != generation {
                return;
            }
            state.reading -= 1;
            let outcome = transaction.answer(&mut state, &own, snapshot, read).map(|value| then(&mut state, value));
            state.failed_read = state.failed_read.or(outcome.as_ref().err().copied());
            drop(state);
            answer.complete(outcome);
            transaction.continue_commit();
        });
        future
    }

    fn answer(
        &self,
        state: &mut State,
        own: &WriteMap,
        snapshot: bool,
        read: impl FnOnce(&View<'_>) -> Result<(Value, KeyRange), ErrorCode>,
    ) -> Outcome {
        state.broken.map_or(Ok(()), Err)?;
        if let Some(code) = self.client.faults().read_error() {
            return Err(code);
        }
        let version = self.version(state)?;
        let cluster = self.client.cluster.as_ref().map_err(|code| *code)?;
        let stored = cluster.lock();
        cluster.check_version(&stored, version)?;
        let view = View { stored: &stored.versions, version, own, end: state.read_end() };
        let (value, (begin, end)) = read(&view)?;
        drop(stored);
        if !snapshot {
            for (begin, end) in own.dependent_parts(&begin, &end) {
                state.size += size::range(&begin, &end);
                state.reads.insert(&begin, &end);
            }
        }
        Ok(value)
    }

    /// The version that all reads use: taken with the first.
    fn version(&self, state: &mut State) -> Result<i64, ErrorCode> {
        if let Some(version) = state.read_version {
            return Ok(version);
        }
        let version = self.client.cluster.as_ref().map_err(|code| *code)?.read_version();
        state.read_version = Some(version);
        Ok(version)
    }

    pub(crate) fn get(self: &Arc<Self>, key: &[u8], snapshot: bool) -> Arc<Future> {
        let mut state = self.lock();
        if let Err(code) = self.check(&mut state) {
            return Future::done(Err(code));
        }
        if key >= state.read_end() {
            return Future::done(Err(errors::KEY_OUTSIDE_LEGAL_RANGE));
        }
        drop(state);
        if key.len() > KEY_LIMIT {
            return Future::done(Ok(Value::Stored(None)));
        }
        let key = key.to_vec();
        self.read(snapshot, move |view| reading::get(view, &key), |_, value| value)
    }

    pub(crate) fn get_key(self: &Arc<Self>, selector: Selector, snapshot: bool) -> Arc<Future> {
        if let Err(code) = self.check_selectors(&[&selector]) {
            return Future::done(Err(code));
        }
        self.read(snapshot, move |view| reading::get_key(view, &selector), |_, value| value)
    }

    pub(crate) fn get_range(self: &Arc<Self>, mut read: RangeRead, snapshot: bool) -> Arc<Future> {
        if let Err(code) = self.check_selectors(&[&read.begin, &read.end]) {
            return Future::done(Err(code));
        }
        if read.begin.offset >= read.end.offset && read.begin.key >= read.end.key {
            return Future::done(Ok(Value::Items { items: Vec::new(), more: false }));
        }
        if let Some(page) = self.client.faults().page() {
            // A server may end a range read where it likes, as long as it says that there is more.
            read.rows = Some(read.rows.map_or(page, |rows| rows.min(page)));
        }
        self.read(snapshot, move |view| reading::get_range(view, &read), |_, value| value)
    }

    fn check_selectors(&self, selectors: &[&Selector]) -> Result<(), ErrorCode> {
        let mut state = self.lock();
        self.check(&mut state)?;
        if selectors.iter().all(|selector| selector.named() <= state.read_end()) {
            Ok(())
        } else {
            Err(errors::KEY_OUTSIDE_LEGAL_RANGE)
        }
    }

    pub(crate) fn get_read_version(self: &Arc<Self>) -> Arc<Future> {
        let mut state = self.lock();
        let ended = state.broken.or(state.deferred).or(self.client.cluster.as_ref().err().copied());
        if let Some(code) = ended {
            return Future::done(Err(code));
        }
        self.operation(&mut state, |transaction| {
            let mut state = transaction.lock();
            state.broken.map_or(Ok(()), Err)?;
            Ok(Value::Int64(transaction.version(&mut state)?))
        })
    }

    pub(crate) fn get_approximate_size(self: &Arc<Self>) -> Arc<Future> {
        let mut state = self.lock();
        if let Err(code) = self.check(&mut state) {
            return Future::done(Err(code));
        }
        let size = i64::try_from(state.size).unwrap_or(i64::MAX);
        Future::done(Ok(Value::Int64(size)))
    }

    /// `fdb_transaction_watch`: reads the key now, and waits from the commit on.
    pub(crate) fn watch(self: &Arc<Self>, key: &[u8]) -> Arc<Future> {
        let mut state = self.lock();
        let refused = self.check(&mut state).err().or_else(|| {
            let disabled = (!state.options.read_own_writes).then_some(errors::WATCHES_DISABLED);
            let outside = (key >= state.read_end()).then_some(errors::KEY_OUTSIDE_LEGAL_RANGE);
            disabled.or(outside).or((key.len() > KEY_LIMIT).then_some(errors::KEY_TOO_LARGE))
        });
        if let Some(code) = refused {
            return Future::done(Err(code));
        }
        drop(state);
        let place = match self.client.add_watch() {
            Ok(place) => Arc::new(Mutex::new(Some(place))),
            Err(code) => return Future::done(Err(code)),
        };
        let future = Future::new();
        let given_up = Arc::clone(&place);
        future.on_cancel(move || drop(given_up.lock().unwrap_or_else(PoisonError::into_inner).take()));
        let (key, waiting) = (key.to_vec(), Arc::clone(&future));
        let looked = key.clone();
        let read = self.read(
            false,
            move |view| reading::get(view, &looked),
            move |state, value| {
                if let Value::Stored(expected) = &value {
                    state.watches.push(Pending { key, expected: expected.clone(), future: waiting, place });
                }
                value
            },
        );
        commit::fail_with(&read, &future);
        future
    }

    pub(crate) fn set_option(self: &Arc<Self>, option: u32, value: &[u8]) -> ErrorCode {
        let mut state = self.lock();
        if option == 51 && (state.reading > 0 || !state.own.is_empty() || !state.reads.is_empty()) {
            return errors::INVALID_OPERATION;
        }
        let set = state.options.set(option, value);
        drop(state);
        if option == 500 {
            self.start_timer();
        }
        set.err().unwrap_or(errors::SUCCESS)
    }

    /// Fails the transaction when its time is over.
    fn start_timer(self: &Arc<Self>) {
        let state = self.lock();
        let (timeout, began) = (state.options.timeout, state.began);
        if timeout == 0 {
            return;
        }
        let transaction = Arc::downgrade(self);
        network::post(Duration::from_millis(timeout).saturating_sub(began.elapsed()), move || {
            let Some(transaction) = transaction.upgrade() else {
                return;
            };
            let mut state = transaction.lock();
            if state.options.timeout == timeout && state.began == began && state.broken.is_none() {
                state.broken = Some(errors::TRANSACTION_TIMED_OUT);
                let open = state.take_open();
                drop(state);
                open.iter().for_each(|future| future.complete(Err(errors::TRANSACTION_TIMED_OUT)));
            }
        });
    }

    /// `fdb_transaction_cancel`.
    pub(crate) fn cancel(&self) {
        let mut state = self.lock();
        state.broken.get_or_insert(errors::TRANSACTION_CANCELLED);
        fail_later(state.take_open(), errors::TRANSACTION_CANCELLED);
    }

    /// `fdb_transaction_reset`: as if it were new.
    pub(crate) fn reset(self: &Arc<Self>) {
        let options = self.client.defaults().clone();
        self.begin_again(State::new(options));
    }

    fn begin_again(self: &Arc<Self>, new: State) {
        let mut state = self.lock();
        let open = state.take_open();
        let generation = state.generation + 1;
        *state = State { generation, ..new };
        drop(state);
        fail_later(open, errors::TRANSACTION_CANCELLED);
        self.start_timer();
    }

    /// `fdb_transaction_on_error`: begins again after a while when the error is worth it, fails with it when not.
    pub(crate) fn on_error(self: &Arc<Self>, code: ErrorCode) -> Arc<Future> {
        let mut state = self.lock();
        if let Some(broken) = state.broken {
            return Future::done(Err(broken));
        }
        let over = state.options.retry_limit.is_some_and(|limit| state.retries >= limit);
        if over || !errors::holds(errors::RETRYABLE, code) {
            state.broken = Some(errors::TRANSACTION_CANCELLED);
            fail_later(state.take_open(), errors::TRANSACTION_CANCELLED);
            return Future::done(Err(if code == errors::SUCCESS { errors::INVALID_OPERATION } else { code }));
        }
        let most = Duration::from_millis(state.options.max_retry_delay);
        let doubled = 1 << state.retries.min(10);
        let wait = match code {
            errors::TRANSACTION_TOO_OLD | errors::FUTURE_VERSION => BACKOFF.min(most),
            _ => (BACKOFF * doubled).min(most),
        };
        let new = State {
            began: state.began,
            retries: state.retries + 1,
            ..State::new(state.options.persistent(&self.client.defaults()))
        };
        drop(state);
        let future = Future::new();
        let (transaction, answer) = (Arc::clone(self), Arc::clone(&future));
        network::post(wait, move || {
            transaction.begin_again(new);
            answer.complete(Ok(Value::Nothing));
        });
        future
    }

    /// `fdb_transaction_destroy`: what is under way fails; watches of a committed transaction go on.
    pub(crate) fn destroy(&self) {
        let mut state = self.lock();
        state.generation += 1;
        fail_later(state.take_open(), errors::TRANSACTION_CANCELLED);
    }
}
