//! One end of a connection: its socket, what is read from it, what waits to be sent to it, and whether it is alive.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use coditect_store::Clock;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::limits;
use crate::place::Place;
use crate::settings::{Bounds, Times};
use crate::wire::{Decoder, DecoderOptions, Event, Outbox, Role, Violation};

/// See the module.
#[derive(Debug)]
pub(crate) struct Side {
    stream: TcpStream,
    decoder: Decoder,
    pub(crate) outbox: Outbox,
    heart: Heart,
    /// Room for the next read, bytes.
    read_bytes: usize,
    /// Whether the other end has sent its last byte, or nothing more can be read.
    is_over: bool,
    /// Whether the socket took less than what waited.
    is_full: bool,
    /// Whether nothing can be sent any more. What had arrived before is still there to be read.
    is_cut: bool,
    /// Whether what comes in is dropped.
    is_ignored: bool,
    /// A client's connection has a place, for as long as it lasts.
    _place: Option<Place>,
}

/// Heartbeats of one end.
#[derive(Debug)]
struct Heart {
    every: Duration,
    dead_after: Duration,
    next: Instant,
    heard: Instant,
    /// The last heartbeat that was not answered yet: its number, and when it was sent.
    beat: Option<Instant>,
    number: u64,
}

/// What a heartbeat says, before its number. Answers to it are not passed on.
const BEAT: &[u8] = b"coditect ";

impl Side {
    /// An end whose handshake is done. `read_ahead` is what was read behind it.
    pub(crate) fn new(stream: TcpStream, role: Role, deflate: bool, read_ahead: &[u8], make: &Make) -> Self {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let (frame_bytes, message_bytes) = (make.bounds.frame_bytes, make.bounds.message_bytes);
        let decoder = Decoder::new(DecoderOptions { role, deflate, frame_bytes, message_bytes }, read_ahead);
        let now = Instant::now();
        // Not all connections that began together beat together.
        let first = make.times.ping_every.mul_f64(0.5 + (make.clock.random() % 1_000) as f64 / 2_000.0);
        let heart = Heart {
            every: make.times.ping_every,
            dead_after: make.times.dead_after,
            next: now + first,
            heard: now,
            beat: None,
            number: 0,
        };
        let outbox = Outbox::new(role, deflate, make.clock.clone());
        let read_bytes = limits::READ_BYTES;
        Self {
            stream,
            decoder,
            outbox,
            heart,
            read_bytes,
            is_over: false,
            is_full: false,
            is_cut: false,
            is_ignored: false,
            _place: None,
        }
    }

    /// The same, holding a place.
    pub(crate) fn at(self, place: Place) -> Self {
        Self { _place: Some(place), ..self }
    }

    /// Waits until there is something to read, if that is wanted, or the socket takes more of what waits.
    pub(crate) async fn ready(&self, wants_read: bool) -> io::Result<()> {
        let wants_read = wants_read && !self.is_over;
        let interest = match (wants_read, self.outbox.is_empty() || self.is_cut) {
            (true, true) => Interest::READABLE,
            (true, false) => Interest::READABLE | Interest::WRITABLE,
            (false, false) => Interest::WRITABLE,
            (false, true) => return std::future::pending().await,
        };
        self.stream.ready(interest).await.map(drop)
    }

    /// Reads what is there. Answers the number of bytes. After an error it is over, like after the end.
    pub(crate) fn read(&mut self) -> io::Result<usize> {
        if self.is_over {
            return Ok(0);
        }
        let room = self.decoder.room(self.read_bytes);
        match self.stream.try_read_buf(room) {
            Ok(0) => {
                self.is_over = true;
                Ok(0)
            }
            Ok(read) => {
                self.heart.heard = Instant::now();
                let wanted = if read >= self.read_bytes { self.read_bytes * 2 } else { read * 2 };
                self.read_bytes = wanted.clamp(limits::READ_BYTES, limits::READ_MOST_BYTES).next_power_of_two();
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.decoder.rest();
                Ok(0)
            }
            Err(error) => {
                self.is_over = true;
                Err(error)
            }
        }
    }

    /// What came in next, without heartbeats and the answers to ours. `on_beat` gets round trips.
    pub(crate) fn next(&mut self, on_beat: impl Fn(Duration)) -> Result<Option<Event>, Violation> {
        if self.is_ignored {
            self.decoder.clear();
            return Ok(None);
        }
        loop {
            match self.decoder.next()? {
                Some(Event::Pong(payload)) if payload.starts_with(BEAT) => {
                    if let Some(sent) = self.heart.answered(&payload) {
                        on_beat(sent.elapsed());
                    }
                }
                event => return Ok(event),
            }
        }
    }

