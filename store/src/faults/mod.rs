//! Wrappers that make a store or its disk fail on request, for tests of what stands on them. Compiled with the feature
//! `testing` only.

mod disk;
mod switch;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::backend::{Backend, BackendTransaction, ConflictSide, Isolation, TransactionOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{KeySelector, RangeQuery, RangeResult};
use crate::mutation::Mutation;
use crate::transaction::Committed;
use crate::watch::Watch;
pub use disk::{DiskFaults, DiskOperation};
pub use switch::Switch;

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
    fn begin(&self, options: TransactionOptions) -> Box<dyn BackendTransaction> {
        Box::new(FaultyTransaction { inner: self.inner.begin(options), faults: self.faults.clone() })
    }

    fn advance(&self, version: u64) -> BoxFuture<'_, Result<()>> {
        self.inner.advance(version)
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
