//! How long a request's head may take, apart from how long a connection may be idle before it: hyper has one time for both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use crate::limits;

/// A head is awaited that has begun, or is the first of its connection.
const HEAD: u8 = 0;
/// A request is under way, or a socket in its place.
const BUSY: u8 = 1;
/// Nothing is under way.
const IDLE: u8 = 2;

/// What a connection is at.
#[derive(Clone, Default)]
pub(crate) struct Pace(Arc<AtomicU8>);

impl Pace {
    /// A head is complete.
    pub(crate) fn asked(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// The next head may begin when it likes.
    pub(crate) fn answered(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn begun(&self) -> bool {
        self.0.compare_exchange(IDLE, HEAD, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn is_at_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEAD
    }
}

/// A stream that breaks when a head takes too long.
pub(crate) struct Paced<S> {
    stream: S,
    pace: Pace,
    late: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    pub(crate) fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace, late: Box::pin(sleep(limits::HEAD_WAIT)) }
    }

    fn again(&mut self) {
        self.late.as_mut().reset(Instant::now() + limits::HEAD_WAIT);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.pace.begun() {
            self.again();
        }
        if self.pace.is_at_head() && self.late.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "a request's head takes too long")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        // What was asked before is still being answered.
        if self.pace.is_at_head() {
            self.again();
        }
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, parts));
        if self.pace.is_at_head() {
            self.again();
        }
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
