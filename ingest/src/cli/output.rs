//! Results on standard output. A reader that went away is no failure of the run.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// Prints names and values: on standard output, or on standard error when that is left to JSON.
pub(crate) fn table(rows: &[(&str, String)], json: bool) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    for (name, value) in rows {
        table.add_row(vec![*name, value.as_str()]);
    }
    let numbers = rows.iter().all(|(_, value)| value.parse::<f64>().is_ok());
    if let Some(column) = table.column_mut(1).filter(|_| numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = match json {
        true => writeln!(std::io::stderr(), "{table}"),
        false => writeln!(std::io::stdout(), "{table}"),
    };
}

/// Prints a line of plain text on standard output.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a value as the last line of standard output.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<()> {
    let text = serde_json::to_string(value)?;
    line(&text);
    Ok(())
}
