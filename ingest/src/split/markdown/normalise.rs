//! Makes plain CommonMark of Markdown dialects before it is parsed: MkDocs blocks and JSX wrappers are
//! taken apart and what they indent is moved left, so that their content is read as Markdown.

use std::ops::Range;

use super::Dialect;
use super::admonition::{self, INDENT};
use super::jsx::LineScan;
use super::mapped::Mapped;
use crate::split::html::tags::TagReader;
use crate::split::limits::NESTING;

/// What encloses the current line.
pub(super) enum Container {
    /// Content of an admonition or tab: everything indented by at least this many columns.
    Indented(usize),
    /// Content of a JSX component, and the columns by which it is indented, once known.
    Component { name: Range<usize>, base: Option<usize> },
}

pub(super) struct Normaliser<'a> {
    pub(super) source: &'a str,
    pub(super) out: Mapped<'a>,
    pub(super) containers: Vec<Container>,
    pub(super) reader: TagReader<'a>,
    /// Ends that were searched for in vain: they are not searched for again.
    missing: Vec<&'static str>,
    dialect: Dialect,
    fence: Option<Fence>,
    after_blank: bool,
}

#[derive(Clone, Copy)]
struct Fence {
    sign: u8,
    length: usize,
}

/// The source from `start` on, as CommonMark.
pub(super) fn normalise(source: &str, start: usize, dialect: Dialect) -> Mapped<'_> {
    let body = &source[start..];
    let has_blocks = || ["!!! ", "??? ", "???+ ", "=== \""].iter().any(|marker| body.contains(marker));
    if dialect == Dialect::Markdown && !has_blocks() {
        return Mapped::tail(source, start);
    }
    let mut normaliser = Normaliser {
        source,
        out: Mapped::empty(),
        containers: Vec::new(),
        reader: TagReader::new(source, source.len()),
        missing: Vec::new(),
        dialect,
        fence: None,
        after_blank: true,
    };
    let mut at = start;
    while at < source.len() {
        at = normaliser.line(at);
    }
    normaliser.out
}

impl Normaliser<'_> {
    /// Takes the line at `at`, and gives the start of the next one.
    fn line(&mut self, at: usize) -> usize {
        let end =
            memchr::memchr(b'\n', &self.source.as_bytes()[at..]).map_or(self.source.len(), |found| at + found + 1);
        let line = &self.source[at..end];
        if line.trim().is_empty() {
            self.out.push(self.source, at..end);
            self.after_blank = true;
            return end;
        }
        let indent = columns(line);
        if let Some(fence) = self.fence {
            let from = at + strip(line, self.base());
            self.out.push(self.source, from..end);
            if closes(&self.source[from..end], fence) {
                self.fence = None;
            }
            return end;
        }
        self.leave_indented(at, indent);
        self.learn_base(line, indent);
        let from = at + strip(line, self.base());
        let next = self.content(from, end, indent);
        self.after_blank = false;
        next
    }

    fn content(&mut self, from: usize, end: usize, indent: usize) -> usize {
        let text = &self.source[from..end];
        if let Some(fence) = opens(text) {
            self.fence = Some(fence);
            self.out.push(self.source, from..end);
            return end;
        }
        if self.dialect == Dialect::Mdx {
            if self.containers.is_empty() && self.after_blank && text.starts_with("import ") {
                return import_end(self.source, from);
            }
            return LineScan::new(self, from).run();
        }
        if let Some(title) = admonition::title(text) {
            self.out.insert(from, "\n\n");
            self.out.push(self.source, from + title.start..from + title.end);
            self.out.insert(from + title.end, "\n\n");
            self.enter(Container::Indented(indent + INDENT));
            return end;
        }
        self.out.push(self.source, from..end);
        end
    }

    pub(super) fn enter(&mut self, container: Container) {
        if self.containers.len() < NESTING {
            self.containers.push(container);
        }
    }

    /// Position behind the next `end` from `at` on.
    pub(super) fn behind(&mut self, at: usize, end: &'static str) -> Option<usize> {
        if self.missing.contains(&end) {
            return None;
        }
        let found = self.source[at..].find(end).map(|found| at + found + end.len());
        if found.is_none() {
            self.missing.push(end);
        }
        found
    }

    fn leave_indented(&mut self, at: usize, indent: usize) {
        while let Some(Container::Indented(least)) = self.containers.last()
            && indent < *least
        {
            self.containers.pop();
            self.out.insert(at, "\n");
        }
    }

    /// The first line inside a component says how far its content is indented.
    fn learn_base(&mut self, line: &str, indent: usize) {
        if let Some(Container::Component { base: base @ None, .. }) = self.containers.last_mut()
            && !line.trim_start().starts_with("</")
        {
            *base = Some(indent);
        }
    }

    /// Columns by which the content of the innermost container is indented.
    fn base(&self) -> usize {
        let base = |container: &Container| match container {
            Container::Indented(least) => Some(*least),
            Container::Component { base, .. } => *base,
        };
        self.containers.iter().rev().find_map(base).unwrap_or(0)
    }
}

/// Columns of white space in front of a line; a tab reaches to the next multiple of four.
fn columns(line: &str) -> usize {
    let mut columns = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns = columns / INDENT * INDENT + INDENT,
            _ => break,
        }
    }
    columns
}

/// Bytes of white space that make up at most `most` columns.
fn strip(line: &str, most: usize) -> usize {
    let white = line.len() - line.trim_start_matches([' ', '\t']).len();
    (0..=white).rev().find(|&bytes| columns(&line[..bytes]) <= most).unwrap_or(0)
}

/// The fence that a line opens, be it behind a list marker or a quote's sign.
fn opens(line: &str) -> Option<Fence> {
    let body = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = body[digits..].strip_prefix(['.', ')']).filter(|_| digits > 0);
    let body = numbered.map_or(body, str::trim_start);
    let sign = *body.as_bytes().first().filter(|sign| matches!(sign, b'`' | b'~'))?;
    let length = body.bytes().take_while(|byte| *byte == sign).count();
    let is_fence = length >= 3 && (sign == b'~' || !body[length..].contains('`'));
    is_fence.then_some(Fence { sign, length })
}

fn closes(line: &str, fence: Fence) -> bool {
    let body = line.trim_start_matches([' ', '\t', '>']).trim_end();
    body.len() >= fence.length && body.bytes().all(|byte| byte == fence.sign)
}

/// Behind an import statement: its lines up to the one that names the module.
fn import_end(source: &str, from: usize) -> usize {
    const MOST_LINES: usize = 100;
    let mut at = from;
    for _ in 0..MOST_LINES {
        let line = source[at..].split_inclusive('\n').next().unwrap_or_default();
        if line.trim().is_empty() {
            break;
        }
        at += line.len();
        if line.contains(['"', '\'']) {
            return at;
        }
    }
    // Not an import after all: prose that begins with the word.
    from + source[from..].find(' ').map_or(0, |space| space + 1)
}
