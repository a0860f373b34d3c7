//! The way of a transaction into the database, and what happens to its watches and versionstamps then.

use std::sync::{Arc, PoisonError};

use super::{Pending, Transaction};
use crate::abi::ErrorCode;
use crate::client::Client;
use crate::cluster::{Cluster, Commit};
use crate::errors;
use crate::faults::CommitFate;
use crate::future::{Future, Value};
use crate::mutation::stamp;
use crate::network;

/// Version and order within its batch; `None` for a transaction that wrote nothing.
type Done = Result<Option<(i64, u16)>, ErrorCode>;

/// Makes `follower` fail when `leader` does.
pub(super) fn fail_with(leader: &Arc<Future>, follower: &Arc<Future>) {
    let follower = Arc::clone(follower);
    leader.on_error(move |code| follower.complete(Err(code)));
}

impl Transaction {
    pub(crate) fn commit(self: &Arc<Self>) -> Arc<Future> {
        let mut state = self.lock();
        if let Err(code) = self.check(&mut state) {
            return Future::done(Err(code));
        }
        let future = Future::new();
        state.commit_started = true;
        state.commit = Some(Arc::clone(&future));
        drop(state);
        let transaction = Arc::clone(self);
        network::post(std::time::Duration::ZERO, move || transaction.continue_commit());
        future
    }

    /// Sends the commit once the reads that were begun before it are done.
    pub(super) fn continue_commit(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.commit.is_none() || state.reading > 0 || state.submitted {
            return;
        }
        state.submitted = true;
        let generation = state.generation;
        if let Some(code) = state.failed_read {
            drop(state);
            return self.finish(generation, Err(code));
        }
        if let (Some(version), Ok(cluster)) = (state.least_version, &self.client.cluster) {
            cluster.advance(version);
        }
        if state.own.changes_nothing() {
            drop(state);
            return self.finish(generation, Ok(None));
        }
        if state.size as u64 > state.options.size_limit {
            drop(state);
            return self.finish(generation, Err(errors::TRANSACTION_TOO_LARGE));
        }
        let version = self.version(&mut state);
        let cluster = self.client.cluster.clone();
        let (cluster, read_version) = match cluster.and_then(|cluster| Ok((cluster, version?))) {
            Ok(found) => found,
            Err(code) => {
                drop(state);
                return self.finish(generation, Err(code));
            }
        };
        let transaction = Arc::clone(self);
        let commit = Commit {
            read_version,
            reads: state.reads.iter().map(|(begin, end)| (begin.clone(), end.clone())).collect(),
            writes: state.own.conflicts(),
            mutations: state.own.mutations(),
            reply: Box::new(move |result| transaction.finish(generation, result.map(Some))),
        };
        drop(state);
        self.send_commit(generation, cluster, commit);
    }

    fn send_commit(self: &Arc<Self>, generation: u64, cluster: Arc<Cluster>, commit: Commit) {
        let fate = self.client.faults().commit_fate(self.client.age());
        let transaction = Arc::clone(self);
        let fail = move |code| transaction.finish(generation, Err(code));
        match fate {
            CommitFate::Normal => self.client.send(move || cluster.submit(commit)),
            CommitFate::Refused(code) => self.client.send(move || fail(code)),
            CommitFate::LostUnknown => self.client.send(move || fail(errors::COMMIT_UNKNOWN_RESULT)),
            CommitFate::CommittedUnknown => {
                let client = Arc::clone(&self.client);
                // The answer is on its way for as long as the client cannot be reached.
                let reply = Box::new(move |_| client.send(move || fail(errors::COMMIT_UNKNOWN_RESULT)));
                cluster.submit(Commit { reply, ..commit });
            }
        }
    }

    /// Tells everybody how the commit ended.
    fn finish(self: &Arc<Self>, generation: u64, done: Done) {
        let mut state = self.lock();
        if state.generation != generation {
            return;
        }
        if let Ok(Some((version, _))) = done {
            state.committed_version = version;
        }
        let commit = state.commit.take();
        let watches = std::mem::take(&mut state.watches);
        let stamps = std::mem::take(&mut state.stamps);
        drop(state);
        let stamped = match done {
            Ok(Some((version, order))) => Ok(Value::Key(stamp(version, order).to_vec())),
            Ok(None) => Err(errors::NO_COMMIT_VERSION),
            Err(_) => Err(errors::TRANSACTION_INVALID_VERSION),
        };
        for watch in watches {
            match done {
                Ok(_) => arm(&self.client, watch),
                Err(code) => watch.future.complete(Err(code)),
            }
        }
        stamps.iter().for_each(|future| future.complete(stamped.clone()));
        if let Some(commit) = commit {
            commit.complete(done.map(|_| Value::Nothing));
        }
    }

    /// `fdb_transaction_get_versionstamp`: ready after the commit.
    pub(crate) fn get_versionstamp(&self) -> Arc<Future> {
        let mut state = self.lock();
        if let Err(code) = self.check(&mut state) {
            return Future::done(Err(code));
        }
        let future = Future::new();
        state.stamps.push(Arc::clone(&future));
        future
    }

    /// `fdb_transaction_get_committed_version`: -1 when nothing was written.
    pub(crate) fn committed_version(&self) -> i64 {
        self.lock().committed_version
    }
}

/// Lets a watch wait in the database.
fn arm(client: &Arc<Client>, watch: Pending) {
    let Pending { key, expected, future, place } = watch;
    let Ok(cluster) = &client.cluster else {
        return;
    };
    if future.is_ready() {
        return;
    }
    let place = place.lock().unwrap_or_else(PoisonError::into_inner).take();
    let lost = client.faults().loses_watch();
    let (messenger, answer) = (Arc::clone(client), Arc::clone(&future));
    let number = cluster.watch(&key, expected, move || {
        drop(place);
        if !lost {
            messenger.send(move || answer.complete(Ok(Value::Nothing)));
        }
    });
    if let Some(number) = number {
        let cluster = Arc::clone(cluster);
        future.on_cancel(move || cluster.forget_watch(&key, number));
    }
}
