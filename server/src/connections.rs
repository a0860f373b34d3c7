//! Accepting connections, a bounded number of them, with or without TLS, and letting them finish at shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::extract::Peer;
use crate::limits;
use crate::tls::Tls;

/// What a listener serves.
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) tls: Option<Tls>,
    /// Most connections at once.
    pub(crate) most: usize,
    /// What requests under way have to finish, at the end.
    pub(crate) grace: Duration,
}

/// Serves until `stop` is done; requests under way then have some time to finish.
pub(crate) async fn serve(listener: TcpListener, serving: Serving, stop: impl Future<Output = ()> + Send) {
    let (ending, connections) = (CancellationToken::new(), TaskTracker::new());
    let places = Arc::new(Semaphore::new(serving.most));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some(accepted) = accepted {
            connections.spawn(handle(accepted, &serving, ending.clone()));
        }
    }
    drop(listener);
    tracing::info!(open = connections.len(), "stopping: no new connections");
    ending.cancel();
    connections.close();
    if tokio::time::timeout(serving.grace, connections.wait()).await.is_err() {
        let seconds = serving.grace.as_secs_f32();
        tracing::warn!(seconds, "requests under way did not finish in time and are cut off");
    }
}

struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

/// The next connection, once there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some(Accepted { stream, peer, place }),
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(limits::ACCEPT_PAUSE).await;
            None
        }
    }
}

fn handle(
    accepted: Accepted,
    serving: &Serving,
    ending: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let Accepted { stream, peer, place } = accepted;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let (router, peer) = (serving.router.clone(), Peer(peer));
    let acceptor = serving.tls.as_ref().map(Tls::acceptor);
    async move {
        match acceptor {
            None => speak(stream, router, peer, ending).await,
            Some(acceptor) => match tokio::time::timeout(limits::TLS_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => speak(stream, router, peer, ending).await,
                Ok(Err(error)) => tracing::debug!(%error, "a client does not speak TLS as we do"),
                Err(_) => tracing::debug!("a client did not begin to speak TLS in time"),
            },
        }
        drop(place);
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    ending: CancellationToken,
) {
    let router = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            // A request under way is answered; the connection then ends.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
