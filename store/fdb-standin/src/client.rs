//! A client's handle on a database: where it leads, what goes wrong on the way, and what its transactions begin with.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::abi::ErrorCode;
use crate::cluster::Cluster;
use crate::connection::Connection;
use crate::errors;
use crate::faults::Faults;
use crate::network;
use crate::options::TransactionOptions;

/// Watches that a client may have, unless it asks for another number.
const WATCHES: usize = 10_000;
/// Most watches that it may ask for.
pub(crate) const MOST_WATCHES: usize = 1_000_000;

/// `FDBDatabase`.
pub(crate) struct Client {
    /// The error that every operation fails with when there is no such database.
    pub(crate) cluster: Result<Arc<Cluster>, ErrorCode>,
    /// When the faults began to count.
    began: Mutex<Instant>,
    faults: Mutex<Faults>,
    watches: AtomicUsize,
    watch_limit: AtomicUsize,
    defaults: Mutex<TransactionOptions>,
}

impl Client {
    pub(crate) fn new(connection: Result<Connection, ErrorCode>) -> Arc<Self> {
        let everywhere = std::env::var("FDB_STANDIN_FAULTS").ok().map(|plan| Faults::parse(&plan));
        let mut cluster = connection.as_ref().map(|connection| Cluster::named(&connection.name)).map_err(|code| *code);
        let own = connection.ok().and_then(|connection| connection.faults);
        let faults = match (own, everywhere) {
            (Some(faults), _) | (None, Some(Ok(faults))) => faults,
            (None, None) => Faults::default(),
            (None, Some(Err(code))) => {
                cluster = Err(code);
                Faults::default()
            }
        };
        Arc::new(Self {
            cluster,
            began: Mutex::new(Instant::now()),
            faults: Mutex::new(faults),
            watches: AtomicUsize::new(0),
            watch_limit: AtomicUsize::new(WATCHES),
            defaults: Mutex::default(),
        })
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these go wrong; the times of partitions count from here.
    pub(crate) fn set_faults(&self, faults: Faults) {
        let mut current = self.faults();
        *current = faults;
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(crate) fn defaults(&self) -> MutexGuard<'_, TransactionOptions> {
        self.defaults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the client began, or was given its faults.
    pub(crate) fn age(&self) -> Duration {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Runs the rest of an operation on the network thread, when its message has got through; never, if it does not.
    pub(crate) fn send(&self, rest: impl FnOnce() + Send + 'static) {
        let delay = self.faults().delay(self.age());
        if let Some(delay) = delay {
            network::post(delay, rest);
        }
    }

    pub(crate) fn set_watch_limit(&self, limit: usize) {
        self.watch_limit.store(limit, Ordering::Relaxed);
    }

    /// Takes a place for a watch.
    pub(crate) fn add_watch(self: &Arc<Self>) -> Result<WatchPlace, ErrorCode> {
        if self.watches.fetch_add(1, Ordering::Relaxed) >= self.watch_limit.load(Ordering::Relaxed) {
            self.watches.fetch_sub(1, Ordering::Relaxed);
            return Err(errors::TOO_MANY_WATCHES);
        }
        Ok(WatchPlace(Arc::clone(self)))
    }
}

/// A watch's place among those of its client.
pub(crate) struct WatchPlace(Arc<Client>);

impl Drop for WatchPlace {
    fn drop(&mut self) {
        self.0.watches.fetch_sub(1, Ordering::Relaxed);
    }
}
