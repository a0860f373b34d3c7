//! The client's end of a relay: one connection, or a channel over several.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::channel::Channel;
use crate::channel::message::WorkspaceState;
use crate::side::Side;
use crate::wire::{Close, Event, Piece, Spliced};

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
            Self::Plain(side) => side.as_ref().is_some_and(|side| side.has_room(queue_bytes)),
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

    /// See [`Side::splice_room`]. A channel numbers all pieces, and keeps them.
    pub(crate) fn splice_room(&mut self, queue_bytes: usize) -> usize {
        match self {
            Self::Plain(Some(side)) => side.splice_room(queue_bytes),
            _ => 0,
        }
    }

    /// See [`Side::splice_up_to`].
    pub(crate) fn splice_up_to(&mut self, most: usize) {
        if let Self::Plain(Some(side)) = self {
            side.splice_up_to(most);
        }
    }

    pub(crate) fn spliced(&mut self, piece: Spliced) {
        if let Self::Plain(Some(side)) = self {
            side.outbox.spliced(piece);
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

    /// Reads what is there.
    pub(crate) fn read(&mut self) {
        // After an error it is over, once what had arrived before was taken.
        let _ = self.side_mut().map(Side::read);
    }

    /// Sends what can be sent.
    /// Sends what the socket takes. Answers whether that was something.
    pub(crate) fn flush(&mut self) -> bool {
        // What cannot be sent ends nothing: what the client said last may still be there to be read.
        matches!(self.side_mut().map(Side::flush), Some(Ok(1..)))
    }

    /// Since when a channel's client is away.
    pub(crate) fn away(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            Self::Channel(channel) => channel.away(),
        }
    }

    /// Whether nothing can be sent to it any more, although it is not lost yet.
    pub(crate) fn is_cut(&self) -> bool {
        self.side().is_some_and(Side::is_cut)
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

    /// Whether everything that waited was sent, or cannot be.
    pub(crate) fn is_flushed(&self) -> bool {
        self.side().is_none_or(|side| side.outbox.is_empty() || side.is_cut())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::side::tests::connection;

    #[tokio::test]
    async fn what_a_client_said_last_is_heard_although_nothing_can_be_sent_to_it() {
        let (side, mut socket) = connection().await;
        let mut client = ClientEnd::Plain(Some(Box::new(side)));
        // A message, and Close with the code 1000, each with a mask of zeros.
        socket.write_all(b"\x82\x84\0\0\0\0last\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
        drop(socket);
        let cut = async {
            while !client.is_cut() {
                client.ping(&Bytes::from_static(b"are you there"));
                client.flush();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), cut).await.unwrap();
        assert!(client.is_flushed() && !client.is_gone(Instant::now()));
        client.ready(true).await;
        client.read();
        assert!(matches!(client.next(|_| {}), Ok(Some(Event::Data(piece))) if piece.payload == "last"));
        assert!(matches!(client.next(|_| {}), Ok(Some(Event::Close(close))) if close.code == Some(1000)));
        client.read();
        client.lose_if_over();
        assert!(client.is_gone(Instant::now()));
    }
}
