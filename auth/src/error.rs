//! The one error type of the crate: kinds that callers act on differently, a message for the client, and the cause for the log.

use std::fmt;
use std::time::Duration;

use coditect_store::TransactError;
use serde::{Deserialize, Serialize};

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller does about an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The field at `pointer` (RFC 6901) is at fault.
    Invalid {
        /// Such as `/email`.
        pointer: &'static str,
    },
    /// Whoever asks has not proved who it is.
    Unauthenticated(Refusal),
    /// It is known who asks, and it may not.
    Forbidden,
    /// There is no such thing in this tenant.
    NotFound,
    /// Something of that name is there, or is in a state that does not allow it.
    Conflict,
    /// Too many attempts; another has a chance after the time.
    Throttled(Duration),
    /// Too much at once; trying again in a moment helps.
    Busy,
    /// The store is away; trying again later helps.
    Unavailable,
    /// A record cannot be read.
    Corrupt,
    /// A defect of this crate.
    Internal,
}

/// Why a request was not believed. Clients are told no more than whether they sent a token at all; metrics count these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No token was sent.
    Missing,
    /// What was sent is no token of ours: form, algorithm, key, signature or claims.
    Malformed,
    /// Its time is over.
    Expired,
    /// Its session is not there, or is another's.
    NoSession,
    /// Its session is suspended.
    Suspended,
    /// Its session was ended.
    Terminated,
    /// Its session was not used for too long.
    Idle,
    /// It is a service token that is not there or was revoked.
    Revoked,
    /// Wrong e-mail or password.
    Credentials,
    /// A refresh token was used again after its time: its session was ended.
    Reused,
}

impl Refusal {
    /// A word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Expired => "expired",
            Self::NoSession => "no_session",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::Idle => "idle",
            Self::Revoked => "revoked",
            Self::Credentials => "credentials",
            Self::Reused => "reused",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Missing => "send a token: authorization: Bearer followed by the token of a login or a service token",
            Self::Malformed | Self::NoSession | Self::Revoked => "the token is not valid: log in again",
            Self::Expired | Self::Idle => "the session or its token has expired: log in again",
            Self::Suspended => "the session is suspended",
            Self::Terminated => "the session was ended: log in again",
            Self::Credentials => "wrong tenant, e-mail or password",
            Self::Reused => "the refresh token was used before: its session was ended, log in again",
        }
    }
}

/// A failure.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn invalid(pointer: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid { pointer }, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("there is no such {what}"))
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    pub(crate) fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What a caller acts on.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The same failure taken apart, for a crate that tells it as one of its own: its kind, its message, and what has led to it.
    #[must_use]
    pub fn into_parts(self) -> (ErrorKind, String, Option<Box<dyn std::error::Error + Send + Sync>>) {
        (self.kind, self.message, self.source)
    }

    /// Why the request was not believed, if that is it.
    pub fn refusal(&self) -> Option<Refusal> {
        match self.kind {
            ErrorKind::Unauthenticated(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorKind::Unauthenticated(refusal), refusal.message())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<coditect_store::Error> for Error {
    fn from(error: coditect_store::Error) -> Self {
        use coditect_store::ErrorKind as Store;
        let kind = match error.kind() {
            Store::Corrupt => ErrorKind::Corrupt,
            Store::Invalid | Store::TooLarge(_) => ErrorKind::Internal,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, "store operation").caused_by(error)
    }
}

impl TransactError for Error {
    fn store_error(&self) -> Option<&coditect_store::Error> {
        self.source.as_ref()?.downcast_ref()
    }
}
