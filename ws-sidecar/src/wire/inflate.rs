//! Inflating a message of permessage-deflate (RFC 7692) piece by piece, so that a small frame cannot become a large one in memory.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::Violation;
use crate::limits;

/// What the sender left out at the end of the message (RFC 7692, section 7.2.1).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

thread_local! {
    /// Contexts that wait for a message: no connection keeps one between messages.
    static SPARE: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
}

/// The inflating of one message.
#[derive(Debug)]
pub(crate) struct Inflate {
    context: Option<Decompress>,
    input: BytesMut,
    /// Whether all of the message was given, its tail included.
    is_complete: bool,
    /// Whether the context holds output that there was no room for.
    has_more: bool,
}

impl Inflate {
    pub(crate) fn new() -> Self {
        let context = SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Decompress::new(false));
        Self { context: Some(context), input: BytesMut::new(), is_complete: false, has_more: false }
    }

    /// Takes what has arrived. Everything before must have been fetched with [`Inflate::next`].
    pub(crate) fn push(&mut self, bytes: BytesMut, is_last: bool) {
        self.input = bytes;
        if is_last {
            self.input.extend_from_slice(TAIL);
            self.is_complete = true;
        }
    }

    /// The next bytes, and whether they are the last; `None` until more has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<(BytesMut, bool)>, Violation> {
        let has_work = self.has_more || !self.input.is_empty();
        let Some(context) = self.context.as_mut().filter(|_| has_work) else { return Ok(None) };
        let guess = self.input.len().saturating_mul(4).clamp(64, limits::PIECE_BYTES);
        let mut output = Vec::with_capacity(guess);
        let broken = Violation::Protocol("compressed data that cannot be inflated");
        loop {
            let before = (context.total_in(), output.len());
            let status = context.decompress_vec(&self.input, &mut output, FlushDecompress::Sync);
            let taken = (context.total_in() - before.0) as usize;
            let _ = self.input.split_to(taken);
            let is_stuck = taken == 0 && output.len() == before.1;
            match status {
                Err(_) => return Err(broken),
                // A sender may end the stream within a message, and begin another (RFC 7692, section 7.2.3.4).
                Ok(Status::StreamEnd) => {
                    context.reset(false);
                    if self.input.is_empty() {
                        break;
                    }
                }
                Ok(_) if output.len() == output.capacity() => {
                    if output.len() >= limits::PIECE_BYTES {
                        self.has_more = true;
                        return Ok(Some((piece(output), false)));
                    }
                    output.reserve_exact(output.len().min(limits::PIECE_BYTES - output.len()));
                }
                Ok(_) if self.input.is_empty() => break,
                Ok(_) if is_stuck => return Err(broken),
                Ok(_) => {}
            }
        }
        self.has_more = false;
        Ok(Some((piece(output), self.is_complete)))
    }
}

fn piece(mut output: Vec<u8>) -> BytesMut {
    if output.len() < output.capacity() / 2 {
        output.shrink_to_fit();
    }
    BytesMut::from(Bytes::from(output))
}

impl Drop for Inflate {
    fn drop(&mut self) {
        let Some(mut context) = self.context.take() else { return };
        context.reset(false);
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < limits::SPARE_CONTEXTS {
                spare.push(context);
            }
        });
    }
}
