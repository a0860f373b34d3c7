//! From bytes to events, checking all that RFC 6455 asks of the other end.

use bytes::{Buf as _, Bytes, BytesMut};
use soketto::Parsing;
use soketto::base::{self, Codec, Header, OpCode};

use super::close::{Close, code};
use super::frame::mask;
use super::inflate::Inflate;
use super::utf8::Utf8;
use super::{Event, Kind, Piece, Pipe, Role, Spliced};
use crate::limits;

/// How the other end broke the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A frame that is none, or not in this place.
    Protocol(&'static str),
    /// Text that is not UTF-8.
    NotText,
    /// More bytes than are allowed.
    TooLarge(&'static str),
}

impl Violation {
    /// What the other end is told.
    pub(crate) fn close(self) -> Close {
        match self {
            Self::Protocol(what) => Close::new(code::PROTOCOL, what),
            Self::NotText => Close::new(code::NOT_TEXT, "not UTF-8"),
            Self::TooLarge(what) => Close::new(code::TOO_LARGE, what),
        }
    }
}

impl From<base::Error> for Violation {
    fn from(error: base::Error) -> Self {
        match error {
            base::Error::PayloadTooLarge { .. } => Self::TooLarge("the frame is too large"),
            base::Error::FragmentedControl => Self::Protocol("a control frame in fragments"),
            base::Error::InvalidControlFrameLen => Self::Protocol("a control frame of more than 125 bytes"),
            base::Error::InvalidReservedBit(_) => Self::Protocol("a reserved bit is set"),
            _ => Self::Protocol("an opcode that does not exist"),
        }
    }
}

/// What is allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecoderOptions {
    pub(crate) role: Role,
    /// Whether permessage-deflate was agreed upon.
    pub(crate) deflate: bool,
    /// Longest frame, bytes.
    pub(crate) frame_bytes: usize,
    /// Longest message, bytes, after it was inflated.
    pub(crate) message_bytes: u64,
}

/// Makes events of bytes. Holds memory only while something is under way.
#[derive(Debug)]
pub(crate) struct Decoder {
    options: DecoderOptions,
    codec: Codec,
    buffer: BytesMut,
    frame: Option<Frame>,
    message: Option<Box<Message>>,
}

/// A frame whose head was read.
#[derive(Debug)]
struct Frame {
    opcode: OpCode,
    is_last: bool,
    mask: Option<[u8; 4]>,
    /// Bytes of the payload that were taken.
    taken: usize,
    left: usize,
}

/// A message that has begun.
#[derive(Debug)]
struct Message {
    kind: Kind,
    bytes: u64,
    utf8: Utf8,
    /// Whether a piece of it was passed on.
    is_begun: bool,
    inflate: Option<Inflate>,
}

impl Decoder {
    pub(crate) fn new(options: DecoderOptions, read_ahead: &[u8]) -> Self {
        let mut codec = Codec::new();
        codec.set_max_data_size(options.frame_bytes);
        codec.add_reserved_bits((options.deflate, false, false));
        Self { options, codec, buffer: BytesMut::from(read_ahead), frame: None, message: None }
    }

    /// Where bytes of the other end go, with room for some.
    pub(crate) fn room(&mut self, wanted: usize) -> &mut BytesMut {
        self.buffer.reserve(wanted);
        &mut self.buffer
    }

    /// Gives memory back that holds nothing.
    pub(crate) fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Drops what was read.
    pub(crate) fn clear(&mut self) {
        self.buffer = BytesMut::new();
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_within_message(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.is_begun)
    }

