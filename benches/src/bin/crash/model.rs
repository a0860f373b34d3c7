//! What must be in the server: the last acknowledged state of each document, and the write that was
//! on its way, if any. Each document has one writer, so its writes are in order.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coditect_benches::client::WriteOutcome;

use crate::content::Contents;

/// State of a document: its revision, or nothing when it is not there.
pub(crate) type State = Option<u32>;

/// What is known about a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// State that the server has acknowledged.
    pub(crate) acknowledged: State,
    /// Hash and number of passages of that state, where the answer told.
    pub(crate) receipt: Option<Receipt>,
    /// State that a write without an answer would lead to.
    pub(crate) pending: Option<State>,
    /// Revision that was last sent.
    pub(crate) last_sent: u32,
}

/// What the server said when it acknowledged a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) content_hash: String,
    pub(crate) passages: usize,
}

/// The documents of the test.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) contents: Contents,
    pub(crate) documents: u32,
    entries: Mutex<BTreeMap<u32, Entry>>,
}

impl Entry {
    /// States that the document may be in.
    pub(crate) fn allowed(&self) -> Vec<State> {
        let mut allowed = vec![self.acknowledged];
        allowed.extend(self.pending.filter(|pending| *pending != self.acknowledged));
        allowed
    }
}

impl Model {
    /// A model in which no document is there.
    pub(crate) fn new(contents: Contents, documents: u32) -> Self {
        Self { contents, documents, entries: Mutex::default() }
    }

    /// What is known about a document.
    pub(crate) fn entry(&self, document: u32) -> Entry {
        self.lock().get(&document).cloned().unwrap_or_default()
    }

    /// A write is about to be sent; a new revision gets the next number.
    pub(crate) fn sending_new(&self, document: u32) -> u32 {
        let mut entries = self.lock();
        let entry = entries.entry(document).or_default();
        entry.last_sent += 1;
        entry.pending = Some(Some(entry.last_sent));
        entry.last_sent
    }

    /// A deletion is about to be sent.
    pub(crate) fn sending_deletion(&self, document: u32) {
        self.lock().entry(document).or_default().pending = Some(None);
    }

    /// A write has been acknowledged.
    pub(crate) fn acknowledged(&self, document: u32, state: State, outcome: Option<&WriteOutcome>) {
        let mut entries = self.lock();
        let entry = entries.entry(document).or_default();
        entry.acknowledged = state;
        entry.pending = None;
        entry.receipt = outcome.map(|it| Receipt { content_hash: it.content_hash.clone(), passages: it.passages });
    }

    /// After a restart the document was seen in this state, which from now on must hold.
    pub(crate) fn settled(&self, document: u32, state: State) {
        let mut entries = self.lock();
        let entry = entries.entry(document).or_default();
        if entry.acknowledged != state {
            entry.receipt = None;
        }
        entry.acknowledged = state;
        entry.pending = None;
    }

    /// Documents with a write that got no answer.
    pub(crate) fn in_flight(&self) -> usize {
        self.lock().values().filter(|entry| entry.pending.is_some()).count()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_write_allows_both_states() {
        let model = Model::new(Contents::new(1), 4);
        let revision = model.sending_new(2);
        assert_eq!(model.entry(2).allowed(), [None, Some(revision)]);
        model.acknowledged(2, Some(revision), None);
        assert_eq!(model.entry(2).allowed(), [Some(revision)]);
        model.sending_deletion(2);
        assert_eq!(model.entry(2).allowed(), [Some(revision), None]);
        assert_eq!(model.in_flight(), 1);
    }

    #[test]
    fn what_was_seen_after_a_restart_must_stay() {
        let model = Model::new(Contents::new(1), 4);
        let revision = model.sending_new(2);
        model.settled(2, Some(revision));
        assert_eq!(model.entry(2).allowed(), [Some(revision)]);
        assert_eq!(model.sending_new(2), revision + 1);
    }
}
