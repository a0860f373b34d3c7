//! The transaction that callers hold: checks keys, values and sizes, then hands on to the backend.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::watch;

use crate::backend::{BackendTransaction, ConflictSide, Isolation};
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::key::{KeySelector, RangeQuery, RangeResult};
use crate::limits;
use crate::mutation::{AtomicOp, Mutation};
use crate::stamp;
use crate::watch::{Outcome, VersionstampFuture, Watch};

/// A durable commit, or the end of a transaction that wrote nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The version at which the changes are visible; the read version of a transaction that wrote nothing.
    pub version: u64,
    /// What versionstamped keys and values of this transaction hold. `None` when it wrote nothing.
    pub versionstamp: Option<[u8; 10]>,
}

/// A strictly serialisable, optimistic transaction that reads its own writes.
///
/// Clones are handles on the same transaction. Writes are kept in memory until [`Transaction::commit`]; a transaction that
/// is dropped without it changes nothing. Calls that cannot answer an error (such as [`Transaction::set`]) keep the first one;
/// the next read and the commit answer it.
#[derive(Clone)]
pub struct Transaction(Arc<Inner>);

struct Inner {
    backend: Box<dyn BackendTransaction>,
    size: AtomicUsize,
    deferred: OnceLock<Error>,
    used: AtomicBool,
    outcome: watch::Sender<Outcome>,
}

impl Transaction {
    pub(crate) fn new(backend: Box<dyn BackendTransaction>) -> Self {
        Self(Arc::new(Inner {
            backend,
            size: AtomicUsize::new(0),
            deferred: OnceLock::new(),
            used: AtomicBool::new(false),
            outcome: watch::Sender::new(Outcome::Pending),
        }))
    }

