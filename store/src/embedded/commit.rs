//! What passes between a transaction and the committer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::read::Span;
use super::view::View;
use crate::error::Result;
use crate::mutation::Mutation;
use crate::transaction::Committed;

/// Where the committer answers.
pub(super) type Reply = oneshot::Sender<Result<Committed>>;

/// A transaction that asks to be made durable.
#[derive(Debug)]
pub(super) struct Request {
    /// What it read; held until it is judged, so that its version is remembered so long.
    pub(super) view: Arc<View>,
    /// When the transaction took its read version, on the store's clock.
    pub(super) started: Duration,
    pub(super) reads: Vec<Span>,
    /// Write conflicts that no mutation implies.
    pub(super) writes: Vec<Span>,
    pub(super) mutations: Vec<Mutation>,
    /// Its version is to be above this.
    pub(super) above: u64,
    pub(super) reply: Reply,
}

impl Request {
    /// Roughly the bytes that it adds to a batch.
    pub(super) fn size(&self) -> usize {
        self.mutations.iter().map(Mutation::size).sum()
    }
}

/// The keys that a batch changed, for the watches.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) keys: Vec<Bytes>,
    pub(super) ranges: Vec<Span>,
}