    /// What the other end sent next; `None` until more bytes are there.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Violation> {
        loop {
            if let Some(piece) = self.inflated()? {
                return Ok(Some(Event::Data(piece)));
            }
            if self.frame.is_none() && !self.read_head()? {
                return Ok(None);
            }
            let Some(frame) = &self.frame else { return Ok(None) };
            if self.buffer.len() < frame.left.min(limits::PIECE_BYTES) {
                return Ok(None);
            }
            let event = match frame.opcode.is_control() {
                true => Some(self.control()?),
                false => self.data()?.map(Event::Data),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// How many bytes of a frame that nobody has to look into are still to be read, if there are many.
    pub(crate) fn splice_bytes(&self) -> Option<usize> {
        let message = self.message.as_ref().filter(|message| message.kind == Kind::Binary && message.inflate.is_none());
        let frame = self.frame.as_ref().filter(|frame| message.is_some() && !frame.opcode.is_control())?;
        frame.left.checked_sub(self.buffer.len()).filter(|rest| *rest >= limits::SPLICE_FROM)
    }

    /// How many bytes more are to be read for the next head, if nothing of a frame was read but a part of its head.
    pub(crate) fn head_bytes(&self) -> Option<usize> {
        limits::FRAME_HEAD_BYTES.checked_sub(self.buffer.len()).filter(|_| self.frame.is_none())
    }

    /// Takes what was read of a frame of [`Self::splice_bytes`], together with what a pipe holds of it.
    pub(crate) fn spliced(&mut self, rest: Pipe) -> Result<Option<Spliced>, Violation> {
        let lead = self.take_masked(self.buffer.len());
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else { return Ok(None) };
        let mask = frame.mask.map(|mut key| {
            key.rotate_left((frame.taken - lead.len()) % 4);
            key
        });
        frame.taken += rest.held();
        frame.left -= rest.held();
        message.bytes += (lead.len() + rest.held()) as u64;
        if message.bytes > self.options.message_bytes {
            return Err(Violation::TooLarge("the message is too large"));
        }
        let (is_first, is_last) = (!message.is_begun, frame.left == 0 && frame.is_last);
        message.is_begun = true;
        self.frame.take_if(|frame| frame.left == 0);
        self.message.take_if(|_| is_last);
        Ok(Some(Spliced { is_first, is_last, mask, lead, rest }))
    }

    fn read_head(&mut self) -> Result<bool, Violation> {
        let (header, offset) = match self.codec.decode_header(&self.buffer)? {
            Parsing::NeedMore(_) => return Ok(false),
            Parsing::Done { value, offset } => (value, offset),
        };
        self.check_head(&header)?;
        let _ = self.buffer.split_to(offset);
        let mask = header.is_masked().then(|| header.mask().to_be_bytes());
        let (opcode, is_last, left) = (header.opcode(), header.is_fin(), header.payload_len());
        if let OpCode::Text | OpCode::Binary = opcode {
            let kind = if opcode == OpCode::Text { Kind::Text } else { Kind::Binary };
            let inflate = header.is_rsv1().then(Inflate::new);
            let message = Message { kind, bytes: 0, utf8: Utf8::default(), is_begun: false, inflate };
            self.message = Some(Box::new(message));
        }
        self.frame = Some(Frame { opcode, is_last, mask, taken: 0, left });
        Ok(true)
    }

    fn check_head(&self, header: &Header) -> Result<(), Violation> {
        match (self.options.role, header.is_masked()) {
            (Role::Server, false) => return Err(Violation::Protocol("a client's frame without a mask")),
            (Role::Client, true) => return Err(Violation::Protocol("a server's frame with a mask")),
            _ => {}
        }
        let is_first = matches!(header.opcode(), OpCode::Text | OpCode::Binary);
        if header.is_rsv1() && !is_first {
            return Err(Violation::Protocol("a reserved bit is set"));
        }
        match (header.opcode(), self.message.is_some()) {
            (OpCode::Text | OpCode::Binary, true) => {
                Err(Violation::Protocol("a message begins before the last has ended"))
            }
            (OpCode::Continue, false) => Err(Violation::Protocol("a message goes on that has not begun")),
            _ => Ok(()),
        }
    }

    /// Takes up to `most` bytes of the frame's payload, unmasked.
    fn take(&mut self, most: usize) -> BytesMut {
        let mut payload = self.take_masked(most);
        if let Some((key, taken)) = self.frame.as_ref().and_then(|frame| Some((frame.mask?, frame.taken))) {
            let before = taken - payload.len();
            mask(&mut payload, key, before);
        }
        payload
    }

    /// Takes up to `most` bytes of the frame's payload as they came.
    fn take_masked(&mut self, most: usize) -> BytesMut {
        let Some(frame) = &mut self.frame else { return BytesMut::new() };
        let length = frame.left.min(most);
        frame.taken += length;
        frame.left -= length;
        if length >= limits::OWN_BYTES {
            return self.buffer.split_to(length);
        }
        // A part of the buffer would keep all of it, for as long as the payload waits.
        let copy = BytesMut::from(&self.buffer[..length]);
        self.buffer.advance(length);
        copy
    }

    fn control(&mut self) -> Result<Event, Violation> {
        let payload: Bytes = self.take(limits::CONTROL_BYTES).freeze();
        let frame = self.frame.take();
        match frame.map(|frame| frame.opcode) {
            Some(OpCode::Ping) => Ok(Event::Ping(payload)),
            Some(OpCode::Pong) => Ok(Event::Pong(payload)),
            _ => Close::parse(&payload).map(Event::Close),
        }
    }

    /// The next piece of the message; `None` when there is nothing to pass on yet.
    fn data(&mut self) -> Result<Option<Piece>, Violation> {
        let payload = self.take(limits::PIECE_BYTES);
        let ends = self.frame.take_if(|frame| frame.left == 0).is_some_and(|frame| frame.is_last);
        match self.message.as_mut().and_then(|message| message.inflate.as_mut()) {
            Some(inflate) => inflate.push(payload, ends),
            None => return self.piece(payload, ends),
        }
        Ok(None)
    }

    fn inflated(&mut self) -> Result<Option<Piece>, Violation> {
        let Some(inflate) = self.message.as_mut().and_then(|message| message.inflate.as_mut()) else {
            return Ok(None);
        };
        match inflate.next()? {
            Some((payload, is_last)) => self.piece(payload, is_last),
            None => Ok(None),
        }
    }

    fn piece(&mut self, payload: BytesMut, is_last: bool) -> Result<Option<Piece>, Violation> {
        let Some(message) = &mut self.message else { return Ok(None) };
        message.bytes += payload.len() as u64;
        if message.bytes > self.options.message_bytes {
            return Err(Violation::TooLarge("the message is too large"));
        }
        if message.kind == Kind::Text && !message.utf8.push(&payload) {
            return Err(Violation::NotText);
        }
        let (kind, is_first) = (message.kind, !message.is_begun);
        if is_last {
            if !message.utf8.is_complete() {
                return Err(Violation::NotText);
            }
            self.message = None;
        } else if payload.is_empty() {
            return Ok(None);
        } else {
            message.is_begun = true;
        }
        Ok(Some(Piece { kind, is_first, is_last, payload }))
    }
}
