//! What the sidecar relays to: echoes, floods, swallows or counts, as the path says.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use crate::client::small;

/// Starts a workspace on a free port.
pub(crate) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

/// The path of a request, and the buffers that it is served with.
fn config(path: &str) -> WebSocketConfig {
    if path.starts_with("/flood") || path.starts_with("/sink") { WebSocketConfig::default() } else { small() }
}

async fn serve(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut head = [0; 64];
    let read = stream.peek(&mut head).await.unwrap_or(0);
    let path = String::from_utf8_lossy(&head[..read]).split(' ').nth(1).unwrap_or("/").to_owned();
    #[allow(clippy::result_large_err, reason = "the library wants it so")]
    let accept = |_: &Request, response: Response| -> Result<Response, ErrorResponse> { Ok(response) };
    let Ok(mut socket) = accept_hdr_async_with_config(stream, accept, Some(config(&path))).await else { return };
    // A client that is gone ends each of them.
    let _ = match path.as_str() {
        "/flood" => flood(&mut socket).await,
        "/sink" => sink(&mut socket).await,
        "/count" => count(&mut socket).await,
        _ => echo(&mut socket).await,
    };
}

type Served<'a> = &'a mut WebSocketStream<TcpStream>;

async fn echo(socket: Served<'_>) -> Result<()> {
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_binary() || message.is_text() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Sends as many bytes as the first message says, in messages of as many as it says then.
async fn flood(socket: Served<'_>) -> Result<()> {
    let wanted = socket.next().await.context("no first message")??.into_text()?;
    let (total, each) = wanted.split_once(' ').context("no size of messages")?;
    let (mut left, each): (usize, usize) = (total.parse()?, each.parse()?);
    let message = Message::binary(vec![7; each]);
    while left > 0 {
        socket.feed(message.clone()).await?;
        left = left.saturating_sub(each);
    }
    socket.flush().await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// Swallows as many bytes as the first message says, and says when it has.
async fn sink(socket: Served<'_>) -> Result<()> {
    let wanted = socket.next().await.context("no first message")??.into_text()?;
    let mut left: usize = wanted.parse()?;
    while left > 0 {
        left = left.saturating_sub(socket.next().await.context("the client is gone")??.len());
    }
    socket.send(Message::text("all")).await?;
    while let Some(Ok(_)) = socket.next().await {}
    Ok(())
}

/// Sends a number every 20 ms, and echoes what comes.
async fn count(socket: Served<'_>) -> Result<()> {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let mut number = 0_u64;
    loop {
        tokio::select! {
            _ = pause.tick() => {
                socket.send(Message::text(number.to_string())).await?;
                number += 1;
            }
            message = socket.next() => {
                let message = message.context("the client is gone")??;
                if message.is_binary() {
                    socket.send(message).await?;
                }
            }
        }
    }
}
