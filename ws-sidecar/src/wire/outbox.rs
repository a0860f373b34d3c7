//! Frames that wait to be sent to one end: data in order, control frames before data, a frame that was begun before both.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Bytes, BytesMut};
use coditect_store::Clock;
use soketto::base::{Header, OpCode};

use super::close::Close;
use super::deflate::Deflate;
use super::frame::{self, Frame};
use super::{Kind, Piece, Pipe, Role, Spliced};
use crate::limits;

/// Where frames are sent to.
pub(crate) trait Sink {
    /// A vectored write. `goes_on` when [`Sink::splice`] follows at once.
    fn write(&mut self, slices: &[IoSlice<'_>], goes_on: bool) -> io::Result<usize>;

    /// Sends what a pipe holds.
    fn splice(&mut self, pipe: &mut Pipe) -> io::Result<usize>;
}

/// What waits to be sent.
#[derive(Debug)]
pub(crate) struct Outbox {
    role: Role,
    clock: Clock,
    /// Whether permessage-deflate was agreed upon.
    deflate: bool,
    /// The deflating of the message that is being queued.
    deflating: Option<Deflate>,
    /// A frame of which some bytes are sent, and how many.
    begun: Option<(Frame, usize)>,
    controls: VecDeque<Frame>,
    data: VecDeque<Frame>,
    /// Bytes that wait.
    bytes: usize,
    /// Whether the last frame of data that was sent does not end its message.
    is_within_message: bool,
    close: Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    No,
    Queued,
    Sent,
}

impl Outbox {
    pub(crate) fn new(role: Role, deflate: bool, clock: Clock) -> Self {
        Self {
            role,
            clock,
            deflate,
            deflating: None,
            begun: None,
            controls: VecDeque::new(),
            data: VecDeque::new(),
            bytes: 0,
            is_within_message: false,
            close: Closing::No,
        }
    }

    /// Queues a piece of a message.
    pub(crate) fn piece(&mut self, piece: Piece) {
        let Piece { kind, is_first, is_last, payload } = piece;
        let mut header = Header::new(match (is_first, kind) {
            (false, _) => OpCode::Continue,
            (true, Kind::Text) => OpCode::Text,
            (true, Kind::Binary) => OpCode::Binary,
        });
        header.set_fin(is_last);
        if is_first && self.deflate && (payload.len() >= limits::DEFLATE_FROM || !is_last) {
            self.deflating = Some(Deflate::new());
            header.set_rsv1(true);
        }
        let payload = match &mut self.deflating {
            Some(deflating) => deflating.piece([&[], &payload], is_last),
            None => payload,
        };
        if is_last {
            self.deflating = None;
        }
        let payload = frame::masked(payload, &mut header, self.mask());
        self.queue(Frame::new(&mut header, &[], payload));
    }

    /// Whether pieces into which nobody has looked can be queued here.
    pub(crate) fn takes_spliced(&self) -> bool {
        !self.deflate
    }

    /// Whether no more pipes should wait here: there are not many for all connections.
    pub(crate) fn has_many_pipes(&self) -> bool {
        let (frames, pipes) = limits::QUEUED_PIPES;
        self.data.iter().rev().take(frames).filter(|frame| frame.has_tail()).count() >= pipes
    }

    /// Queues such a piece. Its mask stays as it is.
    pub(crate) fn spliced(&mut self, piece: Spliced) {
        let Spliced { is_first, is_last, mask, lead, rest } = piece;
        let mut header = Header::new(if is_first { OpCode::Binary } else { OpCode::Continue });
        header.set_fin(is_last);
        if let Some(key) = mask {
            header.set_masked(true).set_mask(u32::from_be_bytes(key));
        }
        self.queue(Frame::with_tail(&mut header, &[], lead.freeze(), Some(rest)));
    }

    /// Queues a binary message of `lead` and `payload`, which is not copied unless it is compressed. For servers only.
    pub(crate) fn binary(&mut self, lead: &[u8], payload: Bytes) {
        let mut header = Header::new(OpCode::Binary);
        if self.deflate && payload.len() >= limits::DEFLATE_FROM {
            header.set_rsv1(true);
            let deflated = Deflate::new().piece([lead, &payload], true);
            self.queue(Frame::new(&mut header, &[], deflated.freeze()));
        } else {
            self.queue(Frame::new(&mut header, lead, payload));
        }
    }

    pub(crate) fn ping(&mut self, payload: Bytes) {
        self.control(OpCode::Ping, payload);
    }

    pub(crate) fn pong(&mut self, payload: Bytes) {
        self.control(OpCode::Pong, payload);
    }

    /// Queues Close behind all data. What is queued later is dropped.
    pub(crate) fn close(&mut self, close: &Close) {
        if self.close == Closing::No {
            let frame = self.control_frame(OpCode::Close, close.payload());
            self.queue(frame);
            self.close = Closing::Queued;
        }
    }

    /// Queues Close before all data, which is dropped.
    pub(crate) fn close_now(&mut self, close: &Close) {
        self.data.clear();
        self.controls.clear();
        self.deflating = None;
        self.bytes = self.begun.as_ref().map_or(0, |(frame, sent)| frame.len() - sent);
        let is_on_its_way = self.begun.as_ref().is_some_and(|(frame, _)| frame.is_close());
        if self.close != Closing::Sent && !is_on_its_way {
            self.close = Closing::No;
            self.close(close);
        }
    }

    /// Whether Close is queued or sent.
    pub(crate) fn is_closing(&self) -> bool {
        self.close != Closing::No
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether what waits here could be sent to where `other` leads.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.role == other.role && self.deflate == other.deflate
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Memory that what waits takes, bytes: small frames take more than they are long.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + (self.controls.len() + self.data.len()) * size_of::<Frame>()
    }

    /// Whether the connection could not be replaced by another without breaking a message in two.
    pub(crate) fn is_within_message(&self) -> bool {
        self.is_within_message || self.begun.as_ref().is_some_and(|(frame, sent)| frame.is_torn(*sent))
    }

    /// The frames that a new connection shall get, when this one is lost: a frame that was begun is sent again. Control frames are gone with the connection.
    pub(crate) fn start_over(&mut self) {
        if let Some((frame, _)) = self.begun.take().filter(|(frame, _)| !frame.is_control) {
            self.data.push_front(frame);
        }
        self.controls.clear();
        self.bytes = self.data.iter().map(Frame::len).sum();
    }

    /// Sends as much as `sink` takes. Answers the bytes that were sent.
    pub(crate) fn send(&mut self, sink: &mut impl Sink) -> io::Result<usize> {
        let mut total = 0;
        while self.bytes > 0 {
            let sent = match self.send_once(sink) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                sent => sent?,
            };
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            total += sent;
            self.sent(sent);
        }
        Ok(total)
    }

    fn send_once(&mut self, sink: &mut impl Sink) -> io::Result<usize> {
        if let Some((frame, sent)) = &mut self.begun
            && let Some(tail) = frame.tail_at(*sent)
        {
            return sink.splice(tail);
        }
        let mut slices = [IoSlice::new(&[]); limits::SLICES];
        let begun = self.begun.iter().map(|(frame, sent)| (frame, *sent));
        let waiting = self.controls.iter().chain(&self.data).map(|frame| (frame, 0));
        let (mut used, mut goes_on) = (0, false);
        for (frame, sent) in begun.chain(waiting) {
            for (slice, part) in slices[used..].iter_mut().zip(remaining(frame, sent)) {
                *slice = IoSlice::new(part);
                used += 1;
            }
            // What a pipe holds has to be sent before whatever is behind it.
            goes_on = frame.has_tail();
            if goes_on || used == slices.len() {
                break;
            }
        }
        sink.write(&slices[..used], goes_on)
    }

    fn sent(&mut self, mut sent: usize) {
        self.bytes -= sent;
        while sent > 0 {
            let next = self.begun.take();
            let next = next.or_else(|| self.controls.pop_front().or_else(|| self.data.pop_front()).map(|it| (it, 0)));
            let Some((frame, before)) = next else { return };
            let left = frame.len() - before;
            if sent < left {
                self.begun = Some((frame, before + sent));
                return;
            }
            sent -= left;
            if frame.is_close() {
                self.close = Closing::Sent;
            } else if !frame.is_control {
                self.is_within_message = !frame.is_last;
            }
        }
        if self.bytes == 0 {
            (self.controls, self.data) = Default::default();
        }
    }

    fn control(&mut self, opcode: OpCode, payload: Bytes) {
        if self.is_closing() {
            return;
        }
        if self.controls.len() >= limits::CONTROLS_WAITING
            && let Some(oldest) = self.controls.pop_front()
        {
            // Only the latest ping has to be answered (RFC 6455, section 5.5.3).
            self.bytes -= oldest.len();
        }
        let frame = self.control_frame(opcode, payload);
        self.bytes += frame.len();
        self.controls.push_back(frame);
    }

    fn control_frame(&self, opcode: OpCode, payload: Bytes) -> Frame {
        let (mut header, mask) = (Header::new(opcode), self.mask());
        let payload = match mask {
            None => payload,
            mask => frame::masked(BytesMut::from(&payload[..]), &mut header, mask),
        };
        Frame::new(&mut header, &[], payload)
    }

    fn queue(&mut self, frame: Frame) {
        if self.is_closing() {
            return;
        }
        self.bytes += frame.len();
        self.data.push_back(frame);
    }

    /// A client's masks are not to be foreseen (RFC 6455, section 5.3).
    fn mask(&self) -> Option<[u8; 4]> {
        match self.role {
            Role::Server => None,
            Role::Client => self.clock.random().to_ne_bytes().first_chunk().copied(),
        }
    }
}

fn remaining(frame: &Frame, sent: usize) -> impl Iterator<Item = &[u8]> {
    let mut skip = sent;
    frame.parts().into_iter().filter_map(move |part| {
        let skipped = skip.min(part.len());
        skip -= skipped;
        Some(&part[skipped..]).filter(|part| !part.is_empty())
    })
}
