//! The end of a connection that has nothing to relay any more: Close is sent, and its answer awaited for a while.

use std::io;

use crate::limits;
use crate::side::Side;
use crate::wire::{Close, Event};

/// Says goodbye in the background.
pub(crate) fn spawn(side: Side, close: &Close) {
    tokio::spawn(say_now(side, close.clone()));
}

/// Answers a Close, in the background.
pub(crate) fn spawn_answer(mut side: Side) {
    side.outbox.close_now(&Close::default());
    tokio::spawn(async move {
        let answered = tokio::time::timeout(limits::CLOSE_WAIT, flush(&mut side)).await;
        drop(answered);
    });
}

/// Sends what waits, as long as some of it is taken now and then.
async fn flush(side: &mut Side) -> io::Result<()> {
    side.flush()?;
    while !side.outbox.is_empty() {
        let ready = tokio::time::timeout(limits::CLOSE_WAIT, side.ready(false)).await;
        ready.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        side.flush()?;
    }
    Ok(())
}

/// Sends Close before whatever waits, which is dropped.
pub(crate) async fn say_now(mut side: Side, close: Close) {
    side.outbox.close_now(&close);
    finish(side).await;
}

/// Sends Close behind whatever waits.
pub(crate) async fn say(mut side: Side, close: &Close) {
    side.outbox.close(close);
    finish(side).await;
}

/// Waits until the other end has answered or ended the connection, so that it is not cut off before it has read everything.
async fn finish(mut side: Side) {
    let flushed = tokio::time::timeout(limits::LAST_WAIT, flush(&mut side)).await;
    let said = match flushed {
        Ok(Ok(())) => tokio::time::timeout(limits::CLOSE_WAIT, side.wait_for_end()).await.unwrap_or(Ok(())),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    if let Err(error) = said {
        tracing::debug!(%error, "the other end was gone before it could be told");
    }
}

impl Side {
    /// Reads until Close or the end of the connection, and drops everything else.
    async fn wait_for_end(&mut self) -> io::Result<()> {
        loop {
            // An end that is always ready does not keep others from their turn, nor the time from running out.
            tokio::task::consume_budget().await;
            match self.next(|_| {}) {
                Ok(Some(Event::Close(_))) => return Ok(()),
                Ok(Some(_)) => {}
                Ok(None) if self.is_over() => return Ok(()),
                Ok(None) => {
                    self.ready(true).await?;
                    self.read()?;
                }
                // It is not understood any more: what counts is that it ends.
                Err(_) => self.ignore(),
            }
        }
    }
}
