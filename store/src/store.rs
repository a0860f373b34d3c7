//! The handle that callers keep: opens a backend, begins transactions, runs the retry loop.

use std::sync::Arc;

use crate::backend::{Backend, TransactionOptions};
use crate::clock::Clock;
use crate::embedded::{Embedded, EmbeddedOptions};
use crate::error::{Error, Result};
use crate::run::{self, RunOptions, TransactError};
use crate::transaction::{Committed, Transaction};

/// A transactional key-value store. Cheap to clone; clones are handles on the same store.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Arc<dyn Backend>,
    clock: Clock,
}

impl Store {
    /// Opens (or creates) an embedded store in a directory that no other process has open.
    ///
    /// # Errors
    /// `Locked` when another process has it open, `Corrupt` when the data is damaged, `Format` when a newer version wrote
    /// it, `Full` or `Io` when the operating system refuses.
    pub async fn open_embedded(options: EmbeddedOptions) -> Result<Self> {
        let clock = options.clock.clone();
        let opened = tokio::task::spawn_blocking(move || Embedded::open(options)).await;
        let backend = opened.map_err(|error| Error::with_source(crate::ErrorKind::Io, "open the store", error))??;
        Ok(Self { backend: Arc::new(backend), clock })
    }

    /// Opens a store on a FoundationDB cluster, and waits until the cluster answers. The first such store of a process starts the
    /// client library's network thread; [`crate::stop_fdb_network`] stops it.
    ///
    /// # Errors
    /// `Io` or `Invalid` for the cluster file, `Unavailable` when the cluster does not answer within
    /// [`crate::FdbOptions::start_timeout`], `Format` when the library is older than API version 730, `Closed` after the network was stopped.
    #[cfg(feature = "fdb")]
    pub async fn open_fdb(options: crate::FdbOptions) -> Result<Self> {
        let clock = options.clock.clone();
        let backend = crate::fdb::Fdb::open(options).await?;
        Ok(Self { backend: Arc::new(backend), clock })
    }

    /// Begins a transaction. Most callers want [`Store::run`], which retries.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        self.begin_with(TransactionOptions::default())
    }

    /// As [`Store::begin`], with something to tell the cluster.
    #[must_use]
    pub fn begin_with(&self, options: TransactionOptions) -> Transaction {
        Transaction::new(self.backend.begin(options))
    }

    /// Runs `f` in a transaction and commits it; again and again, with pauses, while that fails for a reason that a new attempt
    /// may not meet, for at most [`crate::limits::RUN_DEADLINE`].
    ///
    /// `f` must be idempotent: an attempt whose commit has an unknown result is followed by another.
    ///
    /// # Errors
    /// What `f` answers, the first error that is not worth a retry, or `Deadline` with the last one as its source.
    pub async fn run<T, E, F, Fut>(&self, f: F) -> Result<T, E>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        E: TransactError + Send,
        T: Send,
    {
        self.run_with(RunOptions::default(), f).await
    }

    /// As [`Store::run`], with other pauses or another deadline.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn run_with<T, E, F, Fut>(&self, options: RunOptions, f: F) -> Result<T, E>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        E: TransactError + Send,
        T: Send,
    {
        Ok(self.run_committed(options, f).await?.0)
    }

    /// As [`Store::run_with`], and answers the commit as well.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn run_committed<T, E, F, Fut>(&self, options: RunOptions, f: F) -> Result<(T, Committed), E>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, E>> + Send,
        E: TransactError + Send,
        T: Send,
    {
        run::run(|options| self.begin_with(options), self.clock.random(), options, f).await
    }

    /// The same store behind faults that the test injects.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_faults(&self, faults: crate::faults::Faults) -> Self {
        self.with_backend(|inner| Arc::new(crate::faults::FaultyBackend { inner, faults }))
    }

    /// The same store behind a switch that can lead its next transactions through another store.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_switch(&self) -> (Self, crate::faults::Switch) {
        let switch = crate::faults::Switch::new(self.backend());
        (self.with_backend(|_| Arc::new(switch.clone())), switch)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn backend(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backend)
    }

    /// The same store with something before its backend.
    #[cfg(feature = "testing")]
    pub(crate) fn with_backend(&self, wrap: impl FnOnce(Arc<dyn Backend>) -> Arc<dyn Backend>) -> Self {
        Self { backend: wrap(Arc::clone(&self.backend)), clock: self.clock.clone() }
    }

    /// The clock that the store was opened with.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Makes the versions of all later commits and reads greater than `version`: for data that brings versions of another store with it. Does
    /// nothing when they are already.
    ///
    /// A cluster recovers once for it (as with `advanceversion` of `fdbcli`): what is under way on it then begins anew.
    ///
    /// # Errors
    /// `Invalid` for a version above [`crate::limits::VERSION`], `Unavailable` or `Deadline` when the cluster does not get there.
    pub async fn advance(&self, version: u64) -> Result<()> {
        if version > crate::limits::VERSION {
            return Err(Error::invalid(format!("version {version} leaves no room for later ones")));
        }
        match self.begin().read_version().await? > version {
            true => Ok(()),
            false => self.backend.advance(version).await,
        }
    }

    /// Waits for the commits under way, closes the files and gives the directory free. Transactions that are still open
    /// fail with `Closed`. Dropping the last handle does the same without saying whether it worked.
    ///
    /// # Errors
    /// `Io` or `Full` when the last state cannot be written; nothing acknowledged is lost by that.
    pub async fn close(&self) -> Result<()> {
        self.backend.close().await
    }
}
