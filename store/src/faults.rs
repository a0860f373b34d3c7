//! Wrappers that make a store or its disk fail on request, for tests of what stands on them. Compiled with the feature
//! `testing` only.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use redb::{BackendError, StorageBackend};

use crate::backend::{Backend, BackendTransaction, ConflictSide, Isolation};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{KeySelector, RangeQuery, RangeResult};
use crate::mutation::Mutation;
use crate::transaction::Committed;
use crate::watch::Watch;

/// What happens to a commit or a read instead of what should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fails with `Conflict`; nothing is written.
    Conflict,
    /// Fails with `TooOld`; nothing is written.
    TooOld,
    /// Fails with `Unavailable`; nothing is written.
    Unavailable,
    /// Fails with `UnknownResult` after the commit took place. For a read, as `Unavailable`.
    UnknownApplied,
    /// Fails with `UnknownResult` without a commit. For a read, as `Unavailable`.
    UnknownNotApplied,
    /// Happens, after this long.
    Delay(Duration),
}

impl Fault {
    fn error(self) -> Option<Error> {
        let kind = match self {
            Self::Conflict => ErrorKind::Conflict,
            Self::TooOld => ErrorKind::TooOld,
            Self::Unavailable => ErrorKind::Unavailable,
            Self::UnknownApplied | Self::UnknownNotApplied => ErrorKind::UnknownResult,
            Self::Delay(_) => return None,
        };
        Some(Error::new(kind, "injected fault"))
    }
}

/// The faults to come, first in, first out. Clones are handles on the same list.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Plans>>);

#[derive(Debug, Default)]
struct Plans {
    commits: VecDeque<Fault>,
    reads: VecDeque<Fault>,
}

impl Faults {
    /// The next commits, in the order of the calls, meet these.
    pub fn on_commits(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().commits.extend(faults);
    }

    /// The next reads, in the order of the calls, meet these.
    pub fn on_reads(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().reads.extend(faults);
    }

    /// Faults that nobody has met yet.
    #[must_use]
    pub fn left(&self) -> usize {
        let plans = self.0.lock();
        plans.commits.len() + plans.reads.len()
    }

    async fn before_read(&self) -> Result<()> {
        let fault = self.0.lock().reads.pop_front();
        match fault {
            Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
            Some(Fault::UnknownApplied | Fault::UnknownNotApplied) => {
                return Err(Error::new(ErrorKind::Unavailable, "injected fault"));
            }
            Some(fault) => return fault.error().map_or(Ok(()), Err),
            None => {}
        }
        Ok(())
    }
}

/// A backend that meets faults on its way to another.
#[derive(Debug)]
pub(crate) struct FaultyBackend {
    pub(crate) inner: Arc<dyn Backend>,
    pub(crate) faults: Faults,
}

impl Backend for FaultyBackend {
    fn begin(&self) -> Box<dyn BackendTransaction> {
        Box::new(FaultyTransaction { inner: self.inner.begin(), faults: self.faults.clone() })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }
}

struct FaultyTransaction {
    inner: Box<dyn BackendTransaction>,
    faults: Faults,
}

impl BackendTransaction for FaultyTransaction {
    fn read_version(&self) -> BoxFuture<'_, Result<u64>> {
        self.inner.read_version()
    }

    fn get<'a>(&'a self, key: &'a [u8], isolation: Isolation) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move {
            self.faults.before_read().await?;
            self.inner.get(key, isolation).await
        }
        .boxed()
    }

    fn get_key<'a>(&'a self, selector: &'a KeySelector, isolation: Isolation) -> BoxFuture<'a, Result<Bytes>> {
        async move {
            self.faults.before_read().await?;
            self.inner.get_key(selector, isolation).await
        }
        .boxed()
    }

    fn get_range<'a>(&'a self, range: &'a RangeQuery, isolation: Isolation) -> BoxFuture<'a, Result<RangeResult>> {
        async move {
            self.faults.before_read().await?;
            self.inner.get_range(range, isolation).await
        }
        .boxed()
    }

    fn mutate(&self, mutation: Mutation) {
        self.inner.mutate(mutation);
    }

    fn add_conflict(&self, side: ConflictSide, begin: Bytes, end: Bytes) {
        self.inner.add_conflict(side, begin, end);
    }

    fn watch(&self, key: Bytes) -> Watch {
        self.inner.watch(key)
    }

    fn commit(&self) -> BoxFuture<'_, Result<Committed>> {
        async move {
            let fault = self.faults.0.lock().commits.pop_front();
            match fault {
                None => {}
                Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
                Some(fault) => {
                    if fault == Fault::UnknownApplied {
                        self.inner.commit().await?;
                    }
                    return Err(fault.error().unwrap_or_else(Error::closed));
                }
            }
            self.inner.commit().await
        }
        .boxed()
    }
}

/// Makes the disk below an embedded store fail.
#[derive(Clone, Default)]
pub struct DiskFaults(Arc<Mutex<DiskPlan>>);

#[derive(Default)]
struct DiskPlan {
    /// Most bytes that the file may have.
    size: Option<u64>,
    /// Flushes that still work before one fails.
    flushes: Option<u64>,
    /// Writes that still work before all fail.
    writes: Option<u64>,
}

impl DiskFaults {
    /// The disk is full once the file has this many bytes; `None` ends that.
    pub fn limit_size(&self, bytes: Option<u64>) {
        self.0.lock().size = bytes;
    }

    /// After `count` more flushes, one fails.
    pub fn fail_flush_after(&self, count: u64) {
        self.0.lock().flushes = Some(count);
    }

    /// After `count` more writes, all fail; `None` ends that.
    pub fn fail_writes_after(&self, count: Option<u64>) {
        self.0.lock().writes = count;
    }

    /// The disk is well again.
    pub fn forget(&self) {
        *self.0.lock() = DiskPlan::default();
    }

    /// The file, failing as planned.
    pub(crate) fn wrap<B: StorageBackend>(&self, disk: B) -> FaultyDisk<B> {
        FaultyDisk { disk, faults: self.clone() }
    }

    fn check_size(&self, len: u64) -> io::Result<()> {
        match self.0.lock().size {
            Some(most) if len > most => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    fn check_write(&self) -> io::Result<()> {
        match &mut self.0.lock().writes {
            Some(0) => Err(io::Error::other("injected write error")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn check_flush(&self) -> io::Result<()> {
        let mut plan = self.0.lock();
        match plan.flushes {
            Some(0) => {
                plan.flushes = None;
                Err(io::Error::other("injected flush error"))
            }
            Some(left) => {
                plan.flushes = Some(left - 1);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DiskFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFaults")
    }
}

/// A file of the engine that fails on request.
#[derive(Debug)]
pub(crate) struct FaultyDisk<B> {
    disk: B,
    faults: DiskFaults,
}

impl<B: StorageBackend> StorageBackend for FaultyDisk<B> {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.disk.len()? {
            self.faults.check_size(len)?;
        }
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.check_flush()?;
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.faults.check_write()?;
        self.disk.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }
}
