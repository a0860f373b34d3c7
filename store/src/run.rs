//! The retry loop: runs a transaction again until it commits, fails for good, or the deadline passes.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::Instant;

use crate::backend::{Priority, TransactionOptions};
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::transaction::{Committed, Transaction};

/// An error that a transaction's closure answers. It says which store error it came from, so that the loop knows whether to retry.
pub trait TransactError: From<Error> {
    /// The store's error behind this one; `None` when the closure failed for a reason of its own.
    fn store_error(&self) -> Option<&Error>;
}

impl TransactError for Error {
    fn store_error(&self) -> Option<&Error> {
        Some(self)
    }
}

/// How long and how fast to retry.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// When to give up, counted from the start of the first attempt. An attempt that is under way then is dropped.
    pub deadline: Duration,
    /// First pause between attempts, doubled each time.
    pub backoff_min: Duration,
    /// Longest pause, before jitter of up to the same again.
    pub backoff_max: Duration,
    /// What a cluster is told about each attempt.
    pub transaction: TransactionOptions,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            deadline: limits::RUN_DEADLINE,
            backoff_min: limits::RUN_BACKOFF_MIN,
            backoff_max: limits::RUN_BACKOFF_MAX,
            transaction: TransactionOptions::default(),
        }
    }
}

impl RunOptions {
    /// The default pauses, with another deadline.
    #[must_use]
    pub fn deadline(deadline: Duration) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// The default deadline and pauses, for work that can wait; `tag` names it to the operators of a cluster (16 bytes at most).
    #[must_use]
    pub fn background(tag: &'static str) -> Self {
        let transaction = TransactionOptions { priority: Priority::Background, tag: Some(tag) };
        Self { transaction, ..Self::default() }
    }
}

/// Runs attempts until one commits. `begin` makes each attempt's transaction; `seed` makes the jitter.
pub(crate) async fn run<T, E, F, Fut>(
    begin: impl Fn(TransactionOptions) -> Transaction + Send + Sync,
    seed: u64,
    options: RunOptions,
    f: F,
) -> Result<(T, Committed), E>
where
    F: Fn(Transaction) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    E: TransactError + Send,
    T: Send,
{
    let deadline = Instant::now() + options.deadline;
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(options.backoff_min)
        .with_max_delay(options.backoff_max)
        .with_jitter_seed(seed)
        .with_jitter()
        .without_max_times()
        .build();
    let mut last = None;
    loop {
        let error = match tokio::time::timeout_at(deadline, attempt(begin(options.transaction), &f)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(_) => return Err(give_up(last).into()),
        };
        let Some(store_error) = error.store_error().filter(|error| error.is_retryable()).cloned() else {
            return Err(error);
        };
        let pause = pauses.next().unwrap_or(options.backoff_max);
        metrics::counter!("store_retries_total", "kind" => label(store_error.kind())).increment(1);
        if Instant::now() + pause >= deadline {
            return Err(give_up(Some(store_error)).into());
        }
        tracing::debug!(error = %store_error, ?pause, "retry a transaction");
        last = Some(store_error);
        tokio::time::sleep(pause).await;
    }
}

async fn attempt<T, E, F, Fut>(tx: Transaction, f: &F) -> Result<(T, Committed), E>
where
    F: Fn(Transaction) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    E: TransactError + Send,
    T: Send,
{
    let value = f(tx.clone()).await?;
    let committed = match tx.committed() {
        Some(committed) => committed,
        None => tx.commit().await?,
    };
    Ok((value, committed))
}

fn give_up(last: Option<Error>) -> Error {
    const MESSAGE: &str = "transaction did not commit before its deadline; its last attempt may have";
    match last {
        Some(last) => Error::with_source(ErrorKind::Deadline, MESSAGE, last),
        None => Error::new(ErrorKind::Deadline, MESSAGE),
    }
}

pub(crate) fn label(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Conflict => "conflict",
        ErrorKind::TooOld => "too_old",
        ErrorKind::UnknownResult => "unknown_result",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::TooLarge(_) => "too_large",
        ErrorKind::Invalid => "invalid",
        ErrorKind::Lost => "lost",
        _ => "other",
    }
}
