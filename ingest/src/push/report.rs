//! Tells the user what happens: progress, and one line for every document that is skipped or failed.
//!
//! Everything goes to standard error; standard output is left to the summary.

use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use coditect_ingest::client::{ClientError, Pause};
use coditect_ingest::wire::{WriteOutcome, WriteStatus};
use parking_lot::Mutex;

use super::progress::{Progress, counted};
use super::tally::Tally;

/// How much to tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verbosity {
    /// Neither progress nor warnings; failures are told all the same.
    pub(crate) quiet: bool,
    /// A line for every document that is written or deleted.
    pub(crate) each: bool,
}

/// Counts what happens, and shows it.
pub(crate) struct Reporter {
    verbosity: Verbosity,
    colours: bool,
    tally: Mutex<Tally>,
    progress: Progress,
    /// What need not be told again when the same tree is read again.
    told: Mutex<HashSet<String>>,
}

impl Reporter {
    /// Draws a bar where standard error is a terminal, else writes lines now and then.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            verbosity,
            colours: terminal && !plain,
            tally: Mutex::default(),
            progress: Progress::new(terminal, verbosity.quiet),
            told: Mutex::default(),
        }
    }

    /// What was counted so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.lock().clone()
    }

    /// Counts from nothing again: a new round of a watch.
    pub(crate) fn reset(&self) {
        *self.tally.lock() = Tally::default();
    }

    /// A document of the tree was read.
    pub(crate) fn found(&self) {
        self.progress.found();
    }

    /// Sending begins.
    pub(crate) fn begin(&self, documents: usize, bytes: u64) {
        self.progress.begin(documents, bytes, Instant::now());
    }

    /// Nothing more is going to be sent.
    pub(crate) fn end(&self) {
        self.progress.end();
    }

    /// A file is no document.
    pub(crate) fn skipped(&self, path: &str, reason: &str) {
        self.tally.lock().skipped += 1;
        let text = format!("{}: {}", shown(path), shown(reason));
        if !self.verbosity.quiet && self.is_news(&text) {
            self.line(AnsiColor::Yellow, "skipped", &text);
        }
    }

    /// A place in the tree could not be read.
    pub(crate) fn unreadable(&self, path: &str, reason: &str) {
        self.tally.lock().failed += 1;
        let text = format!("{}: {}", shown(path), shown(reason));
        if self.is_news(&text) {
            self.line(AnsiColor::Red, "failed", &text);
        }
    }

    /// A document was not stored, and the run goes on.
    pub(crate) fn failed(&self, id: &str, reason: &str) {
        self.tally.lock().failed += 1;
        self.line(AnsiColor::Red, "failed", &format!("{}: {}", shown(id), shown(reason)));
    }

    /// A document is odd, and is stored all the same.
    pub(crate) fn document_warning(&self, id: &str, warning: &str) {
        self.tally.lock().warnings += 1;
        self.warn_once(&format!("{}: {}", shown(id), shown(warning)));
    }

    /// As [`Self::warn`], but never twice.
    pub(crate) fn warn_once(&self, message: &str) {
        if self.is_news(message) {
            self.warn(message);
        }
    }

    /// Something that the user should know.
    pub(crate) fn warn(&self, message: &str) {
        if !self.verbosity.quiet {
            self.line(AnsiColor::Yellow, "warning", message);
        }
    }

    /// Something that ends the run or a part of it.
    pub(crate) fn error(&self, message: &str) {
        self.line(AnsiColor::Red, "error", message);
    }

    /// Something that went well and that only the curious ask for.
    pub(crate) fn note(&self, message: &str) {
        if !self.verbosity.quiet {
            self.line(AnsiColor::Cyan, "note", message);
        }
    }

    /// The server told a document's fate; a failure is told with the server's reason.
    pub(crate) fn outcome(&self, outcome: &WriteOutcome, bytes: usize) {
        for warning in &outcome.warnings {
            self.document_warning(&outcome.document_id, warning);
        }
        if outcome.status == WriteStatus::Failed {
            self.failed(&outcome.document_id, &reason(outcome));
        } else {
            self.tally.lock().written(outcome);
            self.each(name_of(outcome.status), &outcome.document_id, outcome.passages);
        }
        self.settle(bytes);
    }

    /// A document could not even be handed over.
    pub(crate) fn refused(&self, id: &str, bytes: usize, error: &ClientError) {
        self.failed(id, &explained(error));
        self.settle(bytes);
    }

    /// A document is still on the server though it should not be.
    pub(crate) fn kept(&self, id: &str, reason: &str) {
        self.failed(id, &format!("not deleted: {reason}"));
        self.tally.lock().settled += 1;
    }

    /// A document is gone from the server.
    pub(crate) fn deleted(&self, id: &str) {
        {
            let mut tally = self.tally.lock();
            tally.deleted += 1;
            tally.settled += 1;
        }
        if self.verbosity.each {
            self.line(AnsiColor::Green, "deleted", &shown(id));
        }
    }

    /// A preview of what would be done.
    pub(crate) fn would(&self, verb: &str, id: &str) {
        self.line(AnsiColor::Cyan, verb, &shown(id));
    }

    /// A request will be tried again.
    pub(crate) fn pause(&self, pause: &Pause<'_>) {
        let seconds = pause.pause.as_secs_f64();
        self.warn(&format!("{}; next try in {seconds:.1} s", pause.error));
    }

    fn is_news(&self, text: &str) -> bool {
        self.told.lock().insert(text.to_owned())
    }

    fn settle(&self, bytes: usize) {
        let tally = {
            let mut tally = self.tally.lock();
            tally.settled += 1;
            tally.clone()
        };
        self.progress.sent(bytes as u64, &tally);
    }

    fn each(&self, what: &str, id: &str, passages: u32) {
        if self.verbosity.each && what != name_of(WriteStatus::Unchanged) {
            self.line(AnsiColor::Green, what, &format!("{}, {}", shown(id), counted(u64::from(passages), "passage")));
        }
    }

    fn line(&self, colour: AnsiColor, label: &str, text: &str) {
        let style = match self.colours {
            true => Style::new().fg_color(Some(colour.into())),
            false => Style::new(),
        };
        self.progress.above(|| {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{style}{label:<8}{style:#} {text}");
        });
    }
}