    /// Sends what the socket takes. Answers the number of bytes. After an error it is cut: what waits stays where it is.
    pub(crate) fn flush(&mut self) -> io::Result<usize> {
        if self.outbox.is_empty() {
            return Ok(0);
        }
        if self.is_cut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let stream = &self.stream;
        let sent = self.outbox.send(|slices| stream.try_write_vectored(slices));
        self.is_cut = sent.is_err();
        if self.is_full && sent.as_ref().is_ok_and(|sent| *sent > 0) {
            // Its answer to a heartbeat comes behind all that it has to read first, but it does read.
            self.heart.heard = Instant::now();
        }
        self.is_full = !self.outbox.is_empty();
        sent
    }

    /// Drops whatever comes in from now on.
    pub(crate) fn ignore(&mut self) {
        self.is_ignored = true;
    }

    /// The other end has sent its last byte, or the connection is broken.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Nothing can be sent to it any more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Whether a message of it has begun to be passed on and has not ended.
    pub(crate) fn is_within_message(&self) -> bool {
        self.decoder.is_within_message()
    }

    /// When [`Side::beat`] is to be called.
    pub(crate) fn next_beat(&self) -> Instant {
        self.heart.next.min(self.heart.heard + self.heart.dead_after)
    }

    /// Sends a heartbeat when it is time. `false` when the other end is dead. One that is not read from may be as silent as it likes.
    pub(crate) fn beat(&mut self, now: Instant, is_read: bool) -> bool {
        if !is_read {
            self.heart.heard = now;
        }
        if now >= self.heart.next {
            let payload = self.heart.beat(now);
            if !self.is_cut {
                self.outbox.ping(payload);
            }
        }
        now < self.heart.heard + self.heart.dead_after
    }
}

impl Heart {
    fn beat(&mut self, now: Instant) -> Bytes {
        self.next = now + self.every;
        self.number += 1;
        self.beat = Some(now);
        [BEAT, &self.number.to_be_bytes()].concat().into()
    }

    /// When the heartbeat of this answer was sent, if it is the last one's.
    fn answered(&mut self, payload: &[u8]) -> Option<Instant> {
        let is_last = payload[BEAT.len()..] == self.number.to_be_bytes();
        self.beat.take_if(|_| is_last)
    }
}

/// What all ends are made with.
#[derive(Debug, Clone)]
pub(crate) struct Make {
    pub(crate) bounds: Bounds,
    pub(crate) times: Times,
    pub(crate) clock: Clock,
}

#[cfg(test)]
pub(crate) mod tests {
    use coditect_auth::{UserId, WorkspaceId};
    use coditect_store::TenantId;
    use tokio::net::TcpListener;

    use super::*;
    use crate::settings::Settings;
    use crate::wire::Piece;

    /// The sidecar's end of a connection of a client, with the usual settings, and the client's.
    pub(crate) async fn connection() -> (Side, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (tenant, user) = (TenantId::new("acme").unwrap(), UserId::new("ada").unwrap());
        let settings = Settings::of(WorkspaceId::new("ws-7").unwrap(), tenant, user, "http://127.0.0.1:1").unwrap();
        let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
        let make = Make { bounds: settings.bounds, times: settings.times, clock };
        (Side::new(listener.accept().await.unwrap().0, Role::Server, false, &[], &make), client)
    }

    #[tokio::test]
    async fn one_that_takes_what_waits_is_alive_and_one_that_takes_nothing_is_not() {
        use tokio::io::AsyncReadExt as _;
        let (mut side, mut socket) = connection().await;
        while side.outbox.is_empty() {
            side.outbox.piece(Piece::text(&"x".repeat(limits::PIECE_BYTES)));
            side.flush().unwrap();
        }
        let (began, dead_after) = (side.heart.heard, side.heart.dead_after);
        side.flush().unwrap();
        assert_eq!(side.heart.heard, began, "it took nothing");
        assert!(!side.beat(began + dead_after, true));
        let mut room = vec![0; limits::PIECE_BYTES];
        while side.heart.heard == began {
            tokio::select! {
                read = socket.read(&mut room) => drop(read.unwrap()),
                ready = side.ready(false) => {
                    ready.unwrap();
                    side.flush().unwrap();
                }
            }
        }
        assert!(side.beat(began + dead_after, true));
    }
}