    /// The value of `key`; a later write of it by another transaction makes this one conflict.
    ///
    /// # Errors
    /// `TooOld`, `Unavailable`, `Invalid` for a system key or a value that only the commit will know, `TooLarge` for the key.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.read_value(key, Isolation::Serializable).await
    }

    /// The items of a range, in key order; a later write of the part that was read makes this transaction conflict.
    /// O(log n + items).
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get_range(&self, range: RangeQuery) -> Result<RangeResult> {
        self.read_range(&range, Isolation::Serializable).await
    }

    /// All items of a range, however many reads it takes. Mind the five seconds.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn collect_range(&self, range: RangeQuery) -> Result<RangeResult> {
        self.read_all(range, Isolation::Serializable).await
    }

    /// The key that `selector` names: the empty key before the first, `\xff` behind the last.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get_key(&self, selector: &KeySelector) -> Result<Bytes> {
        self.read_key(selector, Isolation::Serializable).await
    }

    /// The same reads without conflicts: what they saw may have changed by the time of the commit.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.clone())
    }

    /// Sets `key` to `value`.
    pub fn set(&self, key: &[u8], value: &[u8]) {
        self.change(|| {
            check_key(key)?;
            check_value(value.len())?;
            Ok(Some(Mutation::Set { key: Bytes::copy_from_slice(key), value: Bytes::copy_from_slice(value) }))
        });
    }

    /// Removes `key`.
    pub fn clear(&self, key: &[u8]) {
        self.change(|| {
            check_key(key)?;
            Ok(Some(Mutation::ClearRange { begin: Bytes::copy_from_slice(key), end: crate::key_after(key) }))
        });
    }

    /// Removes the keys from `begin` (included) to `end` (excluded).
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) {
        self.change(|| {
            let range = check_range(begin, end)?;
            Ok(range.map(|(begin, end)| Mutation::ClearRange { begin, end }))
        });
    }

    /// Changes the value of `key` by an operation that needs no read and so does not conflict with other writers.
    pub fn atomic(&self, op: AtomicOp, key: &[u8], param: &[u8]) {
        self.change(|| {
            check_atomic(op, key, param)?;
            Ok(Some(Mutation::Atomic { op, key: Bytes::copy_from_slice(key), param: Bytes::copy_from_slice(param) }))
        });
    }

    /// Makes this transaction conflict with later writes of the range, as if it had read it.
    pub fn add_read_conflict_range(&self, begin: &[u8], end: &[u8]) {
        self.add_conflict(ConflictSide::Read, begin, end);
    }

    /// Makes others that read the range conflict with this transaction, as if it had written it.
    pub fn add_write_conflict_range(&self, begin: &[u8], end: &[u8]) {
        self.add_conflict(ConflictSide::Write, begin, end);
    }

    /// The version that this transaction reads at: every commit acknowledged before it is visible.
    ///
    /// # Errors
    /// `Unavailable`, `Closed`.
    pub async fn read_version(&self) -> Result<u64> {
        self.check_usable()?;
        self.0.backend.read_version().await
    }

    /// Watches `key`: the future resolves once, after this transaction has committed, when the value differs from what this
    /// transaction sees now. Watching is a read: a later write of the key by another transaction makes this one conflict.
    #[must_use]
    pub fn watch(&self, key: &[u8]) -> Watch {
        match self.check_usable().and_then(|()| check_key(key)) {
            Ok(()) => self.0.backend.watch(Bytes::copy_from_slice(key)),
            Err(error) => Watch::failed(error),
        }
    }

    /// Makes the changes durable, all or none. Only the first call on a transaction does anything.
    ///
    /// # Errors
    /// `Conflict`, `TooOld` and `UnknownResult` (retry), `TooLarge`, `Full`, `Io`, any error that an earlier call kept,
    /// and `Invalid` when called twice.
    pub async fn commit(&self) -> Result<Committed> {
        self.check_usable()?;
        if self.0.used.swap(true, Ordering::AcqRel) {
            return Err(used());
        }
        let committed = self.0.backend.commit().await;
        self.0.outcome.send_replace(committed.as_ref().map_or(Outcome::Failed, |done| Outcome::Committed(*done)));
        committed
    }

    /// Resolves to this transaction's versionstamp after its commit.
    #[must_use]
    pub fn versionstamp(&self) -> VersionstampFuture {
        VersionstampFuture::new(self.0.outcome.subscribe())
    }

    /// Bytes that count against [`limits::TRANSACTION_BYTES`] so far.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size.load(Ordering::Relaxed)
    }

    /// What [`Transaction::commit`] answered, when it was called and succeeded.
    pub(crate) fn committed(&self) -> Option<Committed> {
        match *self.0.outcome.borrow() {
            Outcome::Committed(committed) => Some(committed),
            Outcome::Pending | Outcome::Failed => None,
        }
    }

    async fn read_value(&self, key: &[u8], isolation: Isolation) -> Result<Option<Bytes>> {
        self.check_usable()?;
        check_key(key)?;
        self.count_read(isolation, 2 * key.len() + 1)?;
        self.0.backend.get(key, isolation).await
    }

    async fn read_key(&self, selector: &KeySelector, isolation: Isolation) -> Result<Bytes> {
        self.check_usable()?;
        check_bound(&selector.key)?;
        self.count_read(isolation, 2 * selector.key.len() + 1)?;
        self.0.backend.get_key(selector, isolation).await
    }

    async fn read_range(&self, range: &RangeQuery, isolation: Isolation) -> Result<RangeResult> {
        self.check_usable()?;
        check_bound(&range.begin.key)?;
        check_bound(&range.end.key)?;
        self.count_read(isolation, range.begin.key.len() + range.end.key.len())?;
        if range.begin.offset == range.end.offset && range.begin.boundary() > range.end.boundary() {
            return Err(Error::invalid("range ends before it begins"));
        }
        self.0.backend.get_range(range, isolation).await
    }

    async fn read_all(&self, range: RangeQuery, isolation: Isolation) -> Result<RangeResult> {
        let mut result = self.read_range(&range, isolation).await?;
        let mut rest = range.rest(&result).filter(|_| range.limit == 0 || result.items.len() < range.limit);
        while let Some(mut next) = rest {
            if range.limit > 0 {
                next.limit = range.limit - result.items.len();
            }
            let page = self.read_range(&next, isolation).await?;
            rest = next.rest(&page).filter(|_| next.limit == 0 || page.items.len() < next.limit);
            result.items.extend(page.items);
            result.more = page.more;
        }
        Ok(result)
    }

    fn check_usable(&self) -> Result<()> {
        if self.0.used.load(Ordering::Acquire) {
            return Err(used());
        }
        self.0.deferred.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    fn change(&self, mutation: impl FnOnce() -> Result<Option<Mutation>>) {
        let kept = self.check_usable().and_then(|()| mutation()).and_then(|mutation| {
            if let Some(mutation) = mutation {
                self.count(mutation.size())?;
                self.0.backend.mutate(mutation);
            }
            Ok(())
        });
        self.keep_first(kept);
    }

    fn add_conflict(&self, side: ConflictSide, begin: &[u8], end: &[u8]) {
        let kept = self.check_usable().and_then(|()| check_range(begin, end)).and_then(|range| {
            if let Some((begin, end)) = range {
                self.count(begin.len() + end.len())?;
                self.0.backend.add_conflict(side, begin, end);
            }
            Ok(())
        });
        self.keep_first(kept);
    }

    fn keep_first(&self, result: Result<()>) {
        if let Err(error) = result {
            // A later error is a consequence of the first or hidden behind it.
            let _ = self.0.deferred.set(error);
        }
    }

    fn count_read(&self, isolation: Isolation, bytes: usize) -> Result<()> {
        if isolation == Isolation::Snapshot { Ok(()) } else { self.count(bytes) }
    }

    fn count(&self, bytes: usize) -> Result<()> {
        let size = self.0.size.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if size > limits::TRANSACTION_BYTES {
            let error = too_large(Limit::Transaction, "transaction", size, limits::TRANSACTION_BYTES);
            self.keep_first(Err(error.clone()));
            return Err(error);
        }
        Ok(())
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("size", &self.size()).finish_non_exhaustive()
    }
}

