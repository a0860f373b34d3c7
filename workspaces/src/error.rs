//! The error type of what callers ask of workspaces: kinds that they act on differently, a message for the client, and the cause for the log.

use std::fmt;

use coditect_store::TransactError;

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller does about an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The field at `pointer` (RFC 6901) is at fault.
    Invalid {
        /// Such as `/name`.
        pointer: &'static str,
    },
    /// It is known who asks, and it may not.
    Forbidden,
    /// There is no such workspace, or none that the caller may know of.
    NotFound,
    /// The workspace is in a state that does not allow it, or its user has too many.
    Conflict,
    /// This server manages no cluster: workspaces cannot run.
    NoCluster,
    /// The store is away; trying again later helps.
    Unavailable,
    /// Another process has taken over the work.
    Lost,
    /// A record cannot be read.
    Corrupt,
    /// A defect of this crate.
    Internal,
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

    pub(crate) fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "there is no such workspace")
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What a caller acts on.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
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

/// What has led to an error, for the log.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(error.source(), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl From<coditect_store::Error> for Error {
    fn from(error: coditect_store::Error) -> Self {
        use coditect_store::ErrorKind as Store;
        let kind = match error.kind() {
            Store::Corrupt => ErrorKind::Corrupt,
            Store::Lost => ErrorKind::Lost,
            Store::Invalid | Store::TooLarge(_) => ErrorKind::Internal,
            _ => ErrorKind::Unavailable,
        };
        Self::new(kind, "store operation").caused_by(error)
    }
}

impl From<coditect_auth::Error> for Error {
    fn from(error: coditect_auth::Error) -> Self {
        use coditect_auth::ErrorKind as Auth;
        let (kind, message, source) = error.into_parts();
        let kind = match kind {
            Auth::Invalid { pointer } => ErrorKind::Invalid { pointer },
            Auth::Unauthenticated(_) | Auth::Forbidden => ErrorKind::Forbidden,
            Auth::NotFound => ErrorKind::NotFound,
            Auth::Conflict => ErrorKind::Conflict,
            Auth::Corrupt => ErrorKind::Corrupt,
            Auth::Internal => ErrorKind::Internal,
            _ => ErrorKind::Unavailable,
        };
        Self { kind, message, source }
    }
}

impl TransactError for Error {
    fn store_error(&self) -> Option<&coditect_store::Error> {
        self.source.as_ref()?.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    /// One that passes makes a transaction try again, also where it came through another crate; and its message is told once.
    #[test]
    fn an_error_of_the_store_is_known_behind_one_of_auth() {
        let passing = || coditect_store::Error::new(coditect_store::ErrorKind::Conflict, "not committed");
        let through = Error::from(coditect_auth::Error::from(passing()));
        assert_eq!(through.store_error().unwrap().kind(), coditect_store::ErrorKind::Conflict);
        let said = format!("{through}: {}", causes(&through));
        assert_eq!(said, format!("store operation: {}", passing()), "{:?}", through.source());
    }
}
