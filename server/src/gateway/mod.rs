//! The way of a client's socket to its workspace: who may, which sidecar serves it, and bytes in both directions.
//!
//! Frames are not looked at: the sidecar and the client speak with each other, this server only carries what they say.

mod carry;
pub(crate) mod local;
mod places;
mod tunnel;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use coditect_auth::{Caller, Refusal, Sidecar, WorkspaceId};
use coditect_websocket::token;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gateway::places::{Place, Places};
use crate::problem::{Code, Problem, Result};
use crate::settings::GatewaySettings;
use crate::state::App;

pub(crate) use tunnel::tunnel;

/// The tunnels of this server.
pub struct Tunnels {
    places: Places,
    tasks: TaskTracker,
    /// Ends those that have not ended by themselves.
    cut: CancellationToken,
}

impl Tunnels {
    pub(crate) fn new(settings: &GatewaySettings) -> Self {
        let places = Places::new(settings.sockets, settings.sockets_per_user);
        Self { places, tasks: TaskTracker::new(), cut: CancellationToken::new() }
    }

    /// A place for a socket of the caller's, from its handshake on.
    pub(crate) fn place(&self, caller: &Caller) -> Result<Place> {
        self.places.take(caller.limit_key())
    }

    /// Gives tunnels `grace` to end, then cuts them off: their clients connect to another server.
    pub(crate) async fn stop(&self, grace: std::time::Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::info!(sockets = self.tasks.len(), "sockets are cut off: their clients connect anew");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Whether it is a WebSocket that is asked for. Nothing else is led to a workspace: what its code answers is not this server's to say.
pub(crate) fn check_upgrade(request: &Request) -> Result<()> {
    let named = request.headers().get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    let is_named = named.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("websocket"));
    match is_named && request.method() == Method::GET {
        true => Ok(()),
        false => Err(Problem::new(Code::UpgradeRequired, "there is a WebSocket here, and nothing else")),
    }
}

/// Who asks for a socket. Pages cannot set headers of sockets: the token may come as a subprotocol, or in the workspace's cookie.
pub(crate) async fn known(app: &App, headers: &HeaderMap) -> Result<Caller> {
    let token = token::of_socket(headers, &app.settings.gateway.cookie);
    let token = token.ok_or_else(|| Problem::from(coditect_auth::Error::from(Refusal::Missing)))?;
    if token.is_cookie && headers.get(header::ORIGIN).is_none_or(|origin| !is_allowed(app, headers, origin.as_bytes()))
    {
        return Err(Problem::new(Code::Forbidden, "a page of this origin may not sign in with a cookie"));
    }
    let caller = app.auth.authenticate(&token.text).await?;
    app.quotas.request(&caller)?;
    Ok(caller)
}

fn is_allowed(app: &App, headers: &HeaderMap, origin: &[u8]) -> bool {
    let host = headers.get(header::HOST).map(|host| host.as_bytes());
    let authority = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
    authority.is_some() && authority == host || app.settings.cors.origins.iter().any(|known| known.as_bytes() == origin)
}

/// The sidecar of a workspace of the caller's own.
pub(crate) async fn sidecar(app: &App, caller: &Caller, workspace: &WorkspaceId) -> Result<Sidecar> {
    let Some(user) = caller.user() else {
        return Err(Problem::new(Code::Forbidden, "a service token has no workspace: log in for this"));
    };
    let sidecars = app.auth.sidecars_of(caller.tenant(), workspace).await?;
    let own = sidecars.into_iter().find(|sidecar| sidecar.user == *user);
    own.ok_or_else(|| Problem::new(Code::NotFound, "there is no such workspace, or it does not run"))
}

/// What the sidecar is asked for: what stands behind `/workspaces/{id}/ws`, letter by letter, with the query.
pub(crate) fn target(uri: &Uri) -> Result<Uri> {
    let behind = uri.path().splitn(4, '/').nth(3).and_then(|path| path.strip_prefix("ws")).unwrap_or_default();
    let path = if behind.is_empty() { "/" } else { behind };
    let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
    Uri::try_from(format!("{path}{query}"))
        .map_err(|_| Problem::new(Code::InvalidRequest, "the path cannot be understood"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_socket_stays_as_it_was_written() {
        let cases = [
            ("/workspaces/ws-7/ws", "/"),
            ("/workspaces/ws-7/ws?a=%2F", "/?a=%2F"),
            ("/workspaces/ws%2D7/ws/a%2Fb/%3Fc%20d?e", "/a%2Fb/%3Fc%20d?e"),
            ("/workspaces/ws/ws/ws/ws", "/ws/ws"),
            ("/workspaces/ws-7/ws//a/%2e%2e/", "//a/%2e%2e/"),
        ];
        for (asked, passed) in cases {
            assert_eq!(target(&asked.parse().unwrap()).unwrap(), passed, "{asked}");
        }
    }
}
