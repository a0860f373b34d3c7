//! From a request to a relay: the handshake, signing in, the workspace's socket, and the channel where one is wanted.

use std::net::SocketAddr;
use std::sync::Arc;

use coditect_auth::SessionId;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::access::Denied;
use crate::channel::directory::Attach;
use crate::channel::message::{self, Opening};
use crate::channel::{Channel, Options};
use crate::forwarded;
use crate::http::answer::{Body, Refused, empty};
use crate::http::dial::{Dial, DialError, Dialled, Wanted};
use crate::http::handshake::Proposal;
use crate::http::token::{self, Token};
use crate::http::{extension, pass};
use crate::limits;
use crate::meters;
use crate::place::Place;
use crate::relay::Relay;
use crate::relay::client::ClientEnd;
use crate::relay::goodbye;
use crate::relay::workspace::Workspace;
use crate::settings::OnOff;
use crate::side::Side;
use crate::sidecar::Shared;
use crate::wire::{Close, Event, Kind, Piece, Role, code};

/// A client's request for a socket.
struct Asked {
    shared: Arc<Shared>,
    peer: SocketAddr,
    /// Where the client is, as far as is known.
    client: String,
    place: Place,
    proposal: Proposal,
    upgrade: OnUpgrade,
    dial: Dial,
    /// Subprotocols that are left for the workspace.
    protocols: Vec<String>,
    /// Whether it asks for a channel.
    wants_channel: bool,
    /// Whether its token came as a subprotocol, so that its page cannot see how a handshake failed.
    by_protocol: bool,
}

/// Answers a request for a socket.
pub(crate) async fn socket(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    place: Place,
    shared: Arc<Shared>,
) -> Result<Response<Body>, Refused> {
    let mut proposal = Proposal::read(&request).inspect_err(|_| meters::refused("handshake"))?;
    if shared.is_stopping() {
        meters::refused("stopping");
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the sidecar is stopping; try again in a moment"));
    }
    let mut protocols = std::mem::take(&mut proposal.protocols);
    let token = token::find(request.headers(), &mut protocols, &shared.settings.allowed.cookie);
    let has_cookie = matches!(token, Some(Token::Cookie(_)));
    shared.origins.check_socket(request.headers(), has_cookie).inspect_err(|_| meters::refused("origin"))?;
    let wants_channel = protocols.iter().any(|name| name == message::PROTOCOL);
    protocols.retain(|name| name != message::PROTOCOL);
    let protocols = pass::protocols(protocols, &shared.settings.allowed.protocols);
    let dial = Dial::new(Wanted {
        authority: shared.authority(),
        target: pass::target(request.uri(), &shared.settings.allowed).inspect_err(|_| meters::refused("path"))?,
        headers: pass::headers(&request, peer.ip(), &shared.settings.allowed.cookie),
        protocols: protocols.clone(),
        make: shared.make.clone(),
    });
    proposal.deflate &= shared.settings.bounds.compression == OnOff::On;
    let (upgrade, by_protocol) = (hyper::upgrade::on(&mut request), matches!(token, Some(Token::Protocol(_))));
    let client = forwarded::client(request.headers(), shared.settings.proxies);
    let client = client.map_or_else(|| peer.to_string(), |client| client.to_string());
    let asked = Asked { shared, peer, client, place, proposal, upgrade, dial, protocols, wants_channel, by_protocol };
    match token {
        Some(token) => asked.with_token(token).await,
        None => Ok(asked.with_first_message()),
    }
}

impl Asked {
    /// Signs in before the answer.
    async fn with_token(self, token: Token) -> Result<Response<Body>, Refused> {
        let session = match self.shared.lookup.sign_in(token.text()).await {
            Ok(session) => session,
            Err(denied) => return self.deny(&denied),
        };
        if self.wants_channel {
            let chosen = Some(message::PROTOCOL.to_owned());
            return Ok(self.upgrade_to(chosen, move |asked, side| asked.channel(side, session)));
        }
        let dialled = match self.dial.connect(limits::DIAL_WAIT).await {
            Ok(dialled) => dialled,
            Err(error) => return Err(unreachable(&error)),
        };
        let chosen = dialled.protocol.clone().or_else(|| self.by_protocol.then(|| token::PROTOCOL.to_owned()));
        Ok(self.upgrade_to(chosen, move |asked, side| asked.plain(side, session, dialled)))
    }

