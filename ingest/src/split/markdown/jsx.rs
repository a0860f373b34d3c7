//! Takes the tags out of a line of MDX and keeps what they show: component titles, labels, text.

use std::ops::Range;

use super::normalise::{Container, Normaliser};
use crate::split::html::elements::{Flow, flow, heading_level, is_placeholder, is_void, readable_attributes};
use crate::split::html::tags::{Tag, Token};

/// Reads one line, or more when a tag or code span goes on.
pub(super) struct LineScan<'n, 'a> {
    state: &'n mut Normaliser<'a>,
    /// Start of what has been read but not yet written.
    pending: usize,
    at: usize,
    /// Nothing but tags and white space so far.
    fresh: bool,
    /// The line is a table row or a heading, which a line break would end.
    unbreakable: bool,
}

impl<'n, 'a> LineScan<'n, 'a> {
    pub(super) fn new(state: &'n mut Normaliser<'a>, from: usize) -> Self {
        let unbreakable = state.source[from..].trim_start().starts_with(['|', '#']);
        Self { state, pending: from, at: from, fresh: true, unbreakable }
    }

    /// Takes the line, and gives the start of the next one.
    pub(super) fn run(mut self) -> usize {
        let source = self.state.source;
        while let Some(&byte) = source.as_bytes().get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    break;
                }
                b'`' => self.at = code_span_end(source, self.at),
                b'\\' => {
                    let escaped = source[self.at + 1..].chars().next();
                    self.at += 1 + escaped.map_or(0, char::len_utf8);
                }
                b'{' => self.brace(),
                b'<' => self.angle(),
                _ => {
                    self.fresh &= byte.is_ascii_whitespace();
                    self.at += 1;
                    continue;
                }
            }
            self.fresh &= matches!(byte, b'<' | b'{') && self.pending == self.at;
        }
        self.flush(self.at);
        self.at
    }

    fn flush(&mut self, end: usize) {
        self.state.out.push(self.state.source, self.pending..end);
        self.pending = end;
    }

    fn brace(&mut self) {
        let rest = &self.state.source[self.at..];
        let space = ["{\" \"}", "{' '}"].iter().find(|known| rest.starts_with(**known));
        if let Some(space) = space {
            self.flush(self.at);
            self.state.out.insert(self.at, " ");
            self.skip_to(self.at + space.len());
        } else if rest.starts_with("{/*")
            && let Some(end) = self.state.behind(self.at, "*/}")
        {
            self.flush(self.at);
            self.skip_to(end);
        } else {
            self.at += 1;
        }
    }

    fn skip_to(&mut self, at: usize) {
        self.at = at;
        self.pending = at;
    }

    fn angle(&mut self) {
        match self.state.reader.read(self.at) {
            Some(Token::Comment(range)) => {
                self.flush(range.start);
                self.skip_to(range.end);
            }
            Some(Token::Tag(tag)) => {
                self.flush(tag.range.start);
                self.tag(&tag);
            }
            Some(Token::Text(_)) | None => self.at += 1,
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let source = self.state.source;
        let name = &source[tag.name.clone()];
        let end = self.raw_end(tag).unwrap_or(tag.range.end);
        self.skip_to(end);
        if is_placeholder(source, tag) && !name.contains(|c: char| c.is_ascii_lowercase()) {
            self.state.out.push(source, tag.name.clone());
            return;
        }
        let flow = flow(name).unwrap_or_else(|| self.component_flow(tag, name));
        let separator = self.separator(flow);
        self.state.out.insert(tag.range.start, separator);
        if let Some(level) = heading_level(name).filter(|_| !tag.closing && !self.unbreakable) {
            self.state.out.insert(tag.range.start, &"######"[..usize::from(level)]);
            self.state.out.insert(tag.range.start, " ");
        }
        for value in readable_attributes(source, tag) {
            self.attribute(value, if separator.is_empty() { " " } else { separator });
        }
        if flow == Flow::Block {
            self.container(tag, name);
            if !self.unbreakable {
                let spaces = source[self.at..].len() - source[self.at..].trim_start_matches([' ', '\t']).len();
                self.skip_to(self.at + spaces);
            }
        }
    }

    /// Behind the end of a `script` or `style` element.
    fn raw_end(&mut self, tag: &Tag) -> Option<usize> {
        let end = match &self.state.source[tag.name.clone()] {
            "script" => "</script>",
            "style" => "</style>",
            _ => return None,
        };
        if tag.closing || tag.self_closing { None } else { self.state.behind(tag.range.end, end) }
    }

    /// A component that stands on lines of its own is a block; one in mid-sentence is not.
    fn component_flow(&self, tag: &Tag, name: &str) -> Flow {
        let rest = self.state.source[tag.range.end..].split('\n').next().unwrap_or_default();
        let is_component = name.is_empty() || name.starts_with(|c: char| c.is_ascii_uppercase());
        if is_component && (self.fresh || (tag.closing && rest.trim().is_empty())) { Flow::Block } else { Flow::Inline }
    }

    fn separator(&self, flow: Flow) -> &'static str {
        match flow {
            Flow::Inline => "",
            Flow::Cell => " ",
            _ if self.unbreakable => " ",
            Flow::Line => "  \n",
            Flow::Block => "\n\n",
        }
    }

    fn attribute(&mut self, value: Range<usize>, separator: &str) {
        let out = &mut self.state.out;
        out.insert(value.start, separator);
        out.push(self.state.source, value.clone());
        out.insert(value.end, separator);
    }

    fn container(&mut self, tag: &Tag, name: &str) {
        let source = self.state.source;
        if tag.closing {
            let is_same = |container: &Container| match container {
                Container::Component { name: open, .. } => source[open.clone()] == *name,
                Container::Indented(_) => false,
            };
            if let Some(open) = self.state.containers.iter().rposition(is_same) {
                self.state.containers.truncate(open);
            }
        } else if !tag.self_closing && !is_void(name) {
            self.state.enter(Container::Component { name: tag.name.clone(), base: None });
        }
    }
}

/// Behind the code span that begins at `at`, or behind its opening backticks when nothing closes them
/// before a blank line.
fn code_span_end(source: &str, at: usize) -> usize {
    const LONGEST: usize = 4096;
    let bytes = source.as_bytes();
    let run = |from: usize| bytes[from..].iter().take_while(|byte| **byte == b'`').count();
    let length = run(at);
    let mut from = at + length;
    let end = bytes.len().min(at + LONGEST);
    while from < end {
        match bytes[from] {
            b'`' => {
                let found = run(from);
                from += found;
                if found == length {
                    return from;
                }
            }
            b'\n' if bytes[from + 1..].iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r')) == Some(&b'\n') => {
                break;
            }
            _ => from += 1,
        }
    }
    at + length
}
