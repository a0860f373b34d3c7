//! Why somebody may not connect: only the workspace's own user may, with a session that is in force.

use coditect_auth::{Error, ErrorKind, Refusal};
use hyper::StatusCode;

use crate::http::answer::Refused;
use crate::wire::{Close, code};

/// Why somebody does not get in, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It is not known who it is.
    Unauthenticated(String),
    /// It is known, and may not.
    Forbidden(String),
    /// It cannot be found out now.
    Away,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthenticated(Error::from(refusal).to_string())
    }
}

impl From<&Error> for Denied {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Unauthenticated(_) => Self::Unauthenticated(error.to_string()),
            ErrorKind::Forbidden => Self::Forbidden(error.to_string()),
            _ => {
                tracing::warn!(error = %chain(error), "sessions and the registry cannot be reached");
                Self::Away
            }
        }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Denied {
    const AWAY: &str = "the session cannot be checked now; try again in a moment";

    /// What a client is told that has a socket already, or whose page could not see anything else.
    pub(crate) fn close(&self) -> Close {
        match self {
            Self::Unauthenticated(reason) => Close::new(code::UNAUTHENTICATED, reason),
            Self::Forbidden(reason) => Close::new(code::FORBIDDEN, reason),
            Self::Away => Close::new(code::TRY_LATER, Self::AWAY),
        }
    }

    pub(crate) fn refused(&self) -> Refused {
        match self {
            Self::Unauthenticated(reason) => Refused::new(StatusCode::UNAUTHORIZED, reason),
            Self::Forbidden(reason) => Refused::new(StatusCode::FORBIDDEN, reason),
            Self::Away => Refused::new(StatusCode::SERVICE_UNAVAILABLE, Self::AWAY),
        }
    }

    /// A word for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Away => "store_away",
        }
    }
}
