//! The one error type of the crate: a small set of kinds that callers treat differently, a message,
//! and the cause where there is one.

use std::fmt;
use std::sync::Arc;

/// Result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which limit an operation exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`crate::limits::KEY_BYTES`].
    Key,
    /// [`crate::limits::VALUE_BYTES`].
    Value,
    /// [`crate::limits::TRANSACTION_BYTES`].
    Transaction,
    /// [`crate::limits::WATCHES`].
    Watches,
}

/// What a caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another transaction wrote what this one read; retry with a new transaction.
    Conflict,
    /// The transaction is older than [`crate::limits::TRANSACTION_LIFE`]; retry with a new one, and do less in it.
    TooOld,
    /// The commit may or may not have happened; retry only if the transaction is idempotent.
    UnknownResult,
    /// The database cannot answer at the moment; retry.
    Unavailable,
    /// Retries went on until their deadline. The cause is the last attempt's error.
    Deadline,
    /// A key, value, transaction or number of watches is over its limit.
    TooLarge(Limit),
    /// The disk is full: nothing of the transaction was stored, and reads still work.
    Full,
    /// Stored data is damaged.
    Corrupt,
    /// Another process has the directory open.
    Locked,
    /// The data was written in a format that this version does not read.
    Format,
    /// The caller passed something that is never valid (system key, inverted range, used transaction).
    Invalid,
    /// The transaction that this future belonged to was dropped or did not commit.
    Cancelled,
    /// Another process has taken over the lease that the transaction was done under: stop doing that work.
    Lost,
    /// The store was closed.
    Closed,
    /// The operating system refused or failed an operation (permissions, device error).
    Io,
}

impl ErrorKind {
    /// Whether a new attempt of the same transaction may succeed. An unknown result counts, because transactions
    /// that are retried must be idempotent.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Conflict | Self::TooOld | Self::UnknownResult | Self::Unavailable)
    }
}

/// An error of the store.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without a cause. The message is lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: None }))
    }

    /// An error with its cause; the message is a verb phrase that says what was being done.
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: Some(source.into()) }))
    }

    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Shorthand for `self.kind().is_retryable()`.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.kind.is_retryable()
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn too_old() -> Self {
        Self::new(ErrorKind::TooOld, "transaction is older than 5 seconds")
    }

    pub(crate) fn conflict() -> Self {
        Self::new(ErrorKind::Conflict, "another transaction wrote what this one read")
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "store is closed")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
