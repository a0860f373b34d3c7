//! Clients: a library of others, with small buffers, because there are thousands of them.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// A client's socket.
pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Buffers of a connection that seldom has something to say, bytes.
pub(crate) fn small() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4_096).write_buffer_size(0).max_write_buffer_size(1 << 26)
}

/// Where clients connect, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    /// None for a direct connection.
    pub(crate) token: Option<String>,
}

impl Way {
    pub(crate) async fn connect(&self, path: &str, protocol: Option<&str>, config: WebSocketConfig) -> Result<Socket> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().context("make a request")?;
        if let Some(token) = &self.token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
        }
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse()?);
        }
        let stream = TcpStream::connect(self.address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.context("open a socket")?;
        Ok(socket)
    }
}
