//! reStructuredText: sections, directives, literal blocks, lists, fields and tables, line by line, so that
//! every block knows its exact source bytes.

mod directive;
mod inline;
mod table;
mod title;

use std::ops::Range;

use self::inline::References;
use self::title::Titles;
use super::behind_bom;
use super::block::{Block, BlockKind, Parsed, heading_text};
use super::limits::NESTING;
use super::lines::each_line;
use super::text::introduces;

pub(super) fn parse(source: &str) -> Parsed {
    let lines = lines(source);
    let references = References::collect(source, &lines);
    let count = lines.len();
    let mut parser =
        Parser { source, lines, references, titles: Titles::default(), blocks: Vec::new(), item_start: None };
    parser.body(0..count, 0, 0);
    let headline = parser.blocks.iter().find(|block| block.kind == BlockKind::Heading(1));
    Parsed { title: headline.map(|block| heading_text(&block.text)), blocks: parser.blocks, ..Parsed::default() }
}

/// A line, as far as it has not been taken: a list marker moves its start behind itself.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// First byte of the line.
    first: usize,
    /// First byte of its text.
    start: usize,
    /// Behind its text: without trailing white space and line break.
    end: usize,
    /// Columns in front of the text.
    indent: usize,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.start >= self.end
    }
}

fn lines(source: &str) -> Vec<Line> {
    const TAB: usize = 8;
    let mut lines = Vec::new();
    each_line(source, behind_bom(source)..source.len(), |range| {
        let text = &source[range.clone()];
        let body = text.trim_start_matches([' ', '\t']);
        let white = text.len() - body.len();
        let column = |columns: usize, byte| {
            if byte == b'\t' { columns / TAB * TAB + TAB } else { columns + 1 }
        };
        let start = range.start + white;
        lines.push(Line {
            first: range.start,
            start,
            end: start + body.trim_end().len(),
            indent: text.bytes().take(white).fold(0, column),
        });
    });
    lines
}

struct Parser<'a> {
    source: &'a str,
    lines: Vec<Line>,
    references: References,
    titles: Titles,
    blocks: Vec<Block>,
    /// Where the list item or directive begins whose first block is still to come.
    item_start: Option<usize>,
}

