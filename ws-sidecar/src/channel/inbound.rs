//! What a client sent: each envelope once, in order.

use bytes::BytesMut;

use super::broken;
use super::message::Head;
use crate::wire::{Close, Kind, Piece, Utf8, code};

/// See the module.
#[derive(Debug)]
pub(crate) struct Inbound {
    received: u64,
    /// The message that has begun.
    begun: Option<Begun>,
    /// Longest message, bytes.
    message_bytes: u64,
}

#[derive(Debug)]
struct Begun {
    kind: Kind,
    utf8: Utf8,
    bytes: u64,
}

impl Inbound {
    pub(crate) fn new(message_bytes: u64) -> Self {
        Self { received: 0, begun: None, message_bytes }
    }

    /// Number of the last envelope that arrived.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Takes an envelope; answers what it holds unless it was there before.
    pub(crate) fn take(&mut self, head: Head, payload: BytesMut) -> Result<Option<Piece>, Close> {
        if head.number <= self.received {
            return Ok(None);
        }
        if head.number != self.received + 1 {
            return Err(broken("an envelope is missing"));
        }
        let kind = if head.is_text { Kind::Text } else { Kind::Binary };
        let is_first = self.begun.is_none();
        let begun = self.begun.get_or_insert_with(|| Begun { kind, utf8: Utf8::default(), bytes: 0 });
        if begun.kind != kind {
            return Err(broken("a message that is text in part"));
        }
        begun.bytes += payload.len() as u64;
        if begun.bytes > self.message_bytes {
            return Err(Close::new(code::TOO_LARGE, "the message is too large"));
        }
        let utf8 = &mut begun.utf8;
        let is_text = kind == Kind::Binary || utf8.push(&payload) && (!head.is_last || utf8.is_complete());
        if !is_text {
            return Err(Close::new(code::NOT_TEXT, "not UTF-8"));
        }
        if head.is_last {
            self.begun = None;
        }
        self.received = head.number;
        Ok(Some(Piece { kind, is_first, is_last: head.is_last, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: u64, is_text: bool, is_last: bool) -> Head {
        Head { is_text, is_last, number }
    }

    #[test]
    fn each_envelope_is_taken_once_and_in_order() {
        let mut inbound = Inbound::new(10);
        let first = inbound.take(head(1, true, false), BytesMut::from("\u{20ac}".as_bytes().split_at(1).0)).unwrap();
        assert!(first.is_some_and(|piece| piece.is_first && !piece.is_last));
        assert_eq!(inbound.take(head(1, true, false), BytesMut::from("again")).unwrap(), None);
        let second = inbound.take(head(2, true, true), BytesMut::from("\u{20ac}".as_bytes().split_at(1).1)).unwrap();
        assert!(second.is_some_and(|piece| !piece.is_first && piece.is_last));
        assert_eq!(inbound.take(head(4, true, true), BytesMut::new()).unwrap_err().code, Some(4400));
        assert_eq!(inbound.received(), 2);
    }

    #[test]
    fn a_message_is_all_of_one_kind_and_text_is_text() {
        let mut inbound = Inbound::new(10);
        inbound.take(head(1, true, false), BytesMut::new()).unwrap();
        assert_eq!(inbound.take(head(2, false, true), BytesMut::new()).unwrap_err().code, Some(4400));
        assert_eq!(inbound.take(head(2, true, true), BytesMut::from(&b"\xff"[..])).unwrap_err().code, Some(1007));
        assert_eq!(inbound.take(head(2, true, true), BytesMut::from(&[b'x'; 11][..])).unwrap_err().code, Some(1009));
    }
}
