//! Counts of a run, one for each fate that a document can have.

use coditect_ingest::wire::{WriteOutcome, WriteStatus};

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Documents that are new on the server.
    pub(crate) created: u64,
    /// Documents that replaced their earlier selves.
    pub(crate) updated: u64,
    /// Documents that were sent though the server had them: it was quicker than our listing, or an answer was lost.
    pub(crate) unchanged: u64,
    /// Passages of the created and updated documents.
    pub(crate) passages_written: u64,
    /// Passages of the documents that were sent in vain.
    pub(crate) passages_unchanged: u64,
    /// Documents that are gone from the server.
    pub(crate) deleted: u64,
    /// Documents and places of the tree that could not be read, stored or deleted.
    pub(crate) failed: u64,
    /// Files that are no documents.
    pub(crate) skipped: u64,
    /// Odd things about documents that were stored all the same.
    pub(crate) warnings: u64,
    /// Documents to send or to delete whose fate is known now, good or bad.
    pub(crate) settled: u64,
}

impl Tally {
    /// Counts a document that the server has now.
    pub(crate) fn written(&mut self, outcome: &WriteOutcome) {
        let passages = u64::from(outcome.passages);
        match outcome.status {
            WriteStatus::Created => self.created += 1,
            WriteStatus::Updated => self.updated += 1,
            WriteStatus::Unchanged => {
                self.unchanged += 1;
                self.passages_unchanged += passages;
                return;
            }
            WriteStatus::Failed => return,
        }
        self.passages_written += passages;
    }
}
