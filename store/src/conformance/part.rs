//! A part of a store's keys as a store of its own, so that the behaviours leave the rest alone and do not see it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::backend::{Backend, BackendTransaction, ConflictSide, Isolation, TransactionOptions};
use crate::error::Result;
use crate::key::{END, KeySelector, KeyValue, RangeQuery, RangeResult};
use crate::mutation::{AtomicOp, Mutation};
use crate::transaction::Committed;
use crate::watch::Watch;
use crate::{Error, Store};

/// What all keys of a part begin with, and the two keys around it, so that searches for neighbours stay in their place.
const INSIDE: u8 = 1;
const BEFORE: u8 = 0;
const BEHIND: u8 = 2;

/// Bytes that [`part`] takes off the longest key for a root of this length.
#[must_use]
pub fn prefix_bytes(root: &[u8]) -> usize {
    root.len() + 1
}

/// The keys of `store` under `root`, which nobody else uses.
///
/// # Errors
/// Those of the commit that prepares the part.
pub async fn part(store: &Store, root: &[u8]) -> Result<Store> {
    let under = |last: u8| [root, &[last]].concat();
    store
        .run(|tx| {
            tx.set(&under(BEFORE), b"");
            tx.set(&under(BEHIND), b"");
            std::future::ready(Ok::<_, Error>(()))
        })
        .await?;
    let prefix = under(INSIDE).into();
    Ok(store.with_backend(|inner| Arc::new(PartBackend { inner, prefix })))
}

/// Removes a part with all its keys.
///
/// # Errors
/// Those of the commit.
pub async fn remove_part(store: &Store, root: &[u8]) -> Result<()> {
    store
        .run(|tx| {
            tx.clear_range(root, &crate::prefix_end(root));
            std::future::ready(Ok::<_, Error>(()))
        })
        .await
}

struct PartBackend {
    inner: Arc<dyn Backend>,
    prefix: Bytes,
}

impl fmt::Debug for PartBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartBackend").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Backend for PartBackend {
    fn begin(&self, options: TransactionOptions) -> Box<dyn BackendTransaction> {
        Box::new(PartTransaction { inner: self.inner.begin(options), prefix: self.prefix.clone() })
    }

    fn advance(&self, version: u64) -> BoxFuture<'_, Result<()>> {
        self.inner.advance(version)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }
}

struct PartTransaction {
    inner: Box<dyn BackendTransaction>,
    prefix: Bytes,
}

impl PartTransaction {
    fn outer(&self, key: &[u8]) -> Bytes {
        [&self.prefix, key].concat().into()
    }

    /// A key as the part knows it; those before it are the empty key, those behind it the end of the key space.
    fn inner(&self, key: &Bytes) -> Bytes {
        match key.strip_prefix(&self.prefix[..]) {
            Some(rest) => key.slice_ref(rest),
            None if *key < self.prefix => Bytes::new(),
            None => END.clone(),
        }
    }

    fn selector(&self, selector: &KeySelector) -> KeySelector {
        KeySelector { key: self.outer(&selector.key), ..selector.clone() }
    }

    /// A versionstamped key's template says at its end where in the key the stamp goes.
    fn template(&self, template: &[u8]) -> Bytes {
        let mut outer = self.outer(template).to_vec();
        if let Some(position) = outer.last_chunk_mut::<4>() {
            let moved = u32::from_le_bytes(*position) + self.prefix.len() as u32;
            *position = moved.to_le_bytes();
        }
        outer.into()
    }
}

impl BackendTransaction for PartTransaction {
    fn read_version(&self) -> BoxFuture<'_, Result<u64>> {
        self.inner.read_version()
    }

    fn get<'a>(&'a self, key: &'a [u8], isolation: Isolation) -> BoxFuture<'a, Result<Option<Bytes>>> {
        async move { self.inner.get(&self.outer(key), isolation).await }.boxed()
    }

    fn get_key<'a>(&'a self, selector: &'a KeySelector, isolation: Isolation) -> BoxFuture<'a, Result<Bytes>> {
        async move { Ok(self.inner(&self.inner.get_key(&self.selector(selector), isolation).await?)) }.boxed()
    }

    fn get_range<'a>(&'a self, range: &'a RangeQuery, isolation: Isolation) -> BoxFuture<'a, Result<RangeResult>> {
        async move {
            // A selector that leads out of the part ends at its bounds.
            let bound = |selector: &KeySelector| self.selector(selector);
            let outer = RangeQuery { begin: bound(&range.begin), end: bound(&range.end), ..range.clone() };
            let result = self.inner.get_range(&outer, isolation).await?;
            let inside = result.items.iter().filter(|item| item.key.starts_with(&self.prefix));
            let items = inside.map(|item| KeyValue { key: self.inner(&item.key), value: item.value.clone() });
            Ok(RangeResult { items: items.collect(), more: result.more })
        }
        .boxed()
    }

    fn mutate(&self, mutation: Mutation) {
        self.inner.mutate(match mutation {
            Mutation::Set { key, value } => Mutation::Set { key: self.outer(&key), value },
            Mutation::ClearRange { begin, end } => {
                Mutation::ClearRange { begin: self.outer(&begin), end: self.outer(&end) }
            }
            Mutation::Atomic { op: op @ AtomicOp::SetVersionstampedKey, key, param } => {
                Mutation::Atomic { op, key: self.template(&key), param }
            }
            Mutation::Atomic { op, key, param } => Mutation::Atomic { op, key: self.outer(&key), param },
        });
    }

    fn add_conflict(&self, side: ConflictSide, begin: Bytes, end: Bytes) {
        self.inner.add_conflict(side, self.outer(&begin), self.outer(&end));
    }

    fn watch(&self, key: Bytes) -> Watch {
        self.inner.watch(self.outer(&key))
    }

    fn commit(&self) -> BoxFuture<'_, Result<Committed>> {
        self.inner.commit()
    }
}
