//! A switch before several stores that lead to the same data: which one the next transaction goes through can change at any time, as when the network
//! between a process and its cluster changes.

use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::backend::{Backend, BackendTransaction, TransactionOptions};
use crate::error::Result;
use crate::store::Store;

/// Decides which store transactions go through, see [`Store::with_switch`]. Clones are handles on the same switch.
#[derive(Debug, Clone)]
pub struct Switch(Arc<Mutex<Arc<dyn Backend>>>);

impl Switch {
    pub(crate) fn new(first: Arc<dyn Backend>) -> Self {
        Self(Arc::new(Mutex::new(first)))
    }

    /// Transactions that begin from now on go through `store`; those that have begun stay where they are.
    pub fn lead_to(&self, store: &Store) {
        *self.0.lock() = store.backend();
    }

    fn current(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.0.lock())
    }
}

impl Backend for Switch {
    fn begin(&self, options: TransactionOptions) -> Box<dyn BackendTransaction> {
        self.current().begin(options)
    }

    fn advance(&self, version: u64) -> BoxFuture<'_, Result<()>> {
        let current = self.current();
        Box::pin(async move { current.advance(version).await })
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let current = self.current();
        Box::pin(async move { current.close().await })
    }
}

#[cfg(test)]
mod tests {
    use crate::{EmbeddedOptions, Store};

    #[tokio::test]
    async fn transactions_stay_where_they_began() {
        let dir = tempfile::tempdir().unwrap();
        let one = Store::open_embedded(EmbeddedOptions::new(dir.path().join("one"))).await.unwrap();
        let two = Store::open_embedded(EmbeddedOptions::new(dir.path().join("two"))).await.unwrap();
        let (store, switch) = one.with_switch();
        let begun = store.begin();
        begun.set(b"k", b"begun before");
        switch.lead_to(&two);
        let next = store.begin();
        next.set(b"k", b"begun after");
        begun.commit().await.unwrap();
        next.commit().await.unwrap();
        assert_eq!(one.begin().get(b"k").await.unwrap().unwrap(), "begun before");
        assert_eq!(two.begin().get(b"k").await.unwrap().unwrap(), "begun after");
    }
}
