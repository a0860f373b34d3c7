//! Where sessions are looked up and connections entered: in the store, or at the gateway, for a sidecar that must not hold the keys of the store.

pub mod api;
mod gateway;

use coditect_auth::{
    Auth, ConnectionId, NewConnection, NewSidecar, Orders, Pod, PodAccess, Refusal, SessionId, SidecarId,
};

use crate::access::Denied;
use crate::limits;
pub use gateway::{Gateway, GatewayError, GatewayOptions};

/// What a sidecar is started with.
#[derive(Debug, Clone)]
pub enum Source {
    /// The store.
    Store(Auth),
    /// The gateway.
    Gateway(Gateway),
}

/// A source, for one workspace. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Lookup {
    Store(PodAccess),
    Gateway(Gateway),
}

type Result<T, E = Denied> = std::result::Result<T, E>;

impl Lookup {
    pub(crate) fn new(source: Source, pod: Pod) -> Self {
        match source {
            Source::Store(auth) => Self::Store(auth.pod_access(pod)),
            Source::Gateway(gateway) => Self::Gateway(gateway),
        }
    }

    /// The session of whoever sends this token, if he may use the workspace.
    pub(crate) async fn sign_in(&self, token: &str) -> Result<SessionId> {
        match self {
            Self::Store(access) => Ok(access.sign_in(token).await?),
            Self::Gateway(gateway) => {
                let body = api::SignIn { token: token.to_owned() };
                Ok(gateway.call::<api::Answer<SessionId>>(api::SIGN_IN, &body).await?.into_result()?)
            }
        }
    }

    /// Why a session may not be used, if so: waits a while for as long as it may.
    pub(crate) async fn standing(&self, session: &SessionId, is_used: bool) -> Result<Option<Refusal>> {
        match self {
            Self::Store(access) => Ok(access.standing(session, is_used, limits::LOOK_WAIT).await?),
            Self::Gateway(gateway) => {
                let body = api::Standing { session: session.clone(), is_used, wait_ms: POLL_MS };
                Ok(gateway.call(api::STANDING, &body).await?)
            }
        }
    }

    /// What is ordered of a sidecar: waits a while until there is another order than `seen`.
    pub(crate) async fn orders(&self, sidecar: SidecarId, seen: Option<ConnectionId>) -> Result<Orders> {
        match self {
            Self::Store(access) => Ok(access.orders(sidecar, seen, limits::LOOK_WAIT).await?),
            Self::Gateway(gateway) => {
                Ok(gateway.call(api::ORDERS, &api::AskOrders { sidecar, seen, wait_ms: POLL_MS }).await?)
            }
        }
    }

    /// Makes this sidecar known, or renews its lease. Answers whether it was known.
    pub(crate) async fn announce(&self, sidecar: &NewSidecar) -> Result<bool> {
        match self {
            Self::Store(access) => Ok(access.announce(sidecar).await?),
            Self::Gateway(gateway) => Ok(gateway.call(api::ANNOUNCE, sidecar).await?),
        }
    }

    /// Takes this sidecar out of the registry.
    pub(crate) async fn retire(&self, sidecar: SidecarId) -> Result<()> {
        match self {
            Self::Store(access) => Ok(access.retire(sidecar).await?),
            Self::Gateway(gateway) => Ok(gateway.call(api::RETIRE, &api::Retire { sidecar }).await?),
        }
    }

    /// Enters a connection.
    pub(crate) async fn connected(&self, sidecar: &NewSidecar, connection: &NewConnection) -> Result<()> {
        match self {
            Self::Store(access) => Ok(access.connected(sidecar, connection).await?),
            Self::Gateway(gateway) => {
                let body = api::Connected { sidecar: sidecar.clone(), connection: connection.clone() };
                Ok(gateway.call::<api::Answer<()>>(api::CONNECTED, &body).await?.into_result()?)
            }
        }
    }

    /// Takes a connection out.
    pub(crate) async fn disconnected(&self, connection: ConnectionId) -> Result<()> {
        match self {
            Self::Store(access) => Ok(access.disconnected(connection).await?),
            Self::Gateway(gateway) => Ok(gateway.call(api::DISCONNECTED, &api::Disconnected { connection }).await?),
        }
    }
}

/// How long the gateway is asked to wait for news, ms.
const POLL_MS: u64 = limits::POLL_WAIT.as_secs() * 1_000;

impl From<coditect_auth::Error> for Denied {
    fn from(error: coditect_auth::Error) -> Self {
        Self::from(&error)
    }
}

impl From<GatewayError> for Denied {
    fn from(error: GatewayError) -> Self {
        tracing::warn!(error = %crate::access::chain(&error), "the gateway could not be asked");
        Self::Away
    }
}
