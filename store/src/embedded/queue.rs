//! The queue between transactions and the committer: bounded, and drained a batch at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Semaphore;

use super::commit::Request;
use crate::error::{Error, Result};
use crate::limits;

/// Transactions that wait to be made durable.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    places: Semaphore,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Request>,
    closed: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), places: Semaphore::new(limits::COMMIT_QUEUE) }
    }

    /// Adds a transaction, once there is a place.
    pub(super) async fn push(&self, request: Request) -> Result<()> {
        let place = self.places.acquire().await.map_err(|_| Error::closed())?;
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(Error::closed());
        }
        waiting.requests.push_back(request);
        // The place is given back when the committer takes the request.
        place.forget();
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes the next batch; `None` when the queue is closed and empty. Those whose last batch had `expected` transactions are
    /// likely to come back at the same time, so it waits a moment for as many: else every second flush would carry one.
    /// With `patience`, an empty batch when nothing comes for so long.
    pub(super) fn take(&self, expected: usize, patience: Option<Duration>) -> Option<Vec<Request>> {
        let give_up = patience.map(|patience| Instant::now() + patience);
        let mut waiting = self.waiting.lock();
        while waiting.requests.is_empty() {
            if waiting.closed {
                return None;
            }
            match give_up {
                None => self.changed.wait(&mut waiting),
                Some(until) if self.changed.wait_until(&mut waiting, until).timed_out() => return Some(Vec::new()),
                Some(_) => {}
            }
        }
        let until = Instant::now() + limits::BATCH_WAIT;
        while waiting.requests.len() < expected && !waiting.closed {
            if self.changed.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        let batch = waiting.drain();
        drop(waiting);
        self.places.add_permits(batch.len());
        Some(batch)
    }

    /// Refuses what comes from now on.
    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.places.close();
        self.changed.notify_all();
    }
}

/// The committer's end of the queue. When it goes, however it goes, nobody waits for it any more.
#[derive(Debug)]
pub(super) struct Taker(pub(super) Arc<Queue>);

impl Drop for Taker {
    fn drop(&mut self) {
        self.0.close();
        self.0.waiting.lock().requests.clear();
    }
}

impl Waiting {
    fn drain(&mut self) -> Vec<Request> {
        let mut bytes = 0;
        let fits = |request: &&Request| {
            let before = bytes;
            bytes += request.size();
            before < limits::BATCH_BYTES
        };
        let count = self.requests.iter().take(limits::BATCH_TRANSACTIONS).take_while(fits).count();
        self.requests.drain(..count).collect()
    }
}
