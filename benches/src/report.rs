//! How results are written: JSON files below the output folder, tables for the terminal.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::server::OUTPUT;

/// Writes a result as JSON below the output folder and returns its path.
///
/// # Errors
/// When the file cannot be written.
pub fn write_json(name: &str, value: &impl Serialize) -> Result<PathBuf> {
    let path = Path::new(OUTPUT).join(name);
    std::fs::create_dir_all(OUTPUT).with_context(|| format!("create {OUTPUT}"))?;
    let mut text = serde_json::to_string_pretty(value).context("turn the result into JSON")?;
    text.push('\n');
    std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// Lays rows out in columns, the first aligned left and the others right.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 => format!("{cell:<width$}", width = widths[0]),
            _ => format!("{cell:>width$}", width = widths[column]),
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// The value below which that share of the values lies; 0 for none. Sorts the values.
#[must_use]
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = table(&[row(["mode", "a", "bb"]), row(["keyword", "1.00", "2"])]);
        assert_eq!(text, "mode        a  bb\nkeyword  1.00   2\n");
    }

    #[test]
    fn quantiles_are_of_the_values() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((quantile(&mut values, 0.5), quantile(&mut values, 0.99)), (50.0, 99.0));
        assert_eq!(quantile(&mut [], 0.5), 0.0);
    }
}
