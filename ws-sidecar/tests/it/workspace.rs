//! A workspace to connect to: speaks WebSocket with a library of others, and does what the path says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a connection asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// A workspace that can be stopped and started again at the same address.
pub(crate) struct Workspace {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// Messages that arrived, of all connections.
    messages: Arc<Mutex<Vec<Message>>>,
    open: Arc<AtomicUsize>,
    running: Option<(CancellationToken, TaskTracker)>,
}

impl Workspace {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut workspace = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            messages: Arc::default(),
            open: Arc::default(),
            running: None,
        };
        workspace.serve(listener);
        workspace
    }

    fn serve(&mut self, listener: TcpListener) {
        let (seen, messages, open) = (self.seen.clone(), self.messages.clone(), self.open.clone());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (stopped, connections) = (stop.clone(), tasks.clone());
        let serving = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let speaking = speak(stream, seen.clone(), messages.clone(), open.clone());
                connections.spawn(stopped.clone().run_until_cancelled_owned(speaking));
            }
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(serving));
        self.running = Some((stop, tasks));
    }

    /// Ends it as a crash does: no Close, no answer.
    pub(crate) async fn crash(&mut self) {
        if let Some((stop, tasks)) = self.running.take() {
            stop.cancel();
            tasks.close();
            // Not one of them answers any more.
            tasks.wait().await;
        }
    }

    pub(crate) async fn restart(&mut self) {
        self.crash().await;
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// The messages that arrived.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().clone()
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn speak(
    stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    messages: Arc<Mutex<Vec<Message>>>,
    open: Arc<AtomicUsize>,
) {
    // What was said is on its way at once, and not lost with a connection that is reset.
    stream.set_nodelay(true).unwrap();
    let mut first = [0; 4];
    if stream.peek(&mut first).await.is_ok_and(|read| read > 0 && !first.starts_with(b"GET ")) {
        return plain(stream).await;
    }
    let mut buffer = [0; 2_048];
    let read = stream.peek(&mut buffer).await.unwrap_or(0);
    if !String::from_utf8_lossy(&buffer[..read]).to_lowercase().contains("upgrade: websocket") {
        return plain(stream).await;
    }
    let mut target = String::new();
    #[allow(clippy::result_large_err, reason = "the library wants it so")]
    let look = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        target = request.uri().to_string();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers =
            request.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        seen.lock().push(Seen { target: target.clone(), headers });
        if target.starts_with("/missing") {
            let mut refused = ErrorResponse::new(Some("nothing here".into()));
            *refused.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::NOT_FOUND;
            return Err(refused);
        }
        let offered = request.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        let chosen =
            offered.and_then(|offered| offered.split(',').map(str::trim).find(|name| name.starts_with("echo")));
        if let Some(chosen) = chosen {
            response.headers_mut().insert("sec-websocket-protocol", chosen.parse().unwrap());
        }
        Ok(response)
    };
    let Ok(socket) = accept_hdr_async(stream, look).await else { return };
    let _open = Open::new(open);
    match target.split('?').next().unwrap_or_default() {
        "/flood" => flood(socket).await,
        "/note" => note(socket, &messages).await,
        "/last" => last(socket).await,
        "/half" => half(socket).await,
        "/deaf" => std::future::pending().await,
        "/close" => close(socket, &target).await,
        "/slow" => slow(socket, &messages).await,
        "/unread" => unread(socket).await,
        "/count" => count(socket).await,
        "/leave" => leave(socket, &target).await,
        _ => echo(socket, &messages).await,
    }
}

/// Says its last word and closes without having read what it was sent, so that its end is a reset.
async fn unread(mut socket: WebSocketStream<TcpStream>) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let _ = socket.feed(Message::text("the last word")).await;
    let _ = socket.close(None).await;
}

/// Takes 3 MB a second.
async fn slow(mut socket: WebSocketStream<TcpStream>, messages: &Mutex<Vec<Message>>) {
    while let Some(Ok(message)) = socket.next().await {
        tokio::time::sleep(Duration::from_micros(message.len() as u64 / 3)).await;
        messages.lock().push(message);
    }
}

async fn echo(mut socket: WebSocketStream<TcpStream>, messages: &Mutex<Vec<Message>>) {
    while let Some(Ok(message)) = socket.next().await {
        messages.lock().push(message.clone());
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

/// Sends 1 MB messages as long as somebody takes them.
async fn flood(mut socket: WebSocketStream<TcpStream>) {
    let message = Message::binary(vec![7; 1 << 20]);
    while socket.send(message.clone()).await.is_ok() {}
}

/// Keeps what it is told, and answers nothing.
async fn note(mut socket: WebSocketStream<TcpStream>, messages: &Mutex<Vec<Message>>) {
    while let Some(Ok(message)) = socket.next().await {
        messages.lock().push(message);
    }
}

/// Sends 800 kB, and closes.
async fn last(mut socket: WebSocketStream<TcpStream>) {
    for _ in 0..8 {
        socket.send(Message::binary(vec![7; 100_000])).await.unwrap();
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// Sends as many messages of 20 kB as the query says, closes with 4321, and is gone without a look at the answer.
async fn leave(mut socket: WebSocketStream<TcpStream>, target: &str) {
    let count: u8 = target.split('=').next_back().unwrap().parse().unwrap();
    for number in 0..count {
        socket.send(Message::binary(vec![number; 20_000])).await.unwrap();
    }
    socket.close(Some(CloseFrame { code: 4321.into(), reason: "as asked".into() })).await.unwrap();
}

/// Begins a message, and never ends it.
async fn half(mut socket: WebSocketStream<TcpStream>) {
    let frame = Frame::message(vec![7; 100_000], OpCode::Data(Data::Binary), false);
    socket.send(Message::Frame(frame)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// Sends a number every 5 ms, and answers nothing.
async fn count(mut socket: WebSocketStream<TcpStream>) {
    for number in 0_u64.. {
        if socket.send(Message::text(number.to_string())).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends a last message, and closes with the code of the query.
async fn close(mut socket: WebSocketStream<TcpStream>, target: &str) {
    let code: u16 = target.split('=').next_back().unwrap().parse().unwrap();
    socket.send(Message::text("the last message")).await.unwrap();
    let frame = CloseFrame { code: CloseCode::from(code), reason: "as asked".into() };
    socket.close(Some(frame)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// Answers a plain request with what it was.
async fn plain(mut stream: TcpStream) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(read) = stream.read(&mut buffer).await {
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some(head) = text.find("\r\n\r\n") else { continue };
        let length = text.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || request.len() >= head + 4 + length.unwrap_or(0_usize) {
            break;
        }
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close, x-hop\r\nx-hop: 1\r\n\r\n",
        request.len()
    );
    let _ = stream.write_all(&[answer.as_bytes(), &request].concat()).await;
    let _ = stream.shutdown().await;
}