/// Reads of a transaction that add no conflicts.
#[derive(Clone, Debug)]
pub struct Snapshot(Transaction);

impl Snapshot {
    /// As [`Transaction::get`], without a conflict.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.0.read_value(key, Isolation::Snapshot).await
    }

    /// As [`Transaction::get_range`], without conflicts.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get_range(&self, range: RangeQuery) -> Result<RangeResult> {
        self.0.read_range(&range, Isolation::Snapshot).await
    }

    /// As [`Transaction::collect_range`], without conflicts.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn collect_range(&self, range: RangeQuery) -> Result<RangeResult> {
        self.0.read_all(range, Isolation::Snapshot).await
    }

    /// As [`Transaction::get_key`], without a conflict.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn get_key(&self, selector: &KeySelector) -> Result<Bytes> {
        self.0.read_key(selector, Isolation::Snapshot).await
    }
}

fn used() -> Error {
    Error::invalid("transaction was committed before")
}

fn too_large(limit: Limit, what: &str, size: usize, most: usize) -> Error {
    Error::new(ErrorKind::TooLarge(limit), format!("{what} of {size} bytes is over the limit of {most}"))
}

fn check_key(key: &[u8]) -> Result<()> {
    if key.first() == Some(&limits::SYSTEM_PREFIX) {
        return Err(Error::invalid("keys that begin with 0xff belong to the database"));
    }
    check_key_length(key.len())
}

fn check_key_length(length: usize) -> Result<()> {
    if length > limits::KEY_BYTES {
        return Err(too_large(Limit::Key, "key", length, limits::KEY_BYTES));
    }
    Ok(())
}

fn check_value(length: usize) -> Result<()> {
    if length > limits::VALUE_BYTES {
        return Err(too_large(Limit::Value, "value", length, limits::VALUE_BYTES));
    }
    Ok(())
}

/// A bound may be the end of the key space, and one byte longer than a key, so that it can stand right behind the longest.
fn check_bound(bound: &[u8]) -> Result<()> {
    if *bound > [limits::SYSTEM_PREFIX][..] {
        return Err(Error::invalid("keys that begin with 0xff belong to the database"));
    }
    check_key_length(bound.len().saturating_sub(1))
}

fn check_range(begin: &[u8], end: &[u8]) -> Result<Option<(Bytes, Bytes)>> {
    check_bound(begin)?;
    check_bound(end)?;
    match begin.cmp(end) {
        std::cmp::Ordering::Less => Ok(Some((Bytes::copy_from_slice(begin), Bytes::copy_from_slice(end)))),
        std::cmp::Ordering::Equal => Ok(None),
        std::cmp::Ordering::Greater => Err(Error::invalid("range ends before it begins")),
    }
}

fn check_atomic(op: AtomicOp, key: &[u8], param: &[u8]) -> Result<()> {
    match op {
        AtomicOp::SetVersionstampedKey => {
            let position = stamp::position(key)?;
            if position == 0 || key.first() != Some(&limits::SYSTEM_PREFIX) {
                check_key_length(key.len())?;
                return check_value(param.len());
            }
            check_key(key)
        }
        AtomicOp::SetVersionstampedValue => {
            check_key(key)?;
            stamp::position(param)?;
            check_value(param.len())
        }
        _ => {
            check_key(key)?;
            check_value(param.len())
        }
    }
}