impl<'a> Parser<'a> {
    fn text(&self, line: usize) -> &'a str {
        let Line { start, end, .. } = self.lines[line];
        if start < end { &self.source[start..end] } else { "" }
    }

    /// Reads lines of one indentation; what is indented further is read as a body of its own.
    fn body(&mut self, range: Range<usize>, indent: usize, depth: usize) {
        let mut at = range.start;
        while at < range.end {
            let line = self.lines[at];
            if line.is_blank() {
                at += 1;
            } else if line.indent > indent && depth < NESTING {
                let inner = line.indent;
                let end = self.region(at, range.end, |next| next.indent >= inner);
                self.body(at..end, inner, depth + 1);
                at = end;
            } else {
                at = self.element(at, range.end, depth).max(at + 1);
            }
        }
    }

    /// Behind the last line from `at` on that is blank or wanted; blank lines at the end are left out.
    fn region(&self, at: usize, end: usize, wanted: impl Fn(&Line) -> bool) -> usize {
        let mut last = at + 1;
        for next in at + 1..end {
            let line = &self.lines[next];
            if line.is_blank() {
                continue;
            }
            if !wanted(line) {
                break;
            }
            last = next + 1;
        }
        last.min(end)
    }

    /// Takes the element that begins at a line, and gives the line behind it.
    fn element(&mut self, at: usize, end: usize, depth: usize) -> usize {
        let text = self.text(at);
        if depth == 0
            && let Some(next) = self.section(at, end)
        {
            return next;
        }
        if text == ".." || text.starts_with(".. ") {
            return self.explicit(at, end, depth);
        }
        if text.starts_with("__ ") {
            return at + 1;
        }
        if let Some(next) = self.table(at, end) {
            return next;
        }
        if text.starts_with(">>> ") {
            let mut next = at;
            while next < end && !self.lines[next].is_blank() {
                next += 1;
            }
            self.code(at..next);
            return next;
        }
        if let Some(width) = marker(text).filter(|_| depth < NESTING) {
            return self.item(at, end, width, depth);
        }
        if is_field(text) && depth < NESTING {
            return self.field(at, end, depth);
        }
        self.paragraph(at, end)
    }

    fn section(&mut self, at: usize, end: usize) -> Option<usize> {
        let line = |offset: usize| {
            if at + offset < end { self.text(at + offset) } else { "" }
        };
        let indented = self.lines.get(at + 1).is_some_and(|next| next.indent > 0);
        let found = title::find(line(0), line(1), line(2), indented)?;
        let Some(title) = found.title else {
            return Some(at + found.lines);
        };
        let level = self.titles.level(found.style);
        let text = self.lines[at + title];
        let mut block = self.block(BlockKind::Heading(level), self.lines[at].first);
        inline::push(&mut block, self.source, text.start..text.end, &self.references);
        block.source.end = self.lines[at + found.lines - 1].end;
        self.blocks.push(block);
        Some(at + found.lines)
    }

    /// A new block at a line, or at the marker or directive that has led to it.
    fn block(&mut self, kind: BlockKind, start: usize) -> Block {
        Block::new(kind, self.item_start.take().unwrap_or(start))
    }

    fn paragraph(&mut self, at: usize, end: usize) -> usize {
        let first = self.lines[at];
        let is_line_block = self.text(at).starts_with("| ");
        let mut next = at + 1;
        while next < end && !self.lines[next].is_blank() && self.lines[next].indent == first.indent {
            if is_line_block != self.text(next).starts_with('|') {
                break;
            }
            next += 1;
        }
        let is_term =
            next == at + 1 && next < end && !self.lines[next].is_blank() && self.lines[next].indent > first.indent;
        let last = self.lines[next - 1];
        let text = &self.source[first.start..last.end];
        let opens_literal = text.ends_with("::");
        let shown = if opens_literal { literal_lead(text) } else { text.len() };
        let mut block = self.block(BlockKind::Prose, first.first);
        if is_line_block {
            self.line_block(&mut block, at..next);
        } else {
            inline::push(&mut block, self.source, first.start..first.start + shown, &self.references);
        }
        block.source.end = last.end;
        block.keep_with_next = is_term || opens_literal || introduces(&block.text);
        self.blocks.push(block);
        if opens_literal { self.literal(next, end, first.indent) } else { next }
    }

    fn line_block(&self, block: &mut Block, range: Range<usize>) {
        for line in &self.lines[range] {
            let text = self.source[line.start..line.end].trim_start_matches('|').trim_start();
            block.separate(line.start, "\n");
            inline::push(block, self.source, line.end - text.len()..line.end, &self.references);
        }
    }

    /// The indented block behind a paragraph that ends with `::`.
    fn literal(&mut self, at: usize, end: usize, indent: usize) -> usize {
        let Some(start) = (at..end).find(|line| !self.lines[*line].is_blank()) else {
            return end;
        };
        if self.lines[start].indent <= indent {
            return at;
        }
        let next = self.region(start, end, |line| line.indent > indent);
        self.code(start..next);
        next
    }

    /// Lines that are shown as they are.
    fn code(&mut self, lines: Range<usize>) {
        if let (Some(first), Some(last)) =
            (self.lines.get(lines.start).copied(), self.lines[..lines.end].last().copied())
            && !lines.is_empty()
        {
            let mut block = self.block(BlockKind::Code, first.first);
            block.push_source(self.source, first.first..last.end.max(first.first));
            self.blocks.push(block);
        }
    }

    fn item(&mut self, at: usize, end: usize, width: usize, depth: usize) -> usize {
        let outer = self.lines[at].indent;
        let next = self.region(at, end, |line| line.indent > outer);
        self.nested(at..next, width, outer + width, depth);
        next
    }

    fn field(&mut self, at: usize, end: usize, depth: usize) -> usize {
        let outer = self.lines[at].indent;
        let next = self.region(at, end, |line| line.indent > outer);
        let inner = self.lines[at + 1..next].iter().find(|line| !line.is_blank()).map_or(outer + 1, |line| line.indent);
        self.nested(at..next, 1, inner, depth);
        next
    }

    /// Reads a body whose first line begins behind `taken` bytes of marker, in the column `indent`.
    fn nested(&mut self, lines: Range<usize>, taken: usize, indent: usize, depth: usize) {
        let line = &mut self.lines[lines.start];
        self.item_start.get_or_insert(line.first);
        line.start = (line.start + taken).min(line.end);
        line.indent = indent;
        self.body(lines, indent, depth + 1);
        self.item_start = None;
    }
}

/// Bytes of a paragraph that ends with `::` that are shown.
fn literal_lead(text: &str) -> usize {
    let lead = text.trim_end_matches("::");
    if lead.is_empty() || lead.ends_with(char::is_whitespace) { lead.trim_end().len() } else { lead.len() + 1 }
}

/// Width of a list marker with the space behind it.
fn marker(text: &str) -> Option<usize> {
    let spaces = |rest: &str| rest.len() - rest.trim_start_matches(' ').len();
    if let Some(sign) = text.chars().next().filter(|c| matches!(c, '-' | '*' | '+' | '•' | '‣')) {
        let rest = &text[sign.len_utf8()..];
        return (rest.starts_with(' ')).then(|| sign.len_utf8() + spaces(rest));
    }
    let body = text.strip_prefix('(').unwrap_or(text);
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let word = match digits {
        0 if body.starts_with('#') => 1,
        0 if body.starts_with(|c: char| c.is_ascii_alphabetic()) => 1,
        1..=9 => digits,
        _ => return None,
    };
    let rest = body[word..].strip_prefix(['.', ')']).filter(|rest| rest.starts_with(' '))?;
    Some(text.len() - rest.len() + spaces(rest))
}

/// `:name: value`, but not a role such as ``:ref:`x` ``.
fn is_field(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(':').filter(|rest| !rest.starts_with([' ', ':'])) else {
        return false;
    };
    let Some(end) = rest.find(": ").or_else(|| rest.strip_suffix(':').map(str::len)) else {
        return false;
    };
    !rest[..end].contains('`')
}
