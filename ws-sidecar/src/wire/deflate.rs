//! Deflating a message for permessage-deflate (RFC 7692), without a context that lasts longer than the message: a connection that is idle keeps no window.

use std::cell::RefCell;

use bytes::BytesMut;
use flate2::{Compress, Compression, FlushCompress};

use crate::limits;

/// Bytes at the end of a message that are not sent (RFC 7692, section 7.2.1).
const TAIL_BYTES: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<Compress>> = const { RefCell::new(Vec::new()) };
}

/// The deflating of one message.
#[derive(Debug)]
pub(crate) struct Deflate {
    context: Option<Compress>,
}

impl Deflate {
    pub(crate) fn new() -> Self {
        let fresh = || Compress::new(Compression::new(limits::DEFLATE_LEVEL), false);
        Self { context: Some(SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(fresh)) }
    }

    /// Deflates what comes next of the message, all of it: the other end can read it without waiting for more.
    pub(crate) fn piece(&mut self, parts: [&[u8]; 2], is_last: bool) -> BytesMut {
        let mut output = Vec::with_capacity(64 + (parts[0].len() + parts[1].len()) / 2);
        if let Some(context) = &mut self.context {
            let [first, second] = parts;
            run(context, first, &mut output, FlushCompress::None);
            run(context, second, &mut output, FlushCompress::Sync);
        }
        if is_last {
            output.truncate(output.len().saturating_sub(TAIL_BYTES));
        }
        BytesMut::from(bytes::Bytes::from(output))
    }
}

/// Deflates all of `input`, and with a flush everything before it.
fn run(context: &mut Compress, mut input: &[u8], output: &mut Vec<u8>, flush: FlushCompress) {
    loop {
        if output.len() == output.capacity() {
            output.reserve(output.len().max(64));
        }
        let before = context.total_in();
        // Its only error is the use of a stream that was finished, and this one never is.
        let status = context.compress_vec(input, output, flush);
        input = &input[(context.total_in() - before) as usize..];
        if status.is_err() || input.is_empty() && output.len() < output.capacity() {
            return;
        }
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        let Some(mut context) = self.context.take() else { return };
        context.reset();
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < limits::SPARE_CONTEXTS {
                spare.push(context);
            }
        });
    }
}
