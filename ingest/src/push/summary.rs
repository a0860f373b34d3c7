//! The summary of a run: an object for programs, lines for people, an exit code for both.

use std::time::Duration;

use serde::Serialize;

use super::plan::Plan;
use super::progress::rate;
use super::tally::Tally;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was tried.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// It stopped before anything was sent, because it would have deleted too much.
    Unsafe,
    /// The server went away, or is broken.
    Unreachable(String),
    /// The server serves none of our requests: a wrong token, address or collection name.
    Refused(String),
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Documents of the tree, whatever became of them.
    pub(crate) documents: u64,
    /// Passages that the server has of them now.
    pub(crate) passages: u64,
    /// Documents that are new on the server.
    pub(crate) created: u64,
    /// Documents that replaced their earlier selves.
    pub(crate) updated: u64,
    /// Documents that the server had already.
    pub(crate) unchanged: u64,
    /// Documents that were deleted from the server.
    pub(crate) deleted: u64,
    /// Documents and places of the tree that could not be read, stored or deleted.
    pub(crate) failed: u64,
    /// Files that are no documents.
    pub(crate) skipped: u64,
    /// Time of the whole run.
    pub(crate) seconds: f64,
    /// Passages written in this run, divided by `seconds`.
    pub(crate) passages_per_second: f64,
    /// Passages written in this run.
    pub(crate) passages_written: u64,
    /// Documents that should have been sent or deleted, and were not, because the run ended early.
    pub(crate) not_sent: u64,
    /// Odd things about documents that were stored all the same.
    pub(crate) warnings: u64,
    /// Whether nothing was written because only a preview was asked for.
    pub(crate) dry_run: bool,
}

impl Summary {
    /// Adds up. `documents` is the number of documents in the tree.
    pub(crate) fn new(documents: usize, plan: &Plan, tally: &Tally, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self {
            documents: documents as u64,
            passages: plan.unchanged_passages + tally.passages_unchanged + tally.passages_written,
            created: tally.created,
            updated: tally.updated,
            unchanged: plan.unchanged as u64 + tally.unchanged,
            deleted: tally.deleted,
            failed: tally.failed,
            skipped: tally.skipped,
            seconds: (seconds * 1000.0).round() / 1000.0,
            passages_per_second: (rate(tally.passages_written, elapsed) * 10.0).round() / 10.0,
            passages_written: tally.passages_written,
            not_sent: 0,
            warnings: tally.warnings,
            dry_run: false,
        }
    }

    /// The summary for people, line by line; what is zero and need not be known is left out.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let will = |did, will| if self.dry_run { will } else { did };
        let counts = [
            ("documents", self.documents, true),
            (will("created", "to create"), self.created, true),
            (will("updated", "to update"), self.updated, true),
            ("unchanged", self.unchanged, true),
            (will("deleted", "to delete"), self.deleted, self.deleted > 0),
            ("failed", self.failed, self.failed > 0),
            ("not sent", self.not_sent, self.not_sent > 0),
            ("skipped files", self.skipped, self.skipped > 0),
            ("warnings", self.warnings, self.warnings > 0),
            ("passages", self.passages, !self.dry_run),
        ];
        let shown = counts.iter().filter(|(_, _, show)| *show);
        let mut rows: Vec<_> = shown.map(|(name, count, _)| (*name, count.to_string())).collect();
        rows.push(("seconds", format!("{:.1}", self.seconds)));
        if !self.dry_run {
            rows.push(("passages/s", format!("{:.1}", self.passages_per_second)));
        }
        rows
    }
}
