//! Accepting connections, a bounded number of them, with or without TLS, and letting them finish at shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
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
use crate::heads::{Pace, Paced};
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
    let pace = Pace::default();
    let (stream, answered) = (Paced::new(stream, pace.clone()), pace.clone());
    let router = router
        .map_request(move |mut request: Request<Incoming>| {
            pace.asked();
            request.extensions_mut().insert(peer);
            request
        })
        .map_response(move |response: Response| {
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                answered.answered();
            }
            response
        });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::IDLE_WAIT)
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

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// A socket that says again what it is told.
    async fn echo(mut request: axum::extract::Request) -> Response {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(TokioIo::new(upgrade.await.unwrap()));
            tokio::io::copy(&mut from, &mut to).await
        });
        let head = Response::builder().status(101).header("connection", "upgrade").header("upgrade", "websocket");
        head.body(axum::body::Body::empty()).unwrap()
    }

    fn connected() -> DuplexStream {
        let (client, stream) = duplex(4_096);
        let routes = Router::new().route("/", get(async || "fine")).route("/", post(async |body: String| body));
        let routes = routes.route("/socket", get(echo));
        tokio::spawn(speak(stream, routes, Peer(([127, 0, 0, 1], 1).into()), CancellationToken::new()));
        client
    }

    /// What comes next; nothing at the end.
    async fn said(client: &mut DuplexStream) -> String {
        let mut bytes = vec![0; 4_096];
        let count = client.read(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    async fn slowly(client: &mut DuplexStream, bytes: &[u8]) -> std::io::Result<()> {
        for byte in bytes {
            sleep(limits::HEAD_WAIT / 8).await;
            client.write_all(&[*byte]).await?;
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_outlives_a_load_balancers_and_a_slow_head_is_cut() {
        let mut client = connected();
        for _ in 0..2 {
            client.write_all(ASK).await.unwrap();
            assert!(said(&mut client).await.ends_with("fine"));
            sleep(Duration::from_secs(601)).await;
        }
        let began = Instant::now();
        assert!(slowly(&mut client, ASK).await.is_err());
        assert!(began.elapsed() <= limits::HEAD_WAIT * 3 / 2, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_asks_is_cut_sooner_than_who_has_asked() {
        let began = Instant::now();
        assert_eq!(said(&mut connected()).await, "");
        assert_eq!(began.elapsed().as_secs(), limits::HEAD_WAIT.as_secs());
        let mut client = connected();
        client.write_all(ASK).await.unwrap();
        said(&mut client).await;
        let answered = Instant::now();
        assert_eq!(said(&mut client).await, "");
        assert_eq!(answered.elapsed().as_secs(), limits::IDLE_WAIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_and_sockets_may_be_slower_than_heads() {
        let mut client = connected();
        client.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n\r\n").await.unwrap();
        slowly(&mut client, b"a body of 20 letters").await.unwrap();
        assert!(said(&mut client).await.ends_with("a body of 20 letters"));
        let ask = b"GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        client.write_all(ask).await.unwrap();
        assert!(said(&mut client).await.starts_with("HTTP/1.1 101"));
        for _ in 0..3 {
            client.write_all(b"hello").await.unwrap();
            assert_eq!(said(&mut client).await, "hello");
            sleep(2 * limits::IDLE_WAIT).await;
        }
    }
}