fn name_of(status: WriteStatus) -> &'static str {
    match status {
        WriteStatus::Created => "created",
        WriteStatus::Updated => "updated",
        WriteStatus::Unchanged => "unchanged",
        WriteStatus::Failed => "failed",
    }
}

fn reason(outcome: &WriteOutcome) -> String {
    let Some(problem) = &outcome.error else {
        return "the server gives no reason".to_owned();
    };
    let mut text = problem.title.clone();
    if let Some(detail) = &problem.detail {
        text = format!("{text}: {detail}");
    }
    match problem.pointer.as_deref().map(in_document) {
        None | Some("") => text,
        Some(pointer) => format!("{text} (at {pointer})"),
    }
}

/// A pointer from the document's root: its place in the batch tells the user nothing.
fn in_document(pointer: &str) -> &str {
    let Some(rest) = pointer.strip_prefix("/documents/") else {
        return pointer;
    };
    rest.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// An error and what to do about it.
pub(crate) fn explained(error: &ClientError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// A name as it may be written to a terminal: control characters of a file's name are escaped.
pub(crate) fn shown(name: &str) -> String {
    if !name.chars().any(char::is_control) {
        return name.to_owned();
    }
    name.chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_debug().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_begin_at_the_document() {
        assert_eq!(in_document("/documents/17/text"), "/text");
        assert_eq!(in_document("/documents/17"), "");
        assert_eq!(in_document("/text"), "/text");
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(shown("a\u{1b}[31m\nb é"), "a\\u{1b}[31m\\nb é");
        assert_eq!(shown("100% of: it!.md"), "100% of: it!.md");
    }
}
