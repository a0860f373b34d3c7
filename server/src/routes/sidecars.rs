//! What sidecars of workspaces ask: who connects, and when it must end. It is the other side of [`coditect_websocket::lookup::api`], not a part of the API
//! for clients, and believes tokens of pods alone.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Extension, Json as JsonAnswer, Router};
use coditect_auth::{NewSidecar, Orders, Refusal, SessionId};
use coditect_websocket::lookup::api::{self, Answer, AskOrders, Connected, Disconnected, Retire, SignIn, Standing};

use crate::extract::{AtPod, Peer, ShortJson};
use crate::limits;
use crate::problem::{Code, Problem, Result};
use crate::state::{App, AppState};

/// All of them. Each waits no longer than it is asked to and than is allowed, and there are no more at once than connections.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(api::SIGN_IN, post(sign_in))
        .route(api::STANDING, post(standing))
        .route(api::ORDERS, post(orders))
        .route(api::ANNOUNCE, post(announce))
        .route(api::RETIRE, post(retire))
        .route(api::CONNECTED, post(connected))
        .route(api::DISCONNECTED, post(disconnected))
}

async fn sign_in(AtPod(access): AtPod, ShortJson(body): ShortJson<SignIn>) -> Result<JsonAnswer<Answer<SessionId>>> {
    Ok(JsonAnswer(Answer::of(access.sign_in(&body.token).await)?))
}

async fn standing(
    State(app): State<AppState>,
    AtPod(access): AtPod,
    ShortJson(body): ShortJson<Standing>,
) -> Result<JsonAnswer<Option<Refusal>>> {
    let found = access.standing(&body.session, body.is_used, bounded(body.wait_ms));
    Ok(JsonAnswer(unless_leaving(&app, found).await?))
}

async fn orders(
    State(app): State<AppState>,
    AtPod(access): AtPod,
    ShortJson(body): ShortJson<AskOrders>,
) -> Result<JsonAnswer<Orders>> {
    let found = access.orders(body.sidecar, body.seen, bounded(body.wait_ms));
    Ok(JsonAnswer(unless_leaving(&app, found).await?))
}

async fn announce(
    AtPod(access): AtPod,
    peer: Option<Extension<Peer>>,
    ShortJson(sidecar): ShortJson<NewSidecar>,
) -> Result<JsonAnswer<bool>> {
    check_address(&sidecar.address, peer.map(|peer| peer.0.0))?;
    Ok(JsonAnswer(access.announce(&sidecar).await?))
}

async fn retire(AtPod(access): AtPod, ShortJson(body): ShortJson<Retire>) -> Result<JsonAnswer<()>> {
    Ok(JsonAnswer(access.retire(body.sidecar).await?))
}

async fn connected(AtPod(access): AtPod, ShortJson(body): ShortJson<Connected>) -> Result<JsonAnswer<Answer<()>>> {
    Ok(JsonAnswer(Answer::of(access.connected(&body.sidecar, &body.connection).await)?))
}

async fn disconnected(AtPod(access): AtPod, ShortJson(body): ShortJson<Disconnected>) -> Result<JsonAnswer<()>> {
    Ok(JsonAnswer(access.disconnected(body.connection).await?))
}

fn bounded(wait_ms: u64) -> Duration {
    Duration::from_millis(wait_ms).min(limits::SIDECAR_POLL)
}

/// What is found, unless the server stops before: whoever waits then asks another one.
async fn unless_leaving<T>(app: &App, found: impl Future<Output = coditect_auth::Result<T>>) -> Result<T> {
    match app.leaving.run_until_cancelled(found).await {
        Some(found) => Ok(found?),
        None => Err(Problem::new(Code::Overloaded, "the server is stopping: ask again")),
    }
}

/// Users' sockets are led to this address, so a pod can only tell its own.
fn check_address(address: &str, peer: Option<SocketAddr>) -> Result<()> {
    let told: Option<SocketAddr> = address.parse().ok();
    let own = peer.map(|peer| peer.ip().to_canonical());
    match told.is_some_and(|told| Some(told.ip().to_canonical()) == own) {
        true => Ok(()),
        false => {
            let detail =
                "a sidecar must be reached at the address that it asks from (POD_IP), without address translation";
            Err(Problem::field("/address", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_tells_its_own_address_alone() {
        let peer = Some("10.0.0.7:41000".parse().unwrap());
        assert!(check_address("10.0.0.7:8765", peer).is_ok());
        assert!(check_address("10.0.0.7:8765", Some("[::ffff:10.0.0.7]:41000".parse().unwrap())).is_ok());
        for other in ["10.0.0.8:8765", "fdb.internal:4500", "10.0.0.7", "", "[::1]:8765"] {
            assert!(check_address(other, peer).is_err(), "{other}");
        }
        assert!(check_address("10.0.0.7:8765", None).is_err());
    }
}
