//! The FoundationDB backend: a cluster behind the C client library, API version 7.3.
//!
//! Reads and commits go to the cluster, which decides conflicts, versions and versionstamps. What the interface promises
//! beyond it is kept here: the five seconds on this process's clock, large answers of range reads, the number of watches.

mod advance;
mod cluster;
mod errors;
mod measure;
mod network;
mod options;
mod transaction;
mod watches;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundationdb::Database;
use foundationdb::options::DatabaseOption;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::RwLock;

use crate::backend::{Backend, BackendTransaction, TransactionOptions};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use cluster::ClusterFile;
pub use network::stop_fdb_network;
pub use options::{FdbCluster, FdbOptions, FdbTls};
use transaction::FdbTransaction;
use watches::Watches;

/// A cluster that answered.
pub(crate) struct Fdb(Arc<Shared>);

/// What the transactions share.
struct Shared {
    database: Database,
    clock: Clock,
    watches: Arc<Watches>,
    closed: AtomicBool,
    /// Held for reading by each commit under way.
    committing: RwLock<()>,
    /// Removed with the last handle when it is a temporary one.
    _file: ClusterFile,
}

impl Fdb {
    /// Starts the network thread if need be, and waits until the cluster answers.
    pub(crate) async fn open(options: FdbOptions) -> Result<Self> {
        let file = ClusterFile::find(&options.cluster)?;
        network::start(&options.tls)?;
        let what = || format!("open the cluster of {}", file.path().display());
        let path = file.path().to_str().ok_or_else(|| Error::invalid("path of the cluster file is not UTF-8"))?;
        let database = Database::new(Some(path)).map_err(|error| errors::from_fdb(what(), error))?;
        // Their number is counted here; the library frees one a little later than its holder drops it.
        let watches = i32::try_from(2 * limits::WATCHES).unwrap_or(i32::MAX);
        let set = database.set_option(DatabaseOption::MaxWatches(watches));
        set.map_err(|error| errors::from_fdb(what(), error))?;
        wait_for_answer(&database, &file, &options).await?;
        Ok(Self(Arc::new(Shared {
            database,
            clock: options.clock,
            watches: Arc::default(),
            closed: AtomicBool::new(false),
            committing: RwLock::default(),
            _file: file,
        })))
    }
}

/// Asks the cluster for a version until the start-up time is over.
async fn wait_for_answer(database: &Database, file: &ClusterFile, options: &FdbOptions) -> Result<()> {
    let path = file.path().display();
    let ask = async {
        loop {
            let transaction = database.create_trx()?;
            match transaction.get_read_version().await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_retryable() => drop(transaction.on_error(error).await?),
                Err(error) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(options.start_timeout, ask).await {
        Ok(answered) => answered.map_err(|error| errors::from_fdb(format!("open the cluster of {path}"), error)),
        Err(_) => Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "cluster of {path} did not answer within {:?}: check that its processes run, that the addresses in that file \
                 are the coordinators' and can be reached from here, and that TLS settings and versions are the cluster's",
                options.start_timeout
            ),
        )),
    }
}

impl Shared {
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) || !network::is_running() { Err(Error::closed()) } else { Ok(()) }
    }
}

impl Backend for Fdb {
    fn begin(&self, options: TransactionOptions) -> Box<dyn BackendTransaction> {
        Box::new(FdbTransaction::begin(Arc::clone(&self.0), options))
    }

    fn advance(&self, version: u64) -> BoxFuture<'_, Result<()>> {
        async move {
            self.0.check_open()?;
            advance::advance(&self.0.database, version).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        async {
            self.0.closed.store(true, Ordering::Release);
            drop(self.0.committing.write().await);
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for Fdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fdb")
    }
}
