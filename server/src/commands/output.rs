//! What commands show: a line that changes while they work, where somebody looks, and tables at the end.

use std::io::Write as _;

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::limits;
use crate::start::StartError;

/// A line on the error output that says how far the work is; nothing where it is no terminal.
pub(super) fn spinner() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(limits::PROGRESS_TICK);
    bar
}

/// A table with these headings.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(headings.to_vec());
    table
}

/// Writes to the standard output.
pub(super) fn say(text: &str) -> Result<(), StartError> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| StartError::Other(format!("write to the standard output: {error}")))
}

/// A number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}
