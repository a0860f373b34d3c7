//! Watches that wait for a key to change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::commit::Changed;
use super::view::View;
use crate::error::{Error, ErrorKind, Limit, Result};
use crate::limits;

/// The watches of a store.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Those that have not fired, by key and number.
    waiting: Mutex<BTreeMap<Bytes, BTreeMap<u64, Waiting>>>,
    next: AtomicU64,
    /// Watches that callers hold, fired or not, armed or not.
    held: AtomicUsize,
}

/// A watch that its transaction has not committed yet, or that has not fired.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What the watching transaction saw.
    pub(super) expected: Option<Bytes>,
    pub(super) fired: oneshot::Sender<Result<()>>,
}

impl Watches {
    /// Takes a place for a watch, and its number.
    pub(super) fn reserve(&self) -> Result<u64> {
        if self.held.fetch_add(1, Ordering::Relaxed) >= limits::WATCHES {
            self.held.fetch_sub(1, Ordering::Relaxed);
            let message = format!("more than {} watches are pending", limits::WATCHES);
            return Err(Error::new(ErrorKind::TooLarge(Limit::Watches), message));
        }
        Ok(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Begins to wait, or fires at once when the key has changed already. `current` answers the current view: it is asked
    /// under the lock, so that no commit slips between the look and the wait.
    pub(super) fn arm(
        &self,
        key: Bytes,
        number: u64,
        watch: Waiting,
        current: impl FnOnce() -> Result<std::sync::Arc<View>>,
    ) {
        let mut waiting = self.waiting.lock();
        match current().and_then(|view| view.read(|engine| engine.get(&key))) {
            Ok(value) if value == watch.expected => {
                waiting.entry(key).or_default().insert(number, watch);
            }
            // A state that cannot be read now may have changed: waking once too often is right, never is not.
            Ok(_) | Err(_) => fire(watch),
        }
    }

    /// Forgets a watch that its holder dropped.
    pub(super) fn release(&self, key: &Bytes, number: u64) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        let mut waiting = self.waiting.lock();
        if let Some(of_key) = waiting.get_mut(key) {
            of_key.remove(&number);
            if of_key.is_empty() {
                waiting.remove(key);
            }
        }
    }

    /// Fires the watches whose keys a commit changed to another value.
    pub(super) fn wake(&self, changed: &Changed, view: &View) {
        let mut waiting = self.waiting.lock();
        if waiting.is_empty() {
            return;
        }
        let mut keys: Vec<Bytes> = changed.keys.iter().filter(|key| waiting.contains_key(*key)).cloned().collect();
        for (begin, end) in &changed.ranges {
            keys.extend(waiting.range::<Bytes, _>(begin..end).map(|(key, _)| key.clone()));
        }
        for key in keys {
            let Some(of_key) = waiting.remove(&key) else {
                continue;
            };
            let value = view.read(|engine| engine.get(&key));
            let (same, other): (BTreeMap<_, _>, BTreeMap<_, _>) =
                of_key.into_iter().partition(|(_, watch)| value.as_ref().is_ok_and(|value| *value == watch.expected));
            other.into_values().for_each(fire);
            if !same.is_empty() {
                waiting.insert(key, same);
            }
        }
    }

    /// Fires all: after an error of the disk nobody knows what has changed.
    pub(super) fn wake_all(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_values().flat_map(BTreeMap::into_values).for_each(fire);
    }
}

fn fire(watch: Waiting) {
    // The holder may have dropped it.
    let _ = watch.fired.send(Ok(()));
}
