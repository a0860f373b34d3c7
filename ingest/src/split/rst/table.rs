//! Grid tables and simple tables: one line of text for each row, cells joined across their lines.

use std::ops::Range;

use super::Parser;
use super::inline::plain;
use crate::split::block::{Block, BlockKind};

impl Parser<'_> {
    /// Takes a table, if one begins at the line, and gives the line behind it.
    pub(super) fn table(&mut self, at: usize, end: usize) -> Option<usize> {
        let text = self.text(at);
        if is_grid_border(text) {
            self.grid(at, end)
        } else if is_simple_border(text) {
            self.simple(at, end)
        } else {
            None
        }
    }

    fn grid(&mut self, at: usize, end: usize) -> Option<usize> {
        let mut next = at;
        while next < end && self.text(next).starts_with(['+', '|']) {
            next += 1;
        }
        if next < at + 3 {
            return None;
        }
        let columns: Vec<usize> = self.text(at).match_indices('+').map(|(column, _)| column).collect();
        let mut block = self.block(BlockKind::Table, self.lines[at].first);
        let mut row = at;
        for line in at..next {
            let text = self.text(line);
            if !is_grid_border(text) {
                continue;
            }
            self.row(&mut block, row..line, |text| grid_cells(text, &columns));
            if text.contains('=') {
                block.header = block.text.len();
            }
            row = line + 1;
        }
        self.row(&mut block, row..next, |text| grid_cells(text, &columns));
        block.source.end = self.lines[next - 1].end;
        self.blocks.push(block);
        Some(next)
    }

    fn simple(&mut self, at: usize, end: usize) -> Option<usize> {
        let columns: Vec<usize> = runs(self.text(at));
        let is_border = |line: usize| is_simple_border(self.text(line));
        let closes = |line: usize| is_border(line) && (line + 1 >= end || self.lines[line + 1].is_blank());
        let last = (at + 2..end).find(|line| closes(*line))?;
        let mut block = self.block(BlockKind::Table, self.lines[at].first);
        let first = self.lines[at].indent;
        let mut row: Option<Range<usize>> = None;
        for line in at + 1..=last {
            let text = self.text(line);
            let is_rule = line == last || is_simple_border(text) || is_dashes(text);
            let continues = !is_rule && (text.is_empty() || self.lines[line].indent > first);
            if continues && let Some(row) = &mut row {
                row.end = line + 1;
                continue;
            }
            if let Some(row) = row.take() {
                self.row(&mut block, row, |text| simple_cells(text, &columns));
            }
            if is_rule && line != last && block.header == 0 && is_simple_border(text) {
                block.header = block.text.len();
            }
            if !is_rule && !text.is_empty() {
                row = Some(line..line + 1);
            }
        }
        block.source.end = self.lines[last].end;
        self.blocks.push(block);
        Some(last + 1)
    }

    /// Appends a row that stands on several lines.
    fn row(&self, block: &mut Block, lines: Range<usize>, cells: impl Fn(&str) -> Vec<String>) {
        let (Some(first), Some(last)) = (self.lines.get(lines.start).copied(), self.lines[..lines.end].last().copied())
        else {
            return;
        };
        let mut row: Vec<String> = Vec::new();
        let base = self.lines[lines.start].first;
        let indent = self.lines[lines.clone()].iter().map(|line| line.start - line.first).min().unwrap_or(0);
        for line in &self.lines[lines] {
            let from = (line.first + indent).min(line.end);
            for (column, cell) in cells(&self.source[from.max(base)..line.end]).into_iter().enumerate() {
                match row.get_mut(column) {
                    Some(text) if text.is_empty() => *text = cell,
                    Some(text) if !cell.is_empty() => {
                        text.push(' ');
                        text.push_str(&cell);
                    }
                    Some(_) => {}
                    None => row.push(cell),
                }
            }
        }
        let shown: Vec<String> =
            row.iter().filter(|cell| !cell.is_empty()).map(|cell| plain(cell, &self.references)).collect();
        if !shown.is_empty() {
            block.push_text(first.first..last.end, &format!("{}\n", shown.join(" | ")));
        }
    }
}

fn is_grid_border(text: &str) -> bool {
    text.len() > 2
        && text.starts_with("+")
        && text.ends_with('+')
        && text.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'='))
}

fn is_simple_border(text: &str) -> bool {
    text.contains("= ") && text.bytes().all(|byte| matches!(byte, b'=' | b' '))
}

fn is_dashes(text: &str) -> bool {
    text.contains("--") && text.bytes().all(|byte| matches!(byte, b'-' | b' '))
}

/// Columns where runs of signs begin.
fn runs(border: &str) -> Vec<usize> {
    let bytes = border.as_bytes();
    (0..bytes.len()).filter(|&at| bytes[at] != b' ' && (at == 0 || bytes[at - 1] == b' ')).collect()
}

fn trimmed(cell: &str) -> String {
    let cell = cell.trim_matches(|c: char| c.is_whitespace() || c == '|');
    let is_border = !cell.is_empty() && cell.bytes().all(|byte| matches!(byte, b'+' | b'-' | b'=' | b' '));
    if is_border && cell.len() > 2 { String::new() } else { cell.to_owned() }
}

/// Cells between the columns of the border, or between bars where the text does not keep to them.
fn grid_cells(text: &str, columns: &[usize]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let keeps = columns.iter().all(|&column| matches!(chars.get(column), Some('|' | '+')));
    if keeps {
        let cell = |pair: &[usize]| trimmed(&chars[pair[0] + 1..pair[1]].iter().collect::<String>());
        return columns.windows(2).map(cell).collect();
    }
    let body = text.strip_prefix('|').unwrap_or(text);
    body.strip_suffix('|').unwrap_or(body).split('|').map(trimmed).collect()
}

fn simple_cells(text: &str, columns: &[usize]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let cell = |(index, &start): (usize, &usize)| {
        let end = columns.get(index + 1).map_or(chars.len(), |next| (*next).min(chars.len()));
        trimmed(&chars[start.min(end)..end].iter().collect::<String>())
    };
    columns.iter().enumerate().map(cell).collect()
}