    /// A page cannot see why a handshake failed. It gets a socket that is closed with the reason.
    fn deny(self, denied: &Denied) -> Result<Response<Body>, Refused> {
        meters::refused(denied.label());
        if !self.by_protocol {
            return Err(denied.refused());
        }
        let close = denied.close();
        let chosen = if self.wants_channel { message::PROTOCOL } else { token::PROTOCOL };
        Ok(self.upgrade_to(Some(chosen.to_owned()), |_, side| async move { goodbye::say_now(side, close).await }))
    }

    /// Answers, and signs in with the first message.
    fn with_first_message(self) -> Response<Body> {
        let first = self.protocols.first().cloned();
        let chosen = if self.wants_channel { Some(message::PROTOCOL.to_owned()) } else { first };
        self.upgrade_to(chosen.clone(), move |asked, side| asked.first_message(side, chosen))
    }

    async fn first_message(self, mut side: Side, chosen: Option<String>) {
        let session = match self.sign_in(&mut side).await {
            Ok(session) => session,
            Err(close) => return goodbye::say_now(side, close).await,
        };
        side.outbox.piece(Piece::text(r#"{"type":"authenticated"}"#));
        if self.wants_channel {
            return self.channel(side, session).await;
        }
        match self.dial.connect(limits::DIAL_WAIT).await {
            Ok(dialled) if dialled.protocol == chosen => self.plain(side, session, dialled).await,
            Ok(_) => {
                let close = Close::new(code::BAD_GATEWAY, "the workspace chose another subprotocol than the first one");
                goodbye::say_now(side, close).await;
            }
            Err(error) => goodbye::say_now(side, away(&error)).await,
        }
    }

    async fn sign_in(&self, side: &mut Side) -> Result<SessionId, Close> {
        #[derive(Deserialize)]
        #[serde(tag = "type", rename_all = "lowercase")]
        enum First {
            Authenticate { token: String },
        }
        let most = coditect_auth::limits::BEARER_BYTES + 100;
        let text = first_text(side, most).await?;
        let First::Authenticate { token } = serde_json::from_slice(&text).map_err(|_| {
            meters::refused("first_message");
            Close::new(code::UNAUTHENTICATED, "the first message must be {\"type\":\"authenticate\",\"token\":\"…\"}")
        })?;
        self.shared.lookup.sign_in(&token).await.map_err(|denied| {
            meters::refused(denied.label());
            denied.close()
        })
    }

    /// Relays between this connection and the workspace.
    async fn plain(self, side: Side, session: SessionId, dialled: Dialled) {
        let shared = &self.shared;
        let seat = match shared.live.enter(session, self.client.clone(), false).await {
            Ok(seat) => seat,
            Err(denied) => {
                meters::refused(denied.label());
                return goodbye::say_now(side, denied.close()).await;
            }
        };
        tracing::info!(connection = %seat.id, peer = %self.peer, "a connection began");
        let workspace = Workspace::new(self.dial.clone(), dialled);
        let client = ClientEnd::Plain(Some(Box::new(side)));
        let relay = Relay::new(client, workspace, seat, shared.settings.clone(), shared.meters.clone());
        self.go_on(relay);
    }

    /// Relays in a task of its own, which is much smaller than what has led to it.
    fn go_on(&self, relay: Relay) {
        let (relaying, cut) = (Box::pin(relay.run()), self.shared.cut.clone());
        self.shared.relays.spawn(cut.run_until_cancelled_owned(relaying));
    }

    /// Opens a channel on this connection, or leads it to the one that it comes back to.
    async fn channel(self, mut side: Side, session: SessionId) {
        let opening = match first_text(&mut side, limits::RESUME_TEXT_BYTES).await {
            Ok(text) => serde_json::from_slice(&text),
            Err(close) => return goodbye::say_now(side, close).await,
        };
        let Ok(opening) = opening else {
            let close = Close::new(code::RESUME_PROTOCOL, "the first message must be of type open or resume");
            return goodbye::say_now(side, close).await;
        };
        let seat = match self.shared.live.enter(session, self.client.clone(), true).await {
            Ok(seat) => seat,
            Err(denied) => {
                meters::refused(denied.label());
                return goodbye::say_now(side, denied.close()).await;
            }
        };
        match opening {
            Opening::Open => self.open_channel(side, seat).await,
            Opening::Resume { channel, received, attempt } => {
                let attach = Attach { side, seat, received, attempt };
                match self.shared.channels.lead(&channel, attach).await {
                    Ok(()) => meters::resumed("resumed"),
                    Err(attach) => {
                        meters::resumed("no_channel");
                        let close = Close::new(code::NO_CHANNEL, "there is no such channel any more");
                        goodbye::say_now(attach.side, close).await;
                    }
                }
            }
        }
    }

    async fn open_channel(self, side: Side, seat: crate::live::Seat) {
        let shared = &self.shared;
        let dialled = match self.dial.connect(limits::DIAL_WAIT).await {
            Ok(dialled) => dialled,
            Err(error) => return goodbye::say_now(side, away(&error)).await,
        };
        tracing::info!(connection = %seat.id, peer = %self.peer, resumable = true, "a connection began");
        let (bounds, keep) = (&shared.settings.bounds, shared.settings.times.keep);
        let options = Options { keep, replay_bytes: bounds.replay_bytes, message_bytes: bounds.message_bytes };
        let listed = shared.channels.enter(&shared.make.clock);
        let channel = Channel::new(listed.key.clone(), dialled.protocol.clone(), options, side);
        let client = ClientEnd::Channel(Box::new(channel));
        let workspace = Workspace::new(self.dial.clone(), dialled);
        let relay = Relay::new(client, workspace, seat, shared.settings.clone(), shared.meters.clone());
        self.go_on(relay.listed(listed));
    }

    /// The answer that makes the connection a socket, with which `then` goes on.
    fn upgrade_to<F>(
        mut self,
        protocol: Option<String>,
        then: impl FnOnce(Self, Side) -> F + Send + 'static,
    ) -> Response<Body>
    where
        F: Future<Output = ()> + Send,
    {
        let mut response = Response::new(empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.proposal.accept.clone());
        if let Some(Ok(protocol)) = protocol.map(HeaderValue::try_from) {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let deflate = self.proposal.deflate;
        if deflate {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(extension::WITHOUT_TAKEOVER));
        }
        let shared = self.shared.clone();
        let cut = shared.cut.clone();
        shared.clone().relays.spawn(cut.run_until_cancelled_owned(async move {
            let upgrade = std::pin::pin!(&mut self.upgrade);
            let upgraded = match upgrade.await {
                Ok(upgraded) => upgraded,
                Err(error) => return tracing::debug!(%error, "a client was gone before its socket"),
            };
            let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
                return tracing::error!("a connection is not the TCP that it came from");
            };
            let side = Side::new(parts.io.into_inner(), Role::Server, deflate, &parts.read_buf, &shared.make);
            let side = side.at(self.place.clone());
            then(self, side).await;
        }));
        response
    }
}

/// The first message of a client, which must be text, short, and there in time.
async fn first_text(side: &mut Side, most: usize) -> Result<Vec<u8>, Close> {
    let reading = async {
        let mut text = Vec::new();
        loop {
            let event = side.next(|_| {}).map_err(|violation| violation.close())?;
            match event {
                Some(Event::Data(piece)) if piece.kind == Kind::Text && text.len() + piece.payload.len() <= most => {
                    text.extend_from_slice(&piece.payload);
                    if piece.is_last {
                        return Ok(text);
                    }
                }
                Some(Event::Data(_) | Event::Spliced(_)) => {
                    return Err(Close::new(code::UNAUTHENTICATED, "the first message must be short and text"));
                }
                Some(Event::Ping(payload)) => side.outbox.pong(payload),
                Some(Event::Pong(_)) => {}
                Some(Event::Close(close)) => return Err(close),
                None if side.is_over() => return Err(Close::default()),
                None => {
                    let gone = |_| Close::default();
                    side.flush().map_err(gone)?;
                    side.ready(true).await.map_err(gone)?;
                    side.read().map_err(gone)?;
                }
            }
        }
    };
    let late = Close::new(code::TIMEOUT, "the first message did not come in time");
    tokio::time::timeout(limits::FIRST_MESSAGE_WAIT, reading).await.unwrap_or(Err(late))
}

/// No socket of the workspace, before the client has one.
fn unreachable(error: &DialError) -> Refused {
    meters::refused("workspace_away");
    match error {
        DialError::Refused(status) if status.is_client_error() => {
            Refused::new(*status, format!("{error}: there is no socket at this path"))
        }
        DialError::Refused(_) | DialError::Strange(_) => Refused::new(StatusCode::BAD_GATEWAY, error.to_string()),
        DialError::Away(_) | DialError::Slow => {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, format!("{error}; it may be starting"))
        }
    }
}

/// The same for a client that has one already.
fn away(error: &DialError) -> Close {
    meters::refused("workspace_away");
    match error {
        DialError::Away(_) | DialError::Slow => Close::new(code::TRY_LATER, format!("{error}; it may be starting")),
        DialError::Refused(_) | DialError::Strange(_) => Close::new(code::BAD_GATEWAY, error.to_string()),
    }
}
