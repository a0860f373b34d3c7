//! The client's end of a relay: one connection, or a channel over several.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::channel::Channel;
use crate::channel::message::WorkspaceState;
use crate::side::Side;
use crate::wire::{Close, Event, Piece};

/// See the module.
#[derive(Debug)]
pub(crate) enum ClientEnd {
    /// A plain WebSocket; `None` once it is lost.
    Plain(Option<Box<Side>>),
    Channel(Box<Channel>),
}

impl ClientEnd {
    fn side(&self) -> Option<&Side> {
        match self {
            Self::Plain(side) => side.as_deref(),
            Self::Channel(channel) => channel.link(),
        }
    }

    fn side_mut(&mut self) -> Option<&mut Side> {
        match self {
            Self::Plain(side) => side.as_deref_mut(),
            Self::Channel(channel) => channel.link_mut(),
        }
    }

    /// Whether the workspace's data may be taken.
    pub(crate) fn has_room(&self, queue_bytes: usize) -> bool {
        match self {
            Self::Plain(side) => side.as_ref().is_some_and(|side| side.outbox.memory() < queue_bytes),
            Self::Channel(channel) => channel.has_room(),
        }
    }

    /// Whether there is room for what a channel's own messages are answered with: a client that reads no answers is not asked for more.
    pub(crate) fn can_be_answered(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Channel(channel) => channel.can_be_answered(),
        }
    }

    pub(crate) fn give(&mut self, piece: Piece) {
        match self {
            Self::Plain(Some(side)) => side.outbox.piece(piece),
            Self::Plain(None) => {}
            Self::Channel(channel) => channel.give(piece),
        }
    }

    /// Passes a ping of the workspace on. `false` when it has to be answered here: a channel's client may be away.
    pub(crate) fn ping(&mut self, payload: &Bytes) -> bool {
        match self {
            Self::Plain(Some(side)) => {
                side.outbox.ping(payload.clone());
                true
            }
            Self::Plain(None) | Self::Channel(_) => false,
        }
    }

    pub(crate) fn pong(&mut self, payload: Bytes) {
        if let Self::Plain(Some(side)) = self {
            side.outbox.pong(payload);
        }
    }

    pub(crate) fn say_workspace(&mut self, state: WorkspaceState) {
        if let Self::Channel(channel) = self {
            channel.say_workspace(state);
        }
    }

    /// What the client sent next.
    pub(crate) fn next(&mut self, on_beat: impl Fn(Duration)) -> Result<Option<Event>, Close> {
        match self {
            Self::Plain(Some(side)) => side.next(on_beat).map_err(|violation| violation.close()),
            Self::Plain(None) => Ok(None),
            Self::Channel(channel) => channel.next(on_beat),
        }
    }

    /// Waits until it can be read, if that is wanted, or takes more of what waits.
    pub(crate) async fn ready(&self, wants_read: bool) {
        match self.side() {
            // An error shows when it is read or written.
            Some(side) => drop(side.ready(wants_read).await),
            None => std::future::pending().await,
        }
    }

    /// Reads what is there. Answers the number of bytes.
    pub(crate) fn read(&mut self) -> usize {
        let mut read = 0;
        self.with(|side| {
            read = side.read()?;
            Ok(())
        });
        read
    }

    pub(crate) fn flush(&mut self) {
        self.with(|side| side.flush().map(drop));
    }

    /// Does something with the connection, which is lost when that fails.
    fn with(&mut self, work: impl FnOnce(&mut Side) -> io::Result<()>) {
        if let Some(side) = self.side_mut()
            && work(side).is_err()
        {
            self.lose();
        }
    }

    /// The client ended its connection and everything that it sent was taken.
    pub(crate) fn lose_if_over(&mut self) {
        if self.side().is_some_and(Side::is_over) {
            self.lose();
        }
    }

    fn lose(&mut self) {
        match self {
            Self::Plain(side) => *side = None,
            Self::Channel(channel) => channel.lose(),
        }
    }

    /// Whether nobody is there, and nobody will come back.
    pub(crate) fn is_gone(&self, now: Instant) -> bool {
        match self {
            Self::Plain(side) => side.is_none(),
            Self::Channel(channel) => channel.is_gone(now),
        }
    }

    pub(crate) fn close(&mut self, close: &Close) {
        match self {
            Self::Plain(Some(side)) => side.outbox.close(close),
            Self::Plain(None) => {}
            Self::Channel(channel) => channel.close(close),
        }
    }

    /// Takes the connection out, to be told goodbye.
    pub(crate) fn take(self) -> Option<Side> {
        match self {
            Self::Plain(side) => side.map(|side| *side),
            Self::Channel(channel) => channel.into_link(),
        }
    }

    /// Whether everything that waited was sent.
    pub(crate) fn is_flushed(&self) -> bool {
        self.side().is_none_or(|side| side.outbox.is_empty())
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.side().map_or(0, |side| side.outbox.bytes())
    }

    pub(crate) fn next_tick(&self) -> Option<Instant> {
        match self {
            Self::Plain(side) => side.as_ref().map(|side| side.next_beat()),
            Self::Channel(channel) => channel.next_tick(),
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant, is_read: bool) {
        match self {
            Self::Plain(side) => {
                side.take_if(|side| !side.beat(now, is_read));
            }
            Self::Channel(channel) => channel.tick(now, is_read),
        }
    }
}
