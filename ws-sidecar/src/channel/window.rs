//! What was sent and not acknowledged yet: kept, so that the next connection gets it again.

use std::collections::VecDeque;

use bytes::Bytes;

use super::message::Head;

/// Envelopes in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Window {
    kept: VecDeque<(Head, Bytes)>,
    /// Bytes of the payloads.
    bytes: usize,
    /// Number of the last envelope.
    last: u64,
}

impl Window {
    /// Numbers an envelope and keeps it.
    pub(crate) fn push(&mut self, is_text: bool, is_last: bool, payload: Bytes) -> Head {
        self.last += 1;
        let head = Head { is_text, is_last, number: self.last };
        self.bytes += payload.len();
        self.kept.push_back((head, payload));
        head
    }

    /// Forgets what has arrived. `false` when that cannot be.
    pub(crate) fn acknowledged(&mut self, received: u64) -> bool {
        let first = self.last - self.kept.len() as u64;
        if received > self.last || received < first {
            return false;
        }
        for (_, payload) in self.kept.drain(..(received - first) as usize) {
            self.bytes -= payload.len();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
        true
    }

    /// Memory that what is kept takes, bytes: small envelopes take more than they are long.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + self.kept.len() * size_of::<(Head, Bytes)>()
    }

    /// Whether all was acknowledged.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What is kept, in order.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (Head, Bytes)> {
        self.kept.iter().map(|(head, payload)| (*head, payload.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_stays() {
        let mut window = Window::default();
        assert!(window.acknowledged(0));
        for payload in ["a", "bb", "ccc"] {
            window.push(false, true, Bytes::from_static(payload.as_bytes()));
        }
        assert!(window.acknowledged(1));
        assert!(window.acknowledged(1));
        assert!(!window.acknowledged(0), "it is gone");
        assert!(!window.acknowledged(4), "it was not sent");
        assert_eq!(window.bytes, 5);
        assert!(window.memory() > 2 * 40);
        assert_eq!(window.kept().map(|(head, _)| head.number).collect::<Vec<_>>(), [2, 3]);
        assert!(window.acknowledged(3));
        assert_eq!((window.memory(), window.kept().count()), (0, 0));
        assert_eq!(window.push(true, false, Bytes::new()).number, 4);
    }
}
