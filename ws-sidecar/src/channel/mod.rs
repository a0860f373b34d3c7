//! A client's end that outlives its connections (docs/resume-protocol.md): what is sent is kept until it is acknowledged, what comes in twice is dropped.

pub(crate) mod directory;
mod inbound;
pub(crate) mod message;
mod window;

use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;

use crate::limits;
use crate::relay::goodbye;
use crate::side::Side;
use crate::wire::{Close, Event, Kind, Piece, code};
use inbound::Inbound;
use message::{FromClient, Head, ToClient, WorkspaceState};
use window::Window;

/// See the module.
#[derive(Debug)]
pub(crate) struct Channel {
    key: String,
    /// The subprotocol that the workspace chose.
    protocol: String,
    options: Options,
    link: Option<Side>,
    /// Since when there has been no connection.
    away: Option<Instant>,
    window: Window,
    inbound: Inbound,
    /// The message of the client that is arriving.
    arriving: BytesMut,
    ack: Ack,
    /// Which of the client's attempts to come back has the channel.
    attempt: u64,
    /// The workspace's Close, for a client that is away.
    farewell: Option<Close>,
    /// Whether the client has ended the channel.
    is_ended: bool,
}

/// Bounds of a channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) keep: Duration,
    pub(crate) replay_bytes: usize,
    pub(crate) message_bytes: u64,
}

/// What the client was told of what has arrived.
#[derive(Debug, Default)]
struct Ack {
    sent: u64,
    bytes: usize,
    due: Option<Instant>,
}

impl Channel {
    /// A new channel on its first connection, which is told so.
    pub(crate) fn new(key: String, protocol: Option<String>, options: Options, link: Side) -> Self {
        let mut channel = Self {
            key,
            protocol: protocol.unwrap_or_default(),
            options,
            link: Some(link),
            away: None,
            window: Window::default(),
            inbound: Inbound::new(options.message_bytes),
            arriving: BytesMut::new(),
            ack: Ack::default(),
            attempt: 0,
            farewell: None,
            is_ended: false,
        };
        channel.say_ready(false);
        channel
    }

    /// Goes on with another connection, whose client has received everything up to `received`. `false` when it cannot be: the connection is told why.
    pub(crate) fn attach(&mut self, link: Side, received: u64, attempt: u64) -> bool {
        if attempt < self.attempt {
            goodbye::spawn(link, &Close::new(code::TAKEN_OVER, "a later attempt has the channel"));
            return false;
        }
        if !self.window.acknowledged(received) {
            goodbye::spawn(link, &broken("received is not among what is kept"));
            return false;
        }
        self.attempt = attempt;
        if let Some(older) = self.link.replace(link) {
            goodbye::spawn(older, &Close::new(code::TAKEN_OVER, "a newer connection goes on with the channel"));
        }
        self.away = None;
        self.arriving.clear();
        self.say_ready(true);
        if let Some(link) = &mut self.link {
            for (head, payload) in self.window.kept() {
                link.outbox.binary(&head.encode(), payload);
            }
        }
        self.say_farewell();
        true
    }

    fn say_ready(&mut self, resumed: bool) {
        let received = self.inbound.received();
        let ready = ToClient::Ready {
            channel: &self.key,
            resumed,
            received,
            protocol: &self.protocol,
            keep_ms: self.options.keep.as_millis() as u64,
            buffer_bytes: self.options.replay_bytes,
            max_envelope_bytes: limits::PIECE_BYTES + limits::ENVELOPE_HEAD_BYTES,
            max_message_bytes: self.options.message_bytes,
        };
        let text = ready.text();
        self.ack = Ack { sent: received, ..Ack::default() };
        self.say_text(&text);
    }

    fn say(&mut self, message: &ToClient<'_>) {
        if self.link.is_some() {
            self.say_text(&message.text());
        }
    }

    fn say_text(&mut self, text: &str) {
        if let Some(link) = &mut self.link {
            link.outbox.piece(Piece::text(text));
        }
    }

    pub(crate) fn say_workspace(&mut self, state: WorkspaceState) {
        self.say(&ToClient::Workspace { state });
    }

    pub(crate) fn has_room(&self) -> bool {
        self.window.memory() < self.options.replay_bytes
    }

