//! One frame on its way out: its head, made once, and its payload, shared and never copied.

use bytes::{Bytes, BytesMut};
use soketto::base::{Codec, Header, OpCode};

use super::Pipe;

/// Bytes of the longest head: that of RFC 6455 (14), and of an envelope (9).
const HEAD_BYTES: usize = 23;

/// A frame that is to be sent.
#[derive(Debug)]
pub(crate) struct Frame {
    head: [u8; HEAD_BYTES],
    head_len: u8,
    payload: Bytes,
    /// The rest of the payload, and how much it was.
    tail: Option<(Pipe, usize)>,
    /// Whether it is Close, Ping or Pong.
    pub(crate) is_control: bool,
    /// Whether a message ends with it.
    pub(crate) is_last: bool,
}

impl Frame {
    /// A frame of `lead` and `payload`. Both are masked already where there is a mask.
    pub(crate) fn new(header: &mut Header, lead: &[u8], payload: Bytes) -> Self {
        Self::with_tail(header, lead, payload, None)
    }

    /// A frame whose payload goes on in a pipe.
    pub(crate) fn with_tail(header: &mut Header, lead: &[u8], payload: Bytes, tail: Option<Pipe>) -> Self {
        let length = tail.as_ref().map_or(0, Pipe::held);
        let tail = tail.map(|pipe| (pipe, length));
        header.set_payload_len(lead.len() + payload.len() + length);
        let mut codec = Codec::new();
        let encoded = codec.encode_header(header);
        let mut head = [0; HEAD_BYTES];
        let (first, second) = (encoded.len(), encoded.len() + lead.len());
        head[..first].copy_from_slice(encoded);
        head[first..second].copy_from_slice(lead);
        let is_control = header.opcode().is_control();
        Self { head, head_len: second as u8, payload, tail, is_control, is_last: header.is_fin() }
    }

    /// Head and payload.
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        [&self.head[..usize::from(self.head_len)], &self.payload]
    }

    pub(crate) fn len(&self) -> usize {
        self.own_len() + self.tail.as_ref().map_or(0, |(_, length)| *length)
    }

    /// Bytes before the tail.
    fn own_len(&self) -> usize {
        usize::from(self.head_len) + self.payload.len()
    }

    pub(crate) fn has_tail(&self) -> bool {
        self.tail.is_some()
    }

    /// Whether some of its tail is gone, so that it cannot be sent again.
    pub(crate) fn is_torn(&self, sent: usize) -> bool {
        self.has_tail() && sent > self.own_len()
    }

    /// The tail, when everything before it is sent.
    pub(crate) fn tail_at(&mut self, sent: usize) -> Option<&mut Pipe> {
        let is_there = sent >= self.own_len();
        self.tail.as_mut().filter(|_| is_there).map(|(pipe, _)| pipe)
    }

    pub(crate) fn is_close(&self) -> bool {
        self.is_control && self.head[0] & 0xf == u8::from(OpCode::Close)
    }
}

/// Masks or unmasks bytes that begin `at` bytes behind the mask's beginning (RFC 6455, section 5.3).
pub(crate) fn mask(bytes: &mut [u8], key: [u8; 4], at: usize) {
    let key = u32::from_ne_bytes(key);
    let key = if cfg!(target_endian = "little") {
        key.rotate_right(8 * (at % 4) as u32)
    } else {
        key.rotate_left(8 * (at % 4) as u32)
    };
    let wide = u64::from(key) << 32 | u64::from(key);
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_ne_bytes().into_iter().cycle()) {
        *byte ^= key;
    }
}

/// Masks a payload of a client, if there is a key.
pub(crate) fn masked(mut payload: BytesMut, header: &mut Header, key: Option<[u8; 4]>) -> Bytes {
    if let Some(key) = key {
        header.set_masked(true).set_mask(u32::from_be_bytes(key));
        mask(&mut payload, key, 0);
    }
    payload.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn masks_are_those_of_the_specification(bytes: Vec<u8>, key: [u8; 4], cut in 0..40_usize) {
            let expected: Vec<u8> = bytes.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
            let mut masked = bytes.clone();
            let cut = cut.min(bytes.len());
            let (front, back) = masked.split_at_mut(cut);
            mask(front, key, 0);
            mask(back, key, cut);
            prop_assert_eq!(masked, expected);
        }
    }
}
