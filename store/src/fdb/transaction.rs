//! A transaction on a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use foundationdb::future::FdbValues;
use foundationdb::options::{ConflictRangeType, MutationType, StreamingMode, TransactionOption};
use foundationdb::{FdbResult, RangeOption};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use super::Shared;
use super::errors::{from_fdb, from_watch};
use super::measure::{self, Operation};
use crate::backend::{BackendTransaction, ConflictSide, Isolation, Priority, TransactionOptions};
use crate::error::{Error, Result};
use crate::key::{KeySelector, KeyValue, RangeQuery, RangeResult};
use crate::limits;
use crate::mutation::{AtomicOp, Mutation};
use crate::stamp::Stamp;
use crate::transaction::Committed;
use crate::watch::Watch;

pub(super) struct FdbTransaction {
    shared: Arc<Shared>,
    /// Taken by the commit, or an error when it could not begin.
    inner: Mutex<Result<foundationdb::Transaction>>,
    /// When the first read began: from then on it has [`limits::TRANSACTION_LIFE`].
    started: Mutex<Option<Duration>>,
    wrote: AtomicBool,
    bytes: AtomicUsize,
}

impl FdbTransaction {
    pub(super) fn begin(shared: Arc<Shared>, options: TransactionOptions) -> Self {
        let begun = shared.check_open().and_then(|()| {
            let begun = shared.database.create_trx().and_then(|transaction| {
                apply(&transaction, options)?;
                Ok(transaction)
            });
            begun.map_err(|error| from_fdb("begin a transaction", error))
        });
        Self {
            shared,
            inner: Mutex::new(begun),
            started: Mutex::new(None),
            wrote: AtomicBool::new(false),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Fails when the transaction is over; the first call starts its time.
    fn check_life(&self) -> Result<()> {
        self.shared.check_open()?;
        let now = self.shared.clock.monotonic();
        let since = *self.started.lock().get_or_insert(now);
        if now.saturating_sub(since) > limits::TRANSACTION_LIFE { Err(Error::too_old()) } else { Ok(()) }
    }

    /// Begins an operation; what it answers does not borrow the transaction.
    fn start<T>(&self, start: impl FnOnce(&foundationdb::Transaction) -> T) -> Result<T> {
        match &*self.inner.lock() {
            Ok(transaction) => Ok(start(transaction)),
            Err(error) => Err(error.clone()),
        }
    }

    /// Runs an operation of the library and measures it.
    async fn run<T, F>(
        &self,
        operation: Operation,
        what: &'static str,
        start: impl FnOnce(&foundationdb::Transaction) -> F,
    ) -> Result<T>
    where
        F: Future<Output = FdbResult<T>>,
    {
        self.check_life()?;
        let before = self.shared.clock.monotonic();
        let result = self.start(start)?.await.map_err(|error| from_fdb(what, error));
        measure::operation(operation, self.shared.clock.monotonic().saturating_sub(before), &result);
        result
    }

    async fn page(&self, query: &RangeQuery, iteration: usize, isolation: Isolation) -> Result<FdbValues> {
        let option = RangeOption {
            begin: selector(&query.begin),
            end: selector(&query.end),
            limit: Some(query.limit).filter(|&limit| limit > 0),
            mode: StreamingMode::WantAll,
            reverse: query.reverse,
            ..RangeOption::default()
        };
        self.run(Operation::GetRange, "read a range", |transaction| {
            transaction.get_range(&option, iteration, snapshot(isolation))
        })
        .await
    }

    /// Joins the pages that the cluster answers up to the limits of the query and of an answer.
    async fn pages(&self, query: &RangeQuery, isolation: Isolation) -> Result<RangeResult> {
        let mut result = RangeResult::default();
        let mut next = query.clone();
        let mut bytes = 0;
        for iteration in 1.. {
            let page = self.page(&next, iteration, isolation).await?;
            result.more = page.more();
            for item in &page {
                bytes += item.key().len() + item.value().len();
                let (key, value) = (Bytes::copy_from_slice(item.key()), Bytes::copy_from_slice(item.value()));
                result.items.push(KeyValue { key, value });
            }
            let full = query.limit > 0 && result.items.len() >= query.limit || bytes >= limits::RANGE_BYTES;
            match query.rest(&result).filter(|_| !full) {
                Some(rest) => next = rest,
                None => break,
            }
            if query.limit > 0 {
                next.limit = query.limit - result.items.len();
            }
        }
        Ok(result)
    }

    async fn submit(&self) -> Result<Committed> {
        let _committing = self.shared.committing.read().await;
        self.shared.check_open()?;
        if self.started.lock().is_some() {
            self.check_life()?;
        }
        let used = Error::invalid("transaction was committed before");
        let transaction = std::mem::replace(&mut *self.inner.lock(), Err(used))?;
        if !self.wrote.load(Ordering::Acquire) {
            return finish_reads(transaction).await;
        }
        let before = self.shared.clock.monotonic();
        let result = commit(transaction).await;
        let took = self.shared.clock.monotonic().saturating_sub(before);
        measure::operation(Operation::Commit, took, &result);
        measure::commit(self.bytes.load(Ordering::Relaxed), took, &result);
        result
    }
}

/// Ends a transaction that wrote nothing: its watches begin to wait.
async fn finish_reads(transaction: foundationdb::Transaction) -> Result<Committed> {
    let version = transaction.get_read_version().await.map_err(|error| from_fdb("take a read version", error))?;
    transaction.commit().await.map_err(|error| from_fdb("end a transaction", *error))?;
    Ok(Committed { version: version.unsigned_abs(), versionstamp: None })
}

async fn commit(transaction: foundationdb::Transaction) -> Result<Committed> {
    let stamp = transaction.get_versionstamp();
    let done = transaction.commit().await.map_err(|error| from_fdb("commit", *error))?;
    let version = done.committed_version().map_err(|error| from_fdb("learn the version of a commit", error))?;
    let stamp = stamp.await.map_err(|error| from_fdb("learn the versionstamp of a commit", error))?;
    let stamp = Stamp::try_from(&*stamp).map_err(|_| Error::invalid("a versionstamp has ten bytes"))?;
    Ok(Committed { version: version.unsigned_abs(), versionstamp: Some(stamp) })
}

fn apply(transaction: &foundationdb::Transaction, options: TransactionOptions) -> FdbResult<()> {
    if options.priority == Priority::Background {
        transaction.set_option(TransactionOption::PriorityBatch)?;
        transaction.set_option(TransactionOption::ReadPriorityLow)?;
    }
    match options.tag {
        Some(tag) => transaction.set_option(TransactionOption::AutoThrottleTag(tag.to_owned())),
        None => Ok(()),
    }
}

fn selector(selector: &KeySelector) -> foundationdb::KeySelector<'_> {
    foundationdb::KeySelector::new((&selector.key[..]).into(), selector.or_equal, selector.offset)
}

fn snapshot(isolation: Isolation) -> bool {
    isolation == Isolation::Snapshot
}

fn mutation_type(op: AtomicOp) -> MutationType {
    match op {
        AtomicOp::Add => MutationType::Add,
        AtomicOp::Min => MutationType::Min,
        AtomicOp::Max => MutationType::Max,
        AtomicOp::ByteMin => MutationType::ByteMin,
        AtomicOp::ByteMax => MutationType::ByteMax,
        AtomicOp::BitAnd => MutationType::BitAnd,
        AtomicOp::BitOr => MutationType::BitOr,
        AtomicOp::BitXor => MutationType::BitXor,
        AtomicOp::AppendIfFits => MutationType::AppendIfFits,
        AtomicOp::CompareAndClear => MutationType::CompareAndClear,
        AtomicOp::SetVersionstampedKey => MutationType::SetVersionstampedKey,
        AtomicOp::SetVersionstampedValue => MutationType::SetVersionstampedValue,
    }
}

impl BackendTransaction for FdbTransaction {
    fn read_version(&self) -> BoxFuture<'_, Result<u64>> {
        async {
            let version = self
                .run(Operation::ReadVersion, "take a read version", foundationdb::Transaction::get_read_version)
                .await?;
            Ok(version.unsigned_abs())
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a [u8], isolation: Isolation) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move {
            let get = |transaction: &foundationdb::Transaction| transaction.get(key, snapshot(isolation));
            let value = self.run(Operation::Get, "read a key", get).await?;
            Ok(value.map(|value| Bytes::copy_from_slice(&value)))
        }
        .boxed()
    }

