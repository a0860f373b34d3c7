//! The embedded backend: one process, one directory, durable commits.
//!
//! Reads go to an immutable view of the last durable commit. Commits go through one thread, which decides conflicts,
//! makes a batch of transactions durable with one flush and then publishes the next view. So a version is a batch, and
//! a transaction's order within its batch is the second half of its versionstamp.

mod commit;
mod committer;
mod conflicts;
mod disk;
mod engine;
mod history;
mod lock;
mod options;
mod queue;
mod range_set;
mod read;
mod transaction;
mod view;
mod watches;
mod write_map;

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::backend::{Backend, BackendTransaction, TransactionOptions};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::transaction::Committed;
use commit::Request;
use committer::Committer;
use engine::Engine;
use lock::DirectoryLock;
pub use options::EmbeddedOptions;
use queue::{Queue, Taker};
use transaction::EmbeddedTransaction;
use view::Views;
use watches::Watches;

/// An open directory.
pub(crate) struct Embedded(Arc<Shared>);

/// What the transactions and the committer share.
pub(crate) struct Shared {
    clock: Clock,
    views: Arc<Views>,
    watches: Arc<Watches>,
    queue: Arc<Queue>,
    committer: Mutex<Option<JoinHandle<Result<()>>>>,
}

impl Embedded {
    /// Opens or creates the directory. Blocks on the disk.
    pub(crate) fn open(options: EmbeddedOptions) -> Result<Self> {
        let lock = DirectoryLock::acquire(&options.dir)?;
        let engine = Engine::open(&options)?;
        let version = engine.version()?;
        let views = Arc::new(Views::new(engine.view(version)?));
        let watches = Arc::new(Watches::default());
        let queue = Arc::new(Queue::new());
        let taker = Taker(Arc::clone(&queue));
        let clock = options.clock.clone();
        let committer = Committer::new(engine, options, version, Arc::clone(&views), Arc::clone(&watches), lock);
        let thread = std::thread::Builder::new()
            .name("store-commit".into())
            .spawn(move || committer.run(&taker))
            .map_err(|error| Error::with_source(ErrorKind::Io, "start the committer thread", error))?;
        Ok(Self(Arc::new(Shared { clock, views, watches, queue, committer: Mutex::new(Some(thread)) })))
    }
}

impl Backend for Embedded {
    fn begin(&self, _: TransactionOptions) -> Box<dyn BackendTransaction> {
        Box::new(EmbeddedTransaction::new(Arc::clone(&self.0)))
    }

    fn advance(&self, above: u64) -> BoxFuture<'_, Result<()>> {
        async move {
            let (view, started) = (self.0.views.current()?, self.0.clock.monotonic());
            let (reads, writes, mutations) = <(Vec<_>, Vec<_>, Vec<_>)>::default();
            let request = |reply| Request { view, started, reads, writes, mutations, above, reply };
            self.0.submit(request).await.map(drop)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let shared = Arc::clone(&self.0);
        async move {
            let closed = tokio::task::spawn_blocking(move || shared.stop()).await;
            closed.map_err(|error| Error::with_source(ErrorKind::Io, "close the store", error))?
        }
        .boxed()
    }
}

impl Shared {
    /// Hands a transaction to the committer and waits until it is durable or refused.
    async fn submit(&self, make: impl FnOnce(commit::Reply) -> Request) -> Result<Committed> {
        let (reply, done) = oneshot::channel();
        self.queue.push(make(reply)).await?;
        done.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::UnknownResult, "committer ended before it answered")))
    }

    /// Lets the committer finish what is queued, and waits for it. Only the first call does anything.
    fn stop(&self) -> Result<()> {
        self.queue.close();
        let Some(thread) = self.committer.lock().take() else {
            return Ok(());
        };
        thread.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, "committer thread panicked")))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "close the store");
        }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedded")
    }
}
