//! Who may connect: the workspace's own user, with a session that is in force.

use coditect_auth::{Auth, Caller, Error, ErrorKind, Refusal};
use hyper::StatusCode;

use crate::http::answer::Refused;
use crate::settings::Place;
use crate::wire::{Close, code};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    auth: Auth,
    place: Place,
}

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

impl Access {
    pub(crate) fn new(auth: Auth, place: Place) -> Self {
        Self { auth, place }
    }

    /// Who sends this token, if he may use the workspace.
    pub(crate) async fn admit(&self, token: &str) -> Result<Caller, Denied> {
        let caller = self.auth.authenticate(token).await.map_err(|error| Denied::from(&error))?;
        let is_own = caller.tenant() == &self.place.tenant && caller.user() == Some(&self.place.user);
        match is_own && caller.session().is_some() {
            true => Ok(caller),
            false => Err(Denied::Forbidden("this workspace is another user's".into())),
        }
    }
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
                tracing::warn!(error = %chain(error), "a session could not be looked up");
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
    const AWAY: &str = "the session cannot be checked now: the store does not answer; try again in a moment";

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
