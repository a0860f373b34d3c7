//! A tunnel: the client's handshake is passed to the sidecar, its answer back, and then bytes in both directions.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use coditect_auth::Sidecar;
use coditect_websocket::forwarded;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::gateway::carry::carry;
use crate::gateway::places::Place;
use crate::limits;
use crate::problem::{Code, Problem, Result};
use crate::state::App;

const OF_ANSWERS: [HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];
const OF_SOCKETS: [HeaderName; 5] = [
    header::CONNECTION,
    header::UPGRADE,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
];
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Leads a request for a socket to `sidecar`, and answers what it answers. The socket keeps `place`.
pub(crate) async fn tunnel(
    app: &App,
    mut request: Request,
    peer: Option<SocketAddr>,
    target: Uri,
    sidecar: &Sidecar,
    place: Place,
) -> Result<Response> {
    let client = hyper::upgrade::on(&mut request);
    let asked = ask(&sidecar.address, target, passed(request.headers(), peer, app.settings.auth.proxies));
    let answered = match tokio::time::timeout(limits::SIDECAR_WAIT, asked).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(error)) => {
            tracing::warn!(sidecar = %sidecar.id, address = sidecar.address, %error, "a sidecar does not answer");
            return Err(away());
        }
        Err(_) => return Err(away()),
    };
    let (mut head, body) = answered.into_parts();
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        return told(&head, body).await;
    }
    let upstream = head.extensions.remove::<OnUpgrade>().ok_or_else(away)?;
    let carrying = app.tunnels.cut.clone().run_until_cancelled_owned(async move {
        join(client, upstream).await;
        drop(place);
    });
    app.tunnels.tasks.spawn(carrying);
    Ok(with(&head, &OF_SOCKETS, Body::empty()))
}

/// What a sidecar answers in place of a socket.
async fn told(head: &Parts, body: Incoming) -> Result<Response> {
    let body = Limited::new(body, limits::SIDECAR_ANSWER_BYTES).collect();
    match tokio::time::timeout(limits::SIDECAR_WAIT, body).await {
        Ok(Ok(body)) => Ok(with(head, &OF_ANSWERS, Body::from(body.to_bytes()))),
        _ => Err(away()),
    }
}

/// An answer with some of the sidecar's headers. What else a workspace may say, such as cookies, is not this server's to say to its clients.
fn with(head: &Parts, named: &[HeaderName], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    for name in named {
        if let Some(value) = head.headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn away() -> Problem {
    Problem::new(Code::WorkspaceUnavailable, "the workspace's sidecar does not answer; it may be restarting")
}

async fn ask(
    address: &str,
    target: Uri,
    headers: HeaderMap,
) -> Result<axum::http::Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let mut request = axum::http::Request::new(Body::empty());
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    let mut answered = sender.send_request(request).await?;
    let upgrade = hyper::upgrade::on(&mut answered);
    answered.extensions_mut().insert(upgrade);
    Ok(answered)
}

/// What the sidecar gets to see: all that the client said, and where it comes from as far as this server believes it.
fn passed(headers: &HeaderMap, peer: Option<SocketAddr>, proxies: usize) -> HeaderMap {
    let client = forwarded::client(headers, proxies).or(peer.map(|peer| peer.ip()));
    let mut headers = headers.clone();
    headers.remove(&FORWARDED);
    if let Some(Ok(client)) = client.map(|client| HeaderValue::try_from(client.to_string())) {
        headers.insert(FORWARDED, client);
    }
    headers
}

async fn join(client: OnUpgrade, upstream: OnUpgrade) {
    let (client, upstream) = match tokio::try_join!(client, upstream) {
        Ok(both) => both,
        Err(error) => return tracing::debug!(%error, "a socket was gone before it began"),
    };
    let _open = Open::enter();
    match carry(TokioIo::new(client), TokioIo::new(upstream)).await {
        Ok(()) => tracing::debug!("a socket ended"),
        Err(error) => tracing::debug!(%error, "a socket broke"),
    }
}

/// Counts down when the socket is over, however it ends.
struct Open;

impl Open {
    fn enter() -> Self {
        metrics::gauge!("gateway_sockets").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("gateway_sockets").decrement(1.0);
    }
}
