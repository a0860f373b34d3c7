//! The workspace's end of a relay: a connection that is made anew when the workspace restarts.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::http::dial::{Dial, DialError, Dialled};
use crate::side::Side;
use crate::wire::{Close, Event, Outbox, Violation};

/// See the module.
pub(crate) struct Workspace {
    dial: Dial,
    /// The subprotocol that it chose; it has to choose the same again.
    protocol: Option<String>,
    state: State,
}

enum State {
    There(Box<Side>),
    Away(Box<Away>),
    /// For good.
    Gone,
}

/// The workspace restarts.
struct Away {
    since: Instant,
    /// What waits to be sent to it.
    waiting: Outbox,
    dialling: Pin<Box<dyn Future<Output = Result<Dialled, DialError>> + Send>>,
}

impl Workspace {
    pub(crate) fn new(dial: Dial, dialled: Dialled) -> Self {
        Self { dial, protocol: dialled.protocol, state: State::There(Box::new(dialled.side)) }
    }

    fn side(&self) -> Option<&Side> {
        match &self.state {
            State::There(side) => Some(side),
            State::Away(_) | State::Gone => None,
        }
    }

    pub(crate) fn side_mut(&mut self) -> Option<&mut Side> {
        match &mut self.state {
            State::There(side) => Some(side),
            State::Away(_) | State::Gone => None,
        }
    }

    /// What waits to be sent, unless it is gone for good.
    pub(crate) fn outbox(&mut self) -> Option<&mut Outbox> {
        match &mut self.state {
            State::There(side) => Some(&mut side.outbox),
            State::Away(away) => Some(&mut away.waiting),
            State::Gone => None,
        }
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        match &self.state {
            State::There(side) => side.outbox.bytes(),
            State::Away(away) => away.waiting.bytes(),
            State::Gone => 0,
        }
    }

    pub(crate) fn has_room(&self, queue_bytes: usize) -> bool {
        match &self.state {
            State::There(side) => side.has_room(queue_bytes),
            State::Away(away) => away.waiting.memory() < queue_bytes,
            State::Gone => false,
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        matches!(self.state, State::There(_))
    }

    pub(crate) fn is_away(&self) -> bool {
        matches!(self.state, State::Away(_))
    }

    /// See [`Side::splice_room`]. What waits for one that is away is kept here.
    pub(crate) fn splice_room(&mut self, queue_bytes: usize) -> usize {
        self.side_mut().map_or(0, |side| side.splice_room(queue_bytes))
    }

    /// See [`Side::splice_up_to`].
    pub(crate) fn splice_up_to(&mut self, most: usize) {
        if let Some(side) = self.side_mut() {
            side.splice_up_to(most);
        }
    }

    /// What it sent next.
    pub(crate) fn next(&mut self, on_beat: impl Fn(Duration)) -> Result<Option<Event>, Violation> {
        self.side_mut().map_or(Ok(None), |side| side.next(on_beat))
    }

    pub(crate) fn ping(&mut self, payload: Bytes) {
        if let Some(side) = self.side_mut() {
            side.outbox.ping(payload);
        }
    }

    pub(crate) fn pong(&mut self, payload: Bytes) {
        if let Some(side) = self.side_mut() {
            side.outbox.pong(payload);
        }
    }

    /// Waits for something to do: to read, to send, or a new connection, which is the answer.
    pub(crate) async fn ready(&mut self, wants_read: bool) -> Option<Result<Dialled, DialError>> {
        match &mut self.state {
            State::There(side) => {
                // An error shows when it is read or written.
                let _ = side.ready(wants_read).await;
                None
            }
            State::Away(away) => Some((&mut away.dialling).await),
            State::Gone => std::future::pending().await,
        }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self) {
        // After an error it is over, once what had arrived before was taken.
        let _ = self.side_mut().map(Side::read);
    }

    /// Sends what can be sent.
    /// Sends what the socket takes. Answers whether that was something.
    pub(crate) fn flush(&mut self) -> bool {
        // What cannot be sent waits for the next connection: the last words of this one may still be there to be read.
        matches!(self.side_mut().map(Side::flush), Some(Ok(1..)))
    }

    /// Whether nothing can be sent to it any more, although it is not lost yet.
    pub(crate) fn is_cut(&self) -> bool {
        self.side().is_some_and(Side::is_cut)
    }

    /// It ended its connection without Close, or the connection is broken.
    pub(crate) fn is_over(&self) -> bool {
        self.side().is_some_and(Side::is_over)
    }

    /// The connection is lost: a new one is wanted within `wait`. `false` when that would break a message in two.
    pub(crate) fn bridge(&mut self, wait: Duration) -> bool {
        let State::There(side) = std::mem::replace(&mut self.state, State::Gone) else { return false };
        if wait.is_zero() || side.is_within_message() || side.outbox.is_within_message() || side.outbox.is_closing() {
            return false;
        }
        let mut waiting = side.outbox;
        waiting.start_over();
        let dial = self.dial.clone();
        let dialling = Box::pin(async move { dial.connect(wait).await });
        self.state = State::Away(Box::new(Away { since: Instant::now(), waiting, dialling }));
        true
    }

    /// Goes on with a new connection. Answers for how long it was away; `None` when the connection is no continuation of the last.
    pub(crate) fn back(&mut self, mut dialled: Dialled) -> Option<Duration> {
        let State::Away(away) = std::mem::replace(&mut self.state, State::Gone) else { return None };
        if dialled.protocol != self.protocol || !away.waiting.is_alike(&dialled.side.outbox) {
            return None;
        }
        dialled.side.outbox = away.waiting;
        self.state = State::There(Box::new(dialled.side));
        Some(away.since.elapsed())
    }

    pub(crate) fn give_up(&mut self) {
        self.state = State::Gone;
    }

    pub(crate) fn close(&mut self, close: &Close) {
        match &mut self.state {
            State::There(side) => side.outbox.close(close),
            State::Away(away) if away.waiting.is_empty() => self.state = State::Gone,
            State::Away(away) => away.waiting.close(close),
            State::Gone => {}
        }
    }

    /// Takes the connection out, to be told goodbye.
    pub(crate) fn take(self) -> Option<Side> {
        match self.state {
            State::There(side) => Some(*side),
            State::Away(_) | State::Gone => None,
        }
    }

    /// The same for one that is away: waits until it is back.
    pub(crate) async fn take_back(mut self) -> Option<Side> {
        if let State::Away(away) = &mut self.state {
            let dialled = (&mut away.dialling).await.ok()?;
            self.back(dialled)?;
        }
        self.take()
    }

    pub(crate) fn next_tick(&self) -> Option<Instant> {
        self.side().map(Side::next_beat)
    }

    /// Sends a heartbeat when it is due. `false` when the workspace is dead.
    pub(crate) fn tick(&mut self, now: Instant, is_read: bool) -> bool {
        self.side_mut().is_none_or(|side| side.beat(now, is_read))
    }
}
