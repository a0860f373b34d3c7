//! Progress while documents are sent: a bar on a terminal, a line every few seconds elsewhere.

use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;

use super::limits;
use super::tally::Tally;

/// The progress of one run. Measured in bytes of text, because embedding takes as long as the text is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    found: usize,
    documents: usize,
    bytes: u64,
    sent_documents: usize,
    sent_bytes: u64,
    began: Option<Instant>,
    last_line: Option<Instant>,
}

impl Progress {
    /// A bar where `terminal`, lines elsewhere, nothing when `quiet`.
    pub(crate) fn new(terminal: bool, quiet: bool) -> Self {
        Self { bar: (terminal && !quiet).then(spinner), lines: !terminal && !quiet, state: Mutex::default() }
    }

    /// One more document was found in the tree.
    pub(crate) fn found(&self) {
        let mut state = self.state.lock();
        state.found += 1;
        if let Some(bar) = &self.bar {
            bar.set_message(format!("reading the tree, {} documents", state.found));
            bar.tick();
        }
    }

    /// Sending begins.
    pub(crate) fn begin(&self, documents: usize, bytes: u64, now: Instant) {
        *self.state.lock() = State { documents, bytes, began: Some(now), last_line: Some(now), ..State::default() };
        if let Some(bar) = &self.bar {
            bar.reset();
            bar.set_length(bytes.max(1));
            bar.set_style(bar_style());
            bar.set_message(format!("0/{documents} documents"));
        }
        self.say(|| format!("to send: {}, {bytes} bytes", counted(documents as u64, "document")));
    }

    /// A document was answered.
    pub(crate) fn sent(&self, bytes: u64, tally: &Tally) {
        let mut state = self.state.lock();
        state.sent_documents += 1;
        state.sent_bytes += bytes;
        let Some(began) = state.began else { return };
        let now = Instant::now();
        if let Some(bar) = &self.bar {
            bar.set_position(state.sent_bytes);
            bar.set_message(state.counts(tally, now - began));
        }
        let due = state.last_line.is_some_and(|last| now - last >= limits::PROGRESS_LINES);
        if due {
            state.last_line = Some(now);
            self.say(|| state.line(tally, now - began));
        }
    }

    /// Nothing more is going to be sent.
    pub(crate) fn end(&self) {
        self.state.lock().began = None;
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Runs `write` while the bar is out of the way.
    pub(crate) fn above(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) if !bar.is_finished() => bar.suspend(write),
            _ => write(),
        }
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.lines {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{}", text());
        }
    }
}

impl State {
    fn counts(&self, tally: &Tally, elapsed: Duration) -> String {
        format!(
            "{}/{} documents, {} passages, {:.1} passages/s",
            self.sent_documents,
            self.documents,
            tally.passages_written,
            rate(tally.passages_written, elapsed)
        )
    }

    fn line(&self, tally: &Tally, elapsed: Duration) -> String {
        let counts = self.counts(tally, elapsed);
        match self.remaining(elapsed) {
            Some(left) => format!("{counts}, about {} s left", left.as_secs() + 1),
            None => counts,
        }
    }

    fn remaining(&self, elapsed: Duration) -> Option<Duration> {
        let left = self.bytes.saturating_sub(self.sent_bytes) as f64;
        (self.sent_bytes > 0).then(|| elapsed.mul_f64(left / self.sent_bytes as f64))
    }
}

/// A number with its noun: `1 passage`, `2 passages`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// Passages a second; 0 for no time at all.
pub(crate) fn rate(passages: u64, elapsed: Duration) -> f64 {
    match elapsed.as_secs_f64() {
        seconds if seconds > 0.0 => passages as f64 / seconds,
        _ => 0.0,
    }
}

fn spinner() -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(limits::BAR_RATE);
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(styled("{spinner} {msg}"));
    bar
}

fn bar_style() -> ProgressStyle {
    styled("[{wide_bar}] {percent:>3}% {msg}, {eta} left").progress_chars("=> ")
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_the_bytes() {
        let state = State { documents: 10, bytes: 1_000, sent_documents: 2, sent_bytes: 250, ..State::default() };
        let tally = Tally { passages_written: 40, ..Tally::default() };
        let line = state.line(&tally, Duration::from_secs(10));
        assert_eq!(line, "2/10 documents, 40 passages, 4.0 passages/s, about 31 s left");
        assert_eq!(State::default().remaining(Duration::from_secs(1)), None);
        assert_eq!(rate(5, Duration::ZERO), 0.0);
        assert_eq!(counted(1, "passage") + &counted(0, "passage"), "1 passage0 passages");
    }
}
