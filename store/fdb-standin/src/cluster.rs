//! A database: its versions, the commits that come in batches, and the watches that wait for changes.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::abi::ErrorCode;
use crate::errors;
use crate::mutation::{Mutation, stamp};
use crate::network;
use crate::versions::{Versions, WINDOW};

type KeyRange = (Vec<u8>, Vec<u8>);

/// The databases of this process by name.
static CLUSTERS: Mutex<BTreeMap<String, Arc<Cluster>>> = Mutex::new(BTreeMap::new());

/// Most transactions of one batch: their order has two bytes.
const BATCH: usize = u16::MAX as usize;
/// Commits between two times that old versions are forgotten.
const FORGET_EVERY: u64 = 500;

/// A database.
pub(crate) struct Cluster {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) versions: Versions,
    /// The newest version that anybody was given.
    newest: i64,
    /// What was added to the clock by hand.
    ahead: i64,
    pending: Vec<Commit>,
    watches: BTreeMap<Vec<u8>, BTreeMap<u64, Armed>>,
    next_watch: u64,
    commits: u64,
}

pub(crate) type Reply = Box<dyn FnOnce(Result<(i64, u16), ErrorCode>) + Send>;

/// A watch that waits for its key to differ from what its transaction saw.
struct Armed {
    expected: Option<Vec<u8>>,
    fire: Box<dyn FnOnce() + Send>,
}

/// A transaction on its way into the database.
pub(crate) struct Commit {
    pub(crate) read_version: i64,
    pub(crate) reads: Vec<KeyRange>,
    pub(crate) writes: Vec<KeyRange>,
    pub(crate) mutations: Vec<Mutation>,
    /// Is told the version and the order within its batch.
    pub(crate) reply: Reply,
}

impl Cluster {
    /// The database of this name; empty when nobody has named it before.
    pub(crate) fn named(name: &str) -> Arc<Self> {
        let mut clusters = CLUSTERS.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Self { began: Instant::now(), state: Mutex::default() });
        Arc::clone(clusters.entry(name.to_owned()).or_insert_with(new))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Versions go on by a million a second, whether somebody writes or not.
    fn clock(&self, state: &State) -> i64 {
        let elapsed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        elapsed.saturating_add(state.ahead).saturating_add(1)
    }

    /// Makes later versions greater than `version`. Reads and commits of the time before are too old then, as after a recovery.
    pub(crate) fn advance(&self, version: i64) {
        let mut state = self.lock();
        let now = self.clock(&state).max(state.newest);
        if now <= version {
            state.ahead = state.ahead.saturating_add((version - now).saturating_add(WINDOW));
        }
    }

    /// A read version: every commit that was answered is at or before it.
    pub(crate) fn read_version(&self) -> i64 {
        let mut state = self.lock();
        state.newest = state.newest.max(self.clock(&state));
        state.newest
    }

    /// Fails when a version can no longer, or not yet, be read.
    pub(crate) fn check_version(&self, state: &State, version: i64) -> Result<(), ErrorCode> {
        if version < self.clock(state).max(state.newest) - WINDOW {
            return Err(errors::TRANSACTION_TOO_OLD);
        }
        if version > state.newest { Err(errors::FUTURE_VERSION) } else { Ok(()) }
    }

    /// Puts a commit into the batch that the network thread makes next.
    pub(crate) fn submit(self: &Arc<Self>, commit: Commit) {
        let mut state = self.lock();
        state.pending.push(commit);
        if state.pending.len() == 1 {
            let cluster = Arc::clone(self);
            network::post(Duration::ZERO, move || cluster.commit_batch());
        }
    }

    /// Decides the commits of a batch one after the other, at one version.
    fn commit_batch(self: &Arc<Self>) {
        let mut state = self.lock();
        let version = self.clock(&state).max(state.newest + 1);
        state.newest = version;
        let mut pending = std::mem::take(&mut state.pending);
        let rest = pending.split_off(pending.len().min(BATCH));
        if !rest.is_empty() {
            state.pending = rest;
            let cluster = Arc::clone(self);
            network::post(Duration::ZERO, move || cluster.commit_batch());
        }
        let mut answers = Vec::with_capacity(pending.len());
        let mut written = Vec::new();
        for (commit, order) in pending.into_iter().zip(0..) {
            let result = state.decide(&commit, version);
            if result.is_ok() {
                let Commit { mutations, writes, .. } = &commit;
                written.extend(state.versions.commit(mutations, writes.clone(), version, stamp(version, order)));
            }
            answers.push((commit.reply, result.map(|()| (version, order))));
        }
        state.commits += 1;
        if state.commits.is_multiple_of(FORGET_EVERY) {
            state.versions.forget(version - WINDOW);
        }
        let fired = state.fire(&written);
        drop(state);
        answers.into_iter().for_each(|(reply, result)| reply(result));
        fired.into_iter().for_each(|fire| fire());
    }

    /// Begins to wait until a key differs from `expected`; fires at once when it does. Answers the watch's number.
    pub(crate) fn watch(
        &self,
        key: &[u8],
        expected: Option<Vec<u8>>,
        fire: impl FnOnce() + Send + 'static,
    ) -> Option<u64> {
        let mut state = self.lock();
        let newest = state.newest;
        if state.versions.get(key, newest) != expected.as_deref() {
            drop(state);
            fire();
            return None;
        }
        let number = state.next_watch;
        state.next_watch += 1;
        state.watches.entry(key.to_vec()).or_default().insert(number, Armed { expected, fire: Box::new(fire) });
        Some(number)
    }

    /// Forgets a watch.
    pub(crate) fn forget_watch(&self, key: &[u8], number: u64) {
        let mut state = self.lock();
        let Some(of_key) = state.watches.get_mut(key) else {
            return;
        };
        let forgotten = of_key.remove(&number);
        if of_key.is_empty() {
            state.watches.remove(key);
        }
        drop(state);
        drop(forgotten);
    }
}

impl State {
    fn decide(&self, commit: &Commit, version: i64) -> Result<(), ErrorCode> {
        if commit.reads.is_empty() {
            return Ok(());
        }
        if commit.read_version < version - WINDOW {
            return Err(errors::TRANSACTION_TOO_OLD);
        }
        match self.versions.conflict(&commit.reads, commit.read_version) {
            true => Err(errors::NOT_COMMITTED),
            false => Ok(()),
        }
    }

    /// Takes out the watches on written keys whose value is now another.
    fn fire(&mut self, written: &[KeyRange]) -> Vec<Box<dyn FnOnce() + Send>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for (begin, end) in written.iter().filter(|(begin, end)| begin < end) {
            let range = self.watches.range::<[u8], _>((Bound::Included(&begin[..]), Bound::Excluded(&end[..])));
            keys.extend(range.map(|(key, _)| key.clone()));
        }
        let mut fired = Vec::new();
        for key in keys {
            let value = self.versions.get(&key, i64::MAX).map(<[u8]>::to_vec);
            let Some(of_key) = self.watches.remove(&key) else {
                continue;
            };
            let (same, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
                of_key.into_iter().partition(|(_, watch)| watch.expected == value);
            fired.extend(other.into_values().map(|watch| watch.fire));
            if !same.is_empty() {
                self.watches.insert(key, same);
            }
        }
        fired
    }
}
