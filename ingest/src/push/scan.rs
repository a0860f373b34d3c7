//! One pass over the tree: every document's hash, and everything that is no document, reported as it is met.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use coditect_ingest::walk::SkipReason;
use coditect_ingest::wire::DocumentInput;
use tokio_util::sync::CancellationToken;

use super::hash::ContentHash;
use super::report::Reporter;
use super::tree::{Entry, Tree};

/// What the tree holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Its documents by id.
    pub(crate) documents: HashMap<String, Local>,
    /// Ids of documents that have grown too large to be sent: neither in the tree nor gone from it.
    pub(crate) too_large: HashSet<String>,
    /// Number of places that could not be read: the scan says nothing about what is there.
    pub(crate) unreadable: usize,
    /// Number of documents whose id another document of the tree has already.
    pub(crate) duplicates: usize,
}

/// A document of the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    /// Hash of its content.
    pub(crate) hash: ContentHash,
    /// Bytes of its text.
    pub(crate) bytes: u64,
}

impl Scan {
    /// Reads the tree; ends early, with what was seen so far, when `stop` is cancelled.
    pub(crate) fn read(tree: &Tree, reporter: &Reporter, stop: &CancellationToken) -> anyhow::Result<Self> {
        let mut scan = Self::default();
        tree.walk(&mut |entry| {
            match entry {
                Entry::Document { document, warnings } => {
                    for warning in &warnings {
                        reporter.document_warning(&document.document_id, warning);
                    }
                    scan.add(&document, reporter);
                }
                Entry::Skipped { path, id, reason } => scan.skip(&path, id, &reason, reporter),
            }
            match stop.is_cancelled() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(scan)
    }

    /// Whether the server's document `id` has no place in the tree any more.
    pub(crate) fn lacks(&self, id: &str) -> bool {
        !self.documents.contains_key(id) && !self.too_large.contains(id)
    }

    fn skip(&mut self, path: &str, id: String, reason: &SkipReason, reporter: &Reporter) {
        if reason.is_failure() {
            self.unreadable += 1;
            reporter.unreadable(path, &reason.to_string());
            return;
        }
        if matches!(reason, SkipReason::TooLarge { .. }) {
            self.too_large.insert(id);
        }
        reporter.skipped(path, &reason.to_string());
    }

    fn add(&mut self, document: &DocumentInput, reporter: &Reporter) {
        match self.documents.entry(document.document_id.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(Local { hash: ContentHash::of(document), bytes: document.text.len() as u64 });
                reporter.found();
            }
            Slot::Occupied(_) => {
                self.duplicates += 1;
                let reason = "another document of the tree has this id; ids must differ";
                reporter.failed(&document.document_id, reason);
            }
        }
    }
}
