//! The retry loop, with faults injected above the backend.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Bed, kind, value};
use crate::faults::{Fault, Faults};
use crate::{AtomicOp, Error, ErrorKind, RunOptions, Store, TransactError, Transaction};

/// Runs one transaction against a store that meets these faults; answers the result and the number of attempts.
async fn attempts<T: Send>(bed: &Bed, faults: &Faults, body: impl AsyncBody<T>) -> (Result<T, Error>, usize) {
    let store = bed.store.with_faults(faults.clone());
    let count = AtomicUsize::new(0);
    let (count, body) = (&count, &body);
    let run = store.run(|tx| {
        count.fetch_add(1, Ordering::Relaxed);
        body.call(tx)
    });
    let result = run.await;
    (result, count.load(Ordering::Relaxed))
}

/// A transaction's body.
trait AsyncBody<T>: Send + Sync {
    fn call(&self, tx: Transaction) -> futures::future::BoxFuture<'static, Result<T, Error>>;
}

impl<T, F, Fut> AsyncBody<T> for F
where
    F: Fn(Transaction) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, Error>> + Send + 'static,
{
    fn call(&self, tx: Transaction) -> futures::future::BoxFuture<'static, Result<T, Error>> {
        Box::pin(self(tx))
    }
}

async fn add_one(tx: Transaction) -> Result<(), Error> {
    tx.atomic(AtomicOp::Add, b"n", &[1]);
    Ok(())
}

async fn count(store: &Store) -> u8 {
    value(store, b"n").await.map_or(0, |value| value[0])
}

pub(super) async fn run_retries_conflicts(bed: Bed) {
    let faults = Faults::default();
    faults.on_commits([Fault::Conflict, Fault::TooOld, Fault::Unavailable, Fault::Delay(Duration::from_millis(2))]);
    let (result, attempts) = attempts(&bed, &faults, add_one).await;
    result.unwrap();
    assert_eq!((attempts, faults.left()), (4, 0));
    assert_eq!(count(&bed.store).await, 1);
}

pub(super) async fn run_retries_unknown_results(bed: Bed) {
    let faults = Faults::default();
    faults.on_commits([Fault::UnknownNotApplied]);
    let (result, tries) = attempts(&bed, &faults, add_one).await;
    result.unwrap();
    assert_eq!((tries, count(&bed.store).await), (2, 1));
    faults.on_commits([Fault::UnknownApplied]);
    let (result, tries) = attempts(&bed, &faults, add_one).await;
    result.unwrap();
    assert_eq!((tries, count(&bed.store).await), (2, 3), "applied, and applied again: not an idempotent transaction");
    faults.on_commits([Fault::UnknownApplied]);
    let once = |tx: Transaction| async move {
        if tx.get(b"mark").await?.is_none() {
            tx.set(b"mark", b"");
            tx.atomic(AtomicOp::Add, b"n", &[1]);
        }
        Ok(())
    };
    let (result, tries) = attempts(&bed, &faults, once).await;
    result.unwrap();
    assert_eq!((tries, count(&bed.store).await), (2, 4), "applied once: an idempotent transaction");
}

pub(super) async fn run_stops_at_its_deadline(bed: Bed) {
    let faults = Faults::default();
    faults.on_commits([Fault::Conflict; 10_000]);
    let store = bed.store.with_faults(faults);
    let options = RunOptions::deadline(Duration::from_millis(60));
    let error = store.run_with(options, add_one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    let cause = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Error>());
    assert_eq!(cause.map(Error::kind), Some(ErrorKind::Conflict));
    assert_eq!(count(&bed.store).await, 0);
}

pub(super) async fn run_drops_what_hangs(bed: Bed) {
    let options = RunOptions::deadline(Duration::from_millis(30));
    let hang = |_: Transaction| std::future::pending::<Result<(), Error>>();
    assert_eq!(kind(bed.store.run_with(options, hang).await), ErrorKind::Deadline);
}

#[derive(Debug)]
enum Refusal {
    Full,
    Store(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl TransactError for Refusal {
    fn store_error(&self) -> Option<&Error> {
        match self {
            Self::Full => None,
            Self::Store(error) => Some(error),
        }
    }
}

pub(super) async fn run_passes_other_errors_on(bed: Bed) {
    let calls = AtomicUsize::new(0);
    let calls = &calls;
    let refused = bed.store.run(|tx| async move {
        calls.fetch_add(1, Ordering::Relaxed);
        tx.set(b"n", &[1]);
        Err::<(), _>(Refusal::Full)
    });
    assert!(matches!(refused.await, Err(Refusal::Full)));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(count(&bed.store).await, 0, "nothing is committed");
    let invalid = bed.store.run(|tx| async move {
        tx.set(b"\xff", b"");
        Ok::<_, Refusal>(())
    });
    assert!(matches!(invalid.await, Err(Refusal::Store(error)) if error.kind() == ErrorKind::Invalid));
}

pub(super) async fn run_retries_failed_reads(bed: Bed) {
    let faults = Faults::default();
    faults.on_reads([Fault::Unavailable, Fault::TooOld]);
    let copy = |tx: Transaction| async move {
        let value = tx.get(b"n").await?.unwrap_or_default();
        tx.set(b"copy", &value);
        Ok(())
    };
    let (result, attempts) = attempts(&bed, &faults, copy).await;
    result.unwrap();
    assert_eq!((attempts, faults.left()), (3, 0));
    assert!(value(&bed.store, b"copy").await.is_some());
}
