//! Futures that a transaction hands out and that resolve after it has committed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{oneshot, watch};

use crate::error::{Error, ErrorKind, Result};
use crate::transaction::Committed;

/// Resolves when the watched key's value differs from what the transaction saw. Resolves with an error of kind
/// `Cancelled` when the transaction does not commit. Dropping it stops watching.
pub struct Watch(BoxFuture<'static, Result<()>>);

impl Watch {
    /// A watch that ends with this future; dropping the future stops it.
    pub(crate) fn new(fired: impl Future<Output = Result<()>> + Send + 'static) -> Self {
        Self(fired.boxed())
    }

    /// A watch that resolves with this error at once.
    pub(crate) fn failed(error: Error) -> Self {
        Self::new(std::future::ready(Err(error)))
    }

    /// A watch that the sender resolves; `cancel` runs when the watch is dropped.
    pub(crate) fn armed(fired: oneshot::Receiver<Result<()>>, cancel: impl FnOnce() + Send + 'static) -> Self {
        let cancel = OnDrop(Some(cancel));
        Self::new(async move {
            let fired = fired.await;
            drop(cancel);
            fired.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "transaction of the watch did not commit")))
        })
    }
}

impl Future for Watch {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

/// Runs something when it is dropped.
struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Resolves to the transaction's 10-byte versionstamp after its commit; with an error of kind `Cancelled` when it does
/// not commit, and of kind `Invalid` when it wrote nothing.
pub struct VersionstampFuture(BoxFuture<'static, Result<[u8; 10]>>);

/// How a transaction ended, for those that wait for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Pending,
    Committed(Committed),
    Failed,
}

impl VersionstampFuture {
    pub(crate) fn new(mut outcome: watch::Receiver<Outcome>) -> Self {
        let stamp = async move {
            let ended = outcome.wait_for(|outcome| !matches!(outcome, Outcome::Pending)).await;
            match ended.map(|outcome| *outcome) {
                Ok(Outcome::Committed(Committed { versionstamp: Some(stamp), .. })) => Ok(stamp),
                Ok(Outcome::Committed(_)) => {
                    Err(Error::invalid("a transaction that writes nothing has no versionstamp"))
                }
                _ => Err(Error::new(ErrorKind::Cancelled, "transaction of the versionstamp did not commit")),
            }
        };
        Self(stamp.boxed())
    }
}

impl Future for VersionstampFuture {
    type Output = Result<[u8; 10]>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_unpin(context)
    }
}

impl fmt::Debug for VersionstampFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VersionstampFuture")
    }
}
