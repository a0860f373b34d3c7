//! The narrow seam between the public types and what stores the data. Everything that holds on each backend
//! (limits, checks of keys, the retry loop) is above it.

use std::fmt;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::Result;
use crate::key::{KeySelector, RangeQuery, RangeResult};
use crate::mutation::Mutation;
use crate::transaction::Committed;
use crate::watch::Watch;

/// Whether a read makes the transaction conflict with later writers of what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    Serializable,
    Snapshot,
}

/// Which side of a conflict a range is added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConflictSide {
    Read,
    Write,
}

/// How urgent a transaction is to a cluster that has too much to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Normal,
    /// It can wait: clean-up, backup, re-embedding. The first that a busy cluster slows down.
    Background,
}

/// What a cluster is told about a transaction. The embedded backend treats all alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    /// How urgent it is.
    pub priority: Priority,
    /// A name of at most 16 bytes by which an operator of the cluster can see and slow down this kind of work.
    pub tag: Option<&'static str>,
}

/// Something that runs transactions.
pub(crate) trait Backend: Send + Sync + fmt::Debug {
    fn begin(&self, options: TransactionOptions) -> Box<dyn BackendTransaction>;
    /// Makes later commits have versions above `version`.
    fn advance(&self, version: u64) -> BoxFuture<'_, Result<()>>;
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// One transaction. Keys, ranges and sizes have been checked by the caller; ranges are not empty.
pub(crate) trait BackendTransaction: Send + Sync {
    fn read_version(&self) -> BoxFuture<'_, Result<u64>>;
    fn get<'a>(&'a self, key: &'a [u8], isolation: Isolation) -> BoxFuture<'a, Result<Option<Bytes>>>;
    fn get_key<'a>(&'a self, selector: &'a KeySelector, isolation: Isolation) -> BoxFuture<'a, Result<Bytes>>;
    fn get_range<'a>(&'a self, range: &'a RangeQuery, isolation: Isolation) -> BoxFuture<'a, Result<RangeResult>>;
    fn mutate(&self, mutation: Mutation);
    fn add_conflict(&self, side: ConflictSide, begin: Bytes, end: Bytes);
    fn watch(&self, key: Bytes) -> Watch;
    /// Called once.
    fn commit(&self) -> BoxFuture<'_, Result<Committed>>;
}
