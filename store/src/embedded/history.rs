//! What the committer remembers of the last five seconds: who wrote what, and which old versions are still being read.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use super::commit::Request;
use super::conflicts::Conflicts;
use super::view::View;
use crate::error::{Error, Result};
use crate::limits;
use crate::mutation::{AtomicOp, Mutation};
use crate::stamp;

/// Recent writes and versions.
#[derive(Debug, Default)]
pub(super) struct History {
    conflicts: Conflicts,
    /// Versions that were current once, oldest first.
    past: VecDeque<Past>,
    /// Writes at or before this version are forgotten, so who reads at an older one cannot be judged.
    floor: u64,
}

#[derive(Debug)]
struct Past {
    version: u64,
    /// Gone when no transaction reads at it any more.
    view: Weak<View>,
    /// When it ceased to be current.
    until: Duration,
}

impl History {
    /// Whether a transaction may commit now.
    pub(super) fn check(&self, request: &Request, now: Duration) -> Result<()> {
        let version = request.view.version;
        let age = now.saturating_sub(request.started);
        if age > limits::TRANSACTION_LIFE || version < self.floor {
            return Err(Error::too_old());
        }
        let stale = |(begin, end): &(Bytes, Bytes)| self.conflicts.written_since(begin, end, version);
        if request.reads.iter().any(stale) { Err(Error::conflict()) } else { Ok(()) }
    }

    /// Notes what a transaction writes at `version`, so that those that come behind it conflict.
    pub(super) fn note(&mut self, request: &Request, version: u64, order: u16) {
        for mutation in &request.mutations {
            match mutation {
                Mutation::ClearRange { begin, end } => self.conflicts.write(begin, end, version),
                Mutation::Atomic { op: AtomicOp::SetVersionstampedKey, key, .. } => {
                    if let Ok(key) = stamp::fill(key, &stamp::stamp(version, order)) {
                        self.conflicts.write_key(&key, version);
                    }
                }
                Mutation::Set { key, .. } | Mutation::Atomic { key, .. } => {
                    self.conflicts.write_key(key, version);
                }
            }
        }
        for (begin, end) in &request.writes {
            self.conflicts.write(begin, end, version);
        }
    }

    /// Remembers a view that is no longer the current one.
    pub(super) fn supersede(&mut self, view: &Arc<View>, now: Duration) {
        self.past.push_back(Past { version: view.version, view: Arc::downgrade(view), until: now });
    }

    /// Gives up versions that no transaction reads at, or may read at any more. `current` is the version that new ones get.
    pub(super) fn retire(&mut self, current: u64, now: Duration) {
        while let Some(oldest) = self.past.front() {
            let over = match oldest.view.upgrade() {
                Some(view) => now.saturating_sub(oldest.until) > limits::TRANSACTION_LIFE && view.retire(),
                None => true,
            };
            if !over {
                break;
            }
            self.past.pop_front();
        }
        let oldest = self.past.front().map_or(current, |oldest| oldest.version);
        self.floor = self.floor.max(oldest);
        self.conflicts.forget(self.floor);
    }

    /// Forgets everything: only who reads at `current` or later can still commit.
    pub(super) fn restart(&mut self, current: u64) {
        for past in self.past.drain(..) {
            // One that is being read at the moment is dropped by its reader.
            if let Some(view) = past.view.upgrade() {
                view.retire();
            }
        }
        self.conflicts = Conflicts::default();
        self.floor = current;
    }
}
