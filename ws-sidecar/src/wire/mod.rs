//! RFC 6455 on bytes: frames in, frames out, with permessage-deflate (RFC 7692). Knows nothing of sockets, tokens or workspaces.
//!
//! Messages are never put together: they pass as pieces of at most [`limits::PIECE_BYTES`](crate::limits::PIECE_BYTES). A frame that is not longer stays one frame.

mod close;
mod decoder;
mod deflate;
mod frame;
mod inflate;
mod outbox;
mod pipe;
#[cfg(test)]
mod tests;
mod utf8;

use bytes::{Bytes, BytesMut};

pub(crate) use close::{Close, code};
pub(crate) use decoder::{Decoder, DecoderOptions, Violation};
pub(crate) use outbox::{Outbox, Sink};
pub(crate) use pipe::Pipe;
pub(crate) use utf8::Utf8;

/// Which end of the connection we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The other end masks what it sends, we do not.
    Server,
    /// We mask what we send, the other end does not.
    Client,
}

/// What the other end sent.
#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq))]
pub(crate) enum Event {
    Data(Piece),
    Spliced(Spliced),
    Ping(Bytes),
    Pong(Bytes),
    Close(Close),
}

/// What a message is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// A part of a message.
#[derive(Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    pub(crate) payload: BytesMut,
}

/// A part of a binary message that nobody looks into: what was read of it, and the rest in the kernel. As it came, under its mask.
#[derive(Debug)]
pub(crate) struct Spliced {
    pub(crate) is_first: bool,
    pub(crate) is_last: bool,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) lead: BytesMut,
    pub(crate) rest: Pipe,
}

impl Spliced {
    /// Bytes of it.
    pub(crate) fn len(&self) -> usize {
        self.lead.len() + self.rest.held()
    }
}

/// No two are the same: each has a pipe of its own.
#[cfg(test)]
impl PartialEq for Spliced {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Piece {
    /// A whole message.
    pub(crate) fn text(text: &str) -> Self {
        Self { kind: Kind::Text, is_first: true, is_last: true, payload: BytesMut::from(text) }
    }
}
