//! Transactional key-value store with FoundationDB's model: ordered byte keys, strictly serialisable
//! optimistic transactions, atomic operations, versionstamps, watches, and its limits.
//!
//! It is a store for one process on one machine (the embedded backend), behind an interface that a cluster fits as
//! well. It is not a cache, not a query engine and not a security boundary between tenants.
//!
//! ```
//! # async fn example(dir: std::path::PathBuf) -> coditect_store::Result<()> {
//! use coditect_store::{AtomicOp, EmbeddedOptions, Store};
//!
//! let store = Store::open_embedded(EmbeddedOptions::new(dir)).await?;
//! let seen = store
//!     .run(|tx| async move {
//!         let seen = tx.get(b"greeting").await?;
//!         tx.set(b"greeting", b"hello");
//!         tx.atomic(AtomicOp::Add, b"greetings", &1u64.to_le_bytes());
//!         Ok::<_, coditect_store::Error>(seen)
//!     })
//!     .await?;
//! # let _ = seen;
//! store.close().await
//! # }
//! ```

mod atomic;
mod backend;
mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod embedded;
mod error;
#[cfg(feature = "testing")]
pub mod faults;
#[cfg(feature = "fdb")]
mod fdb;
mod key;
mod lease;
pub mod limits;
mod mutation;
pub mod record;
mod run;
mod stamp;
mod store;
mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
mod transaction;
mod watch;

pub use backend::{Priority, TransactionOptions};
pub use clock::Clock;
pub use embedded::EmbeddedOptions;
pub use error::{Error, ErrorKind, Limit, Result};
#[cfg(feature = "fdb")]
pub use fdb::{FdbCluster, FdbOptions, FdbTls, stop_fdb_network};
pub use foundationdb_tuple as tuple;
pub use key::{KeySelector, KeyValue, RangeQuery, RangeResult, key_after, prefix_end};
pub use lease::{Lease, Term};
pub use mutation::AtomicOp;
pub use run::{RunOptions, TransactError};
pub use store::Store;
pub use tenant::{TenantId, check_name};
pub use transaction::{Committed, Snapshot, Transaction};
pub use watch::{VersionstampFuture, Watch};
