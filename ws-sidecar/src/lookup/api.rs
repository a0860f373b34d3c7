//! What a sidecar asks the gateway: each question is a POST to its path, with a pod's token as bearer and a JSON body, and answered in JSON.
//!
//! `STANDING` and `ORDERS` wait for news. An answer of status 401 means that the pod's own token is refused.

use coditect_auth::{ConnectionId, Error, ErrorKind, NewConnection, NewSidecar, Refusal, SessionId, SidecarId};
use serde::{Deserialize, Serialize};

use crate::access::Denied;

/// [`SignIn`], answered by [`Answer`] of the session's id.
pub const SIGN_IN: &str = "/sidecar/sign-in";
/// [`Standing`], answered by the reason why the session may not be used, or null.
pub const STANDING: &str = "/sidecar/standing";
/// [`AskOrders`], answered by [`coditect_auth::Orders`].
pub const ORDERS: &str = "/sidecar/orders";
/// A [`NewSidecar`], answered by whether it was known.
pub const ANNOUNCE: &str = "/sidecar/announce";
/// [`Retire`], answered by null.
pub const RETIRE: &str = "/sidecar/retire";
/// [`Connected`], answered by [`Answer`] of null.
pub const CONNECTED: &str = "/sidecar/connected";
/// [`Disconnected`], answered by null.
pub const DISCONNECTED: &str = "/sidecar/disconnected";

/// Somebody wants to connect.
#[derive(Serialize, Deserialize)]
pub struct SignIn {
    /// The bearer token that was sent.
    pub token: String,
}

/// Whether a session may still be used.
#[derive(Debug, Serialize, Deserialize)]
pub struct Standing {
    /// The session.
    pub session: SessionId,
    /// Whether it was used since the last question.
    pub is_used: bool,
    /// Longest wait for its end, ms.
    pub wait_ms: u64,
}

/// What is to be closed.
#[derive(Debug, Serialize, Deserialize)]
pub struct AskOrders {
    /// The sidecar.
    pub sidecar: SidecarId,
    /// The latest order that it knows.
    pub seen: Option<ConnectionId>,
    /// Longest wait for another one, ms.
    pub wait_ms: u64,
}

/// A connection is there.
#[derive(Debug, Serialize, Deserialize)]
pub struct Connected {
    /// The sidecar that holds it.
    pub sidecar: NewSidecar,
    /// The connection.
    pub connection: NewConnection,
}

/// A sidecar stops.
#[derive(Debug, Serialize, Deserialize)]
pub struct Retire {
    /// The sidecar.
    pub sidecar: SidecarId,
}

/// A connection is gone.
#[derive(Debug, Serialize, Deserialize)]
pub struct Disconnected {
    /// The connection.
    pub connection: ConnectionId,
}

/// An answer about somebody who wants to connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// He may.
    Granted(T),
    /// It is not known who it is.
    Refused(Refusal),
    /// It is known, and may not, for this reason.
    Forbidden(String),
}

impl<T> Answer<T> {
    /// The answer to what was found.
    ///
    /// # Errors
    /// When it was not found out.
    pub fn of(found: Result<T, Error>) -> Result<Self, Error> {
        match found {
            Ok(granted) => Ok(Self::Granted(granted)),
            Err(error) => match error.kind() {
                ErrorKind::Unauthenticated(refusal) => Ok(Self::Refused(*refusal)),
                ErrorKind::Forbidden => Ok(Self::Forbidden(error.to_string())),
                _ => Err(error),
            },
        }
    }

    pub(crate) fn into_result(self) -> Result<T, Denied> {
        match self {
            Self::Granted(granted) => Ok(granted),
            Self::Refused(refusal) => Err(refusal.into()),
            Self::Forbidden(reason) => Err(Denied::Forbidden(reason)),
        }
    }
}
