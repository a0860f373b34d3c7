//! The engine's one error type: a kind that callers act on, what was being done, and the cause.

use std::fmt;

use coditect_store::TransactError;

/// The result of an engine operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller would do differently about an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is at fault; `pointer` is the RFC 6901 pointer of the offending field.
    Invalid {
        /// JSON pointer into the request, such as `/filter/and/0`.
        pointer: String,
    },
    /// The collection or document does not exist (for this tenant).
    NotFound,
    /// The collection was made with another embedder, or the state does not allow the operation.
    Conflict,
    /// This replica has not applied the requested version yet; trying again later helps.
    Lagging,
    /// The store is away, overloaded, or out of space; trying again later helps.
    Unavailable,
    /// A persisted value cannot be read.
    Corrupt,
    /// A defect of the engine.
    Internal,
}

/// An engine failure.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The request's field at `pointer` is at fault.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid { pointer: pointer.into() }, message)
    }

    /// What was asked for does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The state of the collection does not allow the operation.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// This replica is behind the version that was asked for.
    pub fn lagging(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Lagging, message)
    }

    /// The operation cannot be served now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A persisted value cannot be read.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// A defect of the engine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Attaches the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What a caller would act on.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

/// Shows an error with its causes, for the one place that logs it. Some errors of other crates say their causes themselves: those are not said twice.
pub(crate) fn chain(error: &Error) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let mut said = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            let text = error.to_string();
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            source = error.source();
        }
        f.write_str(&said)
    })
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
            Store::Invalid => ErrorKind::Internal,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let inner = Error::unavailable("read an answer").caused_by(std::io::Error::other("the connection was reset"));
        let outer = Error::unavailable(format!("ask the bucket: {inner}")).caused_by(inner);
        let error = Error::corrupt("load a snapshot").caused_by(outer);
        assert_eq!(
            chain(&error).to_string(),
            "load a snapshot: ask the bucket: read an answer: the connection was reset"
        );
    }
}
