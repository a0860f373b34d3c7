//! One end of a connection: its socket, what is read from it, what waits to be sent to it, and whether it is alive.

mod heart;
mod pace;
mod splicing;

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::BufMut as _;
use coditect_store::Clock;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::limits;
use crate::place::Place;
use crate::settings::{Bounds, Times};
use crate::wire::{Decoder, DecoderOptions, Event, Outbox, Pipe, Role, Sink, Violation};
use heart::{BEAT, Heart};
use pace::Pace;
use splicing::Splicing;

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
    splicing: Splicing,
    pace: Pace,
    /// A client's connection has a place, for as long as it lasts.
    _place: Option<Place>,
}

impl Side {
    /// An end whose handshake is done. `read_ahead` is what was read behind it.
    pub(crate) fn new(stream: TcpStream, role: Role, deflate: bool, read_ahead: &[u8], make: &Make) -> Self {
        if let Err(error) = tune(&stream) {
            tracing::debug!(%error, "a socket could not be tuned");
        }
        let (frame_bytes, message_bytes) = (make.bounds.frame_bytes, make.bounds.message_bytes);
        let decoder = Decoder::new(DecoderOptions { role, deflate, frame_bytes, message_bytes }, read_ahead);
        let heart = Heart::new(&make.times, make.clock.random());
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
            splicing: Splicing::default(),
            pace: Pace::default(),
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
        if self.is_over || self.splicing.is_under_way() && !self.is_ignored {
            return Ok(0);
        }
        let read = self.read_up_to(self.read_bytes)?;
        if read > 0 {
            let wanted = if read >= self.read_bytes { self.read_bytes * 2 } else { read * 2 };
            self.read_bytes = wanted.clamp(limits::READ_BYTES, limits::READ_MOST_BYTES).next_power_of_two();
        }
        Ok(read)
    }

    fn read_up_to(&mut self, most: usize) -> io::Result<usize> {
        let mut room = self.decoder.room(most).limit(most);
        match self.stream.try_read_buf(&mut room) {
            Ok(0) => {
                self.is_over = true;
                Ok(0)
            }
            Ok(read) => {
                self.heart.heard = Instant::now();
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
                Some(event) => {
                    self.splicing.is_streaming = false;
                    return Ok(Some(event));
                }
                None if self.read_head() => {}
                None => return Ok(self.splice()?.map(Event::Spliced)),
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
        let sent = self.outbox.send(&mut &*stream);
        self.is_cut = sent.is_err();
        if self.is_full && sent.as_ref().is_ok_and(|sent| *sent > 0) {
            // Its answer to a heartbeat comes behind all that it has to read first, but it does read.
            self.heart.heard = Instant::now();
        }
        self.is_full = !self.outbox.is_empty();
        if let Ok(sent) = sent {
            self.pace.sent(sent, !self.is_full, Instant::now());
        }
        sent
    }

    /// Whether more may be queued, when `queue_bytes` may wait.
    pub(crate) fn has_room(&self, queue_bytes: usize) -> bool {
        self.outbox.memory() < queue_bytes && !self.outbox.has_many_pipes()
    }

    /// Bytes that a piece may have into which nobody has looked; 0 where none is taken.
    pub(crate) fn splice_room(&mut self, queue_bytes: usize) -> usize {
        if self.outbox.takes_spliced() { self.pace.most(Instant::now()).min(queue_bytes) } else { 0 }
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
        self.heart.next_beat()
    }

    /// Sends a heartbeat when it is time. `false` when the other end is dead. One that is not read from may be as silent as it likes.
    pub(crate) fn beat(&mut self, now: Instant, is_read: bool) -> bool {
        if !is_read {
            self.heart.heard = now;
        }
        if let Some(payload) = self.heart.beat(now)
            && !self.is_cut
        {
            self.outbox.ping(payload);
        }
        self.heart.is_alive(now)
    }
}

/// Nothing waits for more, and on the way to the same host there is no congestion to look for: pacing (BBR) would cost timers and wait for them.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    if stream.peer_addr()?.ip().is_loopback() {
        rustix::net::sockopt::set_tcp_congestion(stream, "reno")?;
    }
    Ok(())
}

impl Sink for &TcpStream {
    fn write(&mut self, slices: &[IoSlice<'_>], goes_on: bool) -> io::Result<usize> {
        if !goes_on {
            return self.try_write_vectored(slices);
        }
        // Not a packet of its own for a head.
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
        self.try_io(Interest::WRITABLE, || Ok(sendmsg(self, slices, &mut SendAncillaryBuffer::default(), flags)?))
    }

    fn splice(&mut self, pipe: &mut Pipe) -> io::Result<usize> {
        self.try_io(Interest::WRITABLE, || pipe.drain(&**self))
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
        let (began, dead_after) = (side.heart.heard, Duration::from_secs(40));
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
