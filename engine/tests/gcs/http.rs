//! As much of HTTP/1.1 as stands between a client and the server: one request a connection, bodies with their lengths.

use std::io::{Error, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// Longest head that is read.
const HEAD_BYTES: u64 = 64 * 1024;

/// A request or an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    /// `GET /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub(crate) start: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn request(method: &str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { start: format!("{method} {target} HTTP/1.1"), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn answer(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { start: format!("HTTP/1.1 {status} Status"), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// A word of the first line.
    fn word(&self, number: usize) -> &str {
        self.start.split(' ').nth(number).unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &str {
        self.word(0)
    }

    pub(crate) fn target(&self) -> &str {
        self.word(1)
    }

    pub(crate) fn status(&self) -> u16 {
        self.word(1).parse().unwrap()
    }

    /// The bytes of its head, for a connection that ends with it. A length that is said already, as that of an object of which only the head was asked for, stays.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("{}\r\nconnection: close\r\n", self.start);
        if self.header("content-length").is_none() {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("connection")) {
            head += &format!("{name}: {value}\r\n");
        }
        (head + "\r\n").into_bytes()
    }

    /// Gives it another body, and says so.
    pub(crate) fn set_body(&mut self, body: Vec<u8>) {
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        self.body = body;
    }
}

/// Reads a message up to its body; `None` where the connection ends instead.
pub(crate) async fn read_head(from: &mut BufReader<TcpStream>) -> Result<Option<Message>> {
    let mut message = Message::default();
    let mut lines = from.take(HEAD_BYTES);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        match line.split_once(": ") {
            _ if message.start.is_empty() => line.clone_into(&mut message.start),
            _ if line.is_empty() => return Ok(Some(message)),
            Some((name, value)) => message.headers.push((name.to_owned(), value.to_owned())),
            None => return Err(Error::other(format!("`{line}` is no header"))),
        }
    }
}

/// The length of the body that follows a head.
pub(crate) fn length(message: &Message) -> usize {
    message.header("content-length").map_or(0, |length| length.parse().unwrap())
}

/// Has a request answered. As of HTTP/1.0, so that the body is all that comes.
pub(crate) async fn exchange(with: SocketAddr, request: &Message) -> Result<Message> {
    let mut stream = BufReader::new(TcpStream::connect(with).await?);
    let mut request = request.clone();
    request.start = request.start.replace("HTTP/1.1", "HTTP/1.0");
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    // The name under which the server speaks the dialect of buckets in the path.
    let request = request.with("host", "storage.googleapis.com");
    stream.write_all(&[request.head(), request.body.clone()].concat()).await?;
    let mut answer = read_head(&mut stream).await?.ok_or_else(|| Error::other("the server does not answer"))?;
    answer.start = answer.start.replace("HTTP/1.0", "HTTP/1.1");
    stream.read_to_end(&mut answer.body).await?;
    Ok(answer)
}