    fn get_key<'a>(&'a self, wanted: &'a KeySelector, isolation: Isolation) -> BoxFuture<'a, Result<Bytes>> {
        async move {
            let find =
                |transaction: &foundationdb::Transaction| transaction.get_key(&selector(wanted), snapshot(isolation));
            let key = self.run(Operation::GetKey, "find a key", find).await?;
            Ok(Bytes::copy_from_slice(&key))
        }
        .boxed()
    }

    fn get_range<'a>(&'a self, range: &'a RangeQuery, isolation: Isolation) -> BoxFuture<'a, Result<RangeResult>> {
        self.pages(range, isolation).boxed()
    }

    fn mutate(&self, mutation: Mutation) {
        self.wrote.store(true, Ordering::Release);
        self.bytes.fetch_add(mutation.size(), Ordering::Relaxed);
        // A transaction that could not begin says so at its next read and at its commit.
        let _ = self.start(|transaction| match &mutation {
            Mutation::Set { key, value } => transaction.set(key, value),
            Mutation::ClearRange { begin, end } => transaction.clear_range(begin, end),
            Mutation::Atomic { op, key, param } => transaction.atomic_op(key, param, mutation_type(*op)),
        });
    }

    fn add_conflict(&self, side: ConflictSide, begin: Bytes, end: Bytes) {
        let kind = match side {
            ConflictSide::Read => ConflictRangeType::Read,
            ConflictSide::Write => {
                self.wrote.store(true, Ordering::Release);
                ConflictRangeType::Write
            }
        };
        // The bounds were checked before; what the library still refuses, it says at the next operation.
        let _ = self.start(|transaction| transaction.add_conflict_range(&begin, &end, kind));
    }

    fn watch(&self, key: Bytes) -> Watch {
        let place = match self.check_life().and_then(|()| self.shared.watches.reserve()) {
            Ok(place) => place,
            Err(error) => return Watch::failed(error),
        };
        match self.start(|transaction| transaction.watch(&key)) {
            Ok(fired) => Watch::new(async move {
                let fired = fired.await.map_err(from_watch);
                drop(place);
                fired
            }),
            Err(error) => Watch::failed(error),
        }
    }

    fn commit(&self) -> BoxFuture<'_, Result<Committed>> {
        self.submit().boxed()
    }
}