    /// Whether answers to the client's own messages may wait, beside all that is sent again after it came back.
    pub(crate) fn can_be_answered(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.outbox.memory() < 2 * self.options.replay_bytes)
    }

    /// Sends a piece of a message of the workspace, or keeps it for the next connection.
    pub(crate) fn give(&mut self, piece: Piece) {
        let payload = piece.payload.freeze();
        let head = self.window.push(piece.kind == Kind::Text, piece.is_last, payload.clone());
        if let Some(link) = &mut self.link {
            link.outbox.binary(&head.encode(), payload);
        }
    }

    /// What the client sent next for the workspace.
    pub(crate) fn next(&mut self, on_beat: impl Fn(Duration)) -> Result<Option<Event>, Close> {
        while let Some(link) = &mut self.link {
            let event = link.next(&on_beat).map_err(|violation| violation.close())?;
            let found = match event {
                None => return Ok(None),
                Some(Event::Ping(payload)) => {
                    link.outbox.pong(payload);
                    None
                }
                // No channel's side is allowed to lead anything past this process.
                Some(Event::Pong(_) | Event::Spliced(_)) => None,
                Some(Event::Close(Close { code: None | Some(code::GOING_AWAY), .. })) if self.is_wanted() => {
                    self.leave();
                    return Ok(None);
                }
                Some(Event::Close(close)) => {
                    self.is_ended = true;
                    return Ok(Some(Event::Close(close)));
                }
                Some(Event::Data(piece)) => self.arrived(piece)?.map(Event::Data),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Takes a piece of a message of the client; answers what it held for the workspace once it is whole.
    fn arrived(&mut self, piece: Piece) -> Result<Option<Piece>, Close> {
        let Piece { kind, is_last, payload, .. } = piece;
        let most = match kind {
            Kind::Binary => limits::PIECE_BYTES + limits::ENVELOPE_HEAD_BYTES,
            Kind::Text => limits::RESUME_TEXT_BYTES,
        };
        if self.arriving.len() + payload.len() > most {
            return Err(broken("a message that is longer than the protocol has"));
        }
        if self.arriving.is_empty() {
            self.arriving = payload;
        } else {
            self.arriving.extend_from_slice(&payload);
        }
        if !is_last {
            return Ok(None);
        }
        let message = std::mem::take(&mut self.arriving);
        match kind {
            Kind::Text => self.told(&message).map(|()| None),
            Kind::Binary => self.envelope(message),
        }
    }

    fn envelope(&mut self, mut message: BytesMut) -> Result<Option<Piece>, Close> {
        let head = Head::decode(&message).ok_or_else(|| broken("an envelope without a head"))?;
        let _ = message.split_to(limits::ENVELOPE_HEAD_BYTES);
        self.ack.bytes += message.len();
        self.ack.due.get_or_insert_with(|| Instant::now() + limits::ACK_WAIT);
        let piece = self.inbound.take(head, message)?;
        let is_much = self.inbound.received() - self.ack.sent >= limits::ACK_ENVELOPES;
        if is_much || self.ack.bytes >= limits::ACK_BYTES {
            self.acknowledge();
        }
        Ok(piece)
    }

    fn told(&mut self, text: &[u8]) -> Result<(), Close> {
        let message = serde_json::from_slice(text).map_err(|_| broken("a text that is no message of the protocol"))?;
        match message {
            FromClient::Ack { received } if !self.window.acknowledged(received) => {
                Err(broken("an acknowledgement of what was not sent"))
            }
            FromClient::Ping { id } => {
                self.say(&ToClient::Pong { id });
                Ok(())
            }
            FromClient::Ack { .. } | FromClient::Unknown => Ok(()),
        }
    }

    fn acknowledge(&mut self) {
        let received = self.inbound.received();
        self.ack = Ack { sent: received, ..Ack::default() };
        self.say(&ToClient::Ack { received });
    }

    /// When [`Channel::tick`] is to be called.
    pub(crate) fn next_tick(&self) -> Option<Instant> {
        let kept = self.away.map(|since| since + self.options.keep);
        let beat = self.link.as_ref().map(Side::next_beat);
        [self.ack.due, kept, beat].into_iter().flatten().min()
    }

    /// Does what is due: acknowledgements, heartbeats.
    pub(crate) fn tick(&mut self, now: Instant, is_read: bool) {
        if self.ack.due.is_some_and(|due| due <= now) {
            self.acknowledge();
        }
        if self.link.as_mut().is_some_and(|link| !link.beat(now, is_read)) {
            self.lose();
        }
    }

    /// Whether the client was away for too long.
    pub(crate) fn is_gone(&self, now: Instant) -> bool {
        self.away.is_some_and(|since| now >= since + self.options.keep)
    }

    /// Since when its client is away.
    pub(crate) fn away(&self) -> Option<Instant> {
        self.away
    }

    /// Whether something may still come for a client that comes back, or what came may not have arrived.
    fn is_wanted(&self) -> bool {
        self.farewell.is_none() || !self.window.is_empty()
    }

    /// Tells how the workspace ended it, behind everything else, on this connection or the next.
    pub(crate) fn close(&mut self, close: &Close) {
        if self.is_ended {
            // The answer to the client's own Close.
            if let Some(link) = &mut self.link {
                link.outbox.close(close);
            }
            return;
        }
        self.farewell = Some(close.clone());
        self.say_farewell();
    }

    fn say_farewell(&mut self) {
        let Some(close) = &self.farewell else { return };
        let text = ToClient::Closed { code: close.code_or_none(), reason: &close.reason }.text();
        self.say_text(&text);
        if let Some(link) = &mut self.link {
            link.outbox.close(&Close::new(code::NORMAL, ""));
        }
    }

    pub(crate) fn link(&self) -> Option<&Side> {
        self.link.as_ref()
    }

    pub(crate) fn link_mut(&mut self) -> Option<&mut Side> {
        self.link.as_mut()
    }

    pub(crate) fn into_link(self) -> Option<Side> {
        self.link
    }

    /// The client ends the connection, and not the channel.
    fn leave(&mut self) {
        if let Some(link) = self.link.take() {
            goodbye::spawn_answer(link);
        }
        self.be_away();
    }

    /// The connection is lost, and the channel waits for the next.
    pub(crate) fn lose(&mut self) {
        if self.link.take().is_some() {
            self.be_away();
        }
    }

    fn be_away(&mut self) {
        self.away = Some(Instant::now());
        self.arriving = BytesMut::new();
        self.ack.due = None;
    }
}

fn broken(what: &str) -> Close {
    Close::new(code::RESUME_PROTOCOL, what)
}
