//! Connecting to the workspace's WebSocket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::extension;
use super::handshake::{self, values};
use crate::limits;
use crate::settings::OnOff;
use crate::side::{Make, Side};
use crate::wire::Role;

/// A socket of the workspace that somebody asked for: how to get it, once and again.
#[derive(Debug, Clone)]
pub(crate) struct Dial(Arc<Wanted>);

#[derive(Debug)]
pub(crate) struct Wanted {
    /// `host:port`.
    pub(crate) authority: String,
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) protocols: Vec<String>,
    pub(crate) make: Make,
}

/// A connection to the workspace.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) side: Side,
    /// The subprotocol that it chose.
    pub(crate) protocol: Option<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the workspace does not answer")]
    Away(#[source] io::Error),
    #[error("the workspace did not answer in time")]
    Slow,
    #[error("the workspace answered {0}")]
    Refused(StatusCode),
    #[error("the workspace does not speak WebSocket: {0}")]
    Strange(&'static str),
}

impl DialError {
    /// Whether it may be there in a moment.
    fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) | Self::Slow => true,
            Self::Refused(status) => status.is_server_error(),
            Self::Strange(_) => false,
        }
    }
}

impl Dial {
    pub(crate) fn new(wanted: Wanted) -> Self {
        Self(Arc::new(wanted))
    }

    /// Connects, trying again while the workspace is not there, for at most `wait`.
    pub(crate) async fn connect(&self, wait: Duration) -> Result<Dialled, DialError> {
        let end = tokio::time::Instant::now() + wait;
        let mut pause = limits::DIAL_PAUSE;
        loop {
            let attempt = tokio::time::timeout(limits::DIAL_ATTEMPT, self.attempt()).await;
            match attempt.unwrap_or(Err(DialError::Slow)) {
                Err(error) if error.may_pass() && tokio::time::Instant::now() + pause < end => {
                    tracing::debug!(%error, "no connection to the workspace yet");
                }
                done => return done,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(limits::DIAL_MOST_PAUSE);
        }
    }

    async fn attempt(&self) -> Result<Dialled, DialError> {
        let stream = TcpStream::connect(&self.0.authority).await.map_err(DialError::Away)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(limits::HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(away)?;
        let key = self.key();
        let request = self.request(&key)?;
        let driver = tokio::spawn(connection.with_upgrades());
        let response = sender.send_request(request).await.map_err(away);
        let dialled = self.read(response?, &key).await;
        if dialled.is_err() {
            driver.abort();
        }
        dialled
    }

    async fn read<B>(&self, response: Response<B>, key: &HeaderValue) -> Result<Dialled, DialError>
    where
        B: Send + 'static,
    {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(DialError::Refused(response.status()));
        }
        let headers = response.headers();
        if headers.get(header::SEC_WEBSOCKET_ACCEPT) != Some(&handshake::accept(key)) {
            return Err(DialError::Strange("its answer has no proof of the key"));
        }
        let deflate = extension::accepted(values(headers, &header::SEC_WEBSOCKET_EXTENSIONS));
        let deflate = deflate.filter(|deflate| !deflate || self.is_compressed());
        let deflate = deflate.ok_or(DialError::Strange("it answers with an extension that it was not asked for"))?;
        let protocol = values(headers, &header::SEC_WEBSOCKET_PROTOCOL).next().map(str::to_owned);
        if protocol.as_ref().is_some_and(|chosen| !self.0.protocols.contains(chosen)) {
            return Err(DialError::Strange("it chooses a subprotocol that was not offered"));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(away)?;
        let parts = upgraded.downcast::<TokioIo<TcpStream>>();
        let parts = parts.map_err(|_| DialError::Strange("its connection is no TCP"))?;
        let side = Side::new(parts.io.into_inner(), Role::Client, deflate, &parts.read_buf, &self.0.make);
        Ok(Dialled { side, protocol })
    }

    fn request(&self, key: &HeaderValue) -> Result<Request<Empty<Bytes>>, DialError> {
        let wanted = &*self.0;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = wanted.target.clone();
        let headers = request.headers_mut();
        *headers = wanted.headers.clone();
        if !headers.contains_key(header::HOST)
            && let Ok(host) = HeaderValue::try_from(&wanted.authority)
        {
            headers.insert(header::HOST, host);
        }
        // A handshake has no body, whatever its client said of one.
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(handshake::KEY, key.clone());
        if !wanted.protocols.is_empty() {
            let offered = HeaderValue::try_from(wanted.protocols.join(", "));
            let offered = offered.map_err(|_| DialError::Strange("a subprotocol that cannot be offered"))?;
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        if self.is_compressed() {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(extension::WITHOUT_TAKEOVER));
        }
        Ok(request)
    }

    fn is_compressed(&self) -> bool {
        self.0.make.bounds.upstream_compression == OnOff::On
    }

    fn key(&self) -> HeaderValue {
        let random = [self.0.make.clock.random(), self.0.make.clock.random()];
        let bytes: Vec<u8> = random.iter().flat_map(|it| it.to_ne_bytes()).collect();
        HeaderValue::try_from(STANDARD.encode(bytes)).unwrap_or(HeaderValue::from_static(""))
    }
}

fn away(error: hyper::Error) -> DialError {
    DialError::Away(io::Error::other(error))
}
