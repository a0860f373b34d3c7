//! Where a request comes from that nobody has signed in for: its address is what attempts are counted by.

use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use coditect_auth::Origin;
use coditect_websocket::forwarded;

use crate::middleware::request_id::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where the request comes from.
pub(crate) struct From(pub(crate) Origin);

impl FromRequestParts<AppState> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let address = forwarded::client(&parts.headers, app.settings.auth.proxies).or(peer);
        let request_id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        Ok(Self(Origin { address, request_id }))
    }
}
