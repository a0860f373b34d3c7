//! Accepting connections, and what each request becomes: a socket, a plain request, or a question of the operator.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::answer::{Body, Refused, full};
use crate::http::{handshake, token};
use crate::limits;
use crate::meters;
use crate::open;
use crate::place::Place;
use crate::sidecar::Shared;

/// Serves clients until `stop`.
pub(crate) async fn clients(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(shared.settings.bounds.connections));
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &places)).await {
        let Some((stream, peer, place)) = accepted else { continue };
        let shared = shared.clone();
        connections.spawn(speak(stream, peer, place, shared, stop.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn speak(
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let drain = shared.settings.times.drain;
    let place = Place::new(place);
    let service = service_fn(move |request| {
        let (shared, place) = (shared.clone(), place.clone());
        async move { Ok::<_, Infallible>(client(request, peer, place, shared).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_WAIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            // A request under way is answered, if it does not take too long; the connection then ends.
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(drain, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn client(request: Request<Incoming>, peer: SocketAddr, place: Place, shared: Arc<Shared>) -> Response<Body> {
    if handshake::is_asked_for(&request) {
        return match open::socket(request, peer, place, shared).await {
            Ok(response) => response,
            Err(refused) => {
                tracing::debug!(%peer, status = refused.status.as_u16(), detail = refused.detail, "a socket was refused");
                refused.answer()
            }
        };
    }
    let response = plain(request, peer, &shared).await.unwrap_or_else(|refused| refused.answer());
    metrics::counter!("ws_http_requests_total", "status" => response.status().as_u16().to_string()).increment(1);
    response
}

/// A request that is no socket: for the cookie, or for the workspace.
async fn plain(request: Request<Incoming>, peer: SocketAddr, shared: &Shared) -> Result<Response<Body>, Refused> {
    let (headers, cookie) = (request.headers(), &shared.settings.allowed.cookie);
    let token = token::find(headers, &mut Vec::new(), cookie);
    let token = token
        .ok_or_else(|| Refused::new(StatusCode::UNAUTHORIZED, "send a token: authorization: Bearer, or the cookie"))?;
    let has_cookie = matches!(token, token::Token::Cookie(_));
    shared.origins.check_request(request.method(), headers, has_cookie)?;
    let admitted = shared.lookup.sign_in(token.text()).await;
    admitted.map_err(|denied| {
        meters::refused(denied.label());
        denied.refused()
    })?;
    if request.uri().path() == COOKIE_PATH {
        return set_cookie(request.method(), cookie, &token);
    }
    shared.proxy.pass(request, peer.ip(), &shared.settings).await
}

/// Where a page gets the cookie with which the browser may load the workspace's pages.
const COOKIE_PATH: &str = "/.coditect/cookie";

/// `POST` keeps the token in a cookie that no script can read, `DELETE` takes it away.
fn set_cookie(method: &Method, name: &str, token: &token::Token) -> Result<Response<Body>, Refused> {
    let (value, age) = match *method {
        Method::POST => (token.text(), ""),
        Method::DELETE => ("", "; Max-Age=0"),
        _ => return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "POST sets the cookie, DELETE takes it away")),
    };
    let cookie = HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; Secure; SameSite=Lax{age}"));
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Serves the operator until `stop`.
pub(crate) async fn ops(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(limits::OPS_CONNECTIONS));
    while let Some(accepted) = stop.run_until_cancelled(accept(&listener, &places)).await {
        let Some((stream, _, place)) = accepted else { continue };
        let shared = shared.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = operator(&request, &shared);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_WAIT)
            .serve_connection(TokioIo::new(stream), service);
        let stop = stop.clone();
        tokio::spawn(async move {
            let _ = stop.run_until_cancelled(connection).await;
            drop(place);
        });
    }
}

fn operator(request: &Request<Incoming>, shared: &Shared) -> Response<Body> {
    match request.uri().path() {
        "/healthz" => Response::new(full("ok\n")),
        "/readyz" if shared.is_stopping() => {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the sidecar is stopping").answer()
        }
        "/readyz" if !shared.live.is_announced() => Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the registry does not know this sidecar yet: the store or the gateway does not answer",
        )
        .answer(),
        "/readyz" => Response::new(full("ok\n")),
        "/metrics" => {
            shared.meters.connections.set(shared.live.count() as f64);
            Response::new(full(shared.metrics.as_ref().map(|handle| handle.render()).unwrap_or_default()))
        }
        _ => Refused::new(StatusCode::NOT_FOUND, "here are /healthz, /readyz and /metrics").answer(),
    }
}
