//! Explicit markup: directives, whose markers are dropped and whose content is kept, and everything else
//! that begins with two dots.

use std::ops::Range;

use super::{Parser, is_field};
use crate::split::block::BlockKind;
use crate::split::html;

/// What a directive's content is.
enum Content {
    /// Nothing that a page shows.
    Nothing,
    /// Shown as it is.
    Code,
    /// HTML, if the argument says so.
    Raw,
    /// The description of a function, class, option: its signature is a heading.
    Object,
    /// Titles and names of other pages.
    Pages,
    /// One row a line.
    Rows,
    /// A picture: its alternative text, and a caption.
    Picture,
    /// Text, of which the argument is the beginning.
    Text,
}

fn content(name: &str) -> Content {
    match name.rsplit(':').next().unwrap_or(name) {
        "include"
        | "literalinclude"
        | "contents"
        | "default-domain"
        | "highlight"
        | "index"
        | "currentmodule"
        | "module"
        | "role"
        | "meta"
        | "program"
        | "default-role"
        | "sectnum"
        | "tabularcolumns"
        | "namespace"
        | "automodule"
        | "autoclass"
        | "autofunction"
        | "target-notes"
        | "default-literal-role"
        | "unicode"
        | "date" => Content::Nothing,
        "code-block" | "code" | "sourcecode" | "parsed-literal" | "prompt" | "math" | "productionlist" | "doctest"
        | "testcode" | "testoutput" | "graphviz" | "mermaid" | "digraph" | "literal" | "highlights" => Content::Code,
        "raw" => Content::Raw,
        "function" | "method" | "class" | "data" | "attribute" | "exception" | "type" | "macro" | "member" | "var"
        | "option" | "envvar" | "describe" | "object" | "confval" | "cmdoption" | "staticmethod" | "classmethod"
        | "decorator" | "property" | "struct" | "enum" | "enumerator" | "union" | "concept" | "alias" => {
            Content::Object
        }
        "toctree" => Content::Pages,
        "csv-table" => Content::Rows,
        "image" | "figure" => Content::Picture,
        _ => Content::Text,
    }
}

/// Objects are headings below every section title.
const OBJECT_LEVEL: u8 = 32;

struct Directive<'a> {
    name: &'a str,
    /// Source range of what follows the two colons.
    argument: Range<usize>,
    line: usize,
    /// Lines below, indented further.
    body: Range<usize>,
}

impl<'a> Parser<'a> {
    /// Takes what begins with two dots, and gives the line behind it.
    pub(super) fn explicit(&mut self, at: usize, end: usize, depth: usize) -> usize {
        let text = self.text(at);
        let line = self.lines[at];
        let is_alone = at + 1 >= end || self.lines[at + 1].is_blank();
        if text == ".." && is_alone {
            return at + 1;
        }
        let next = self.region(at, end, |below| below.indent > line.indent);
        let rest = text[2..].trim_start();
        if let Some(close) = rest.strip_prefix('[').and_then(|note| note.find("] ")) {
            let taken = text.len() - rest.len() + close + 3;
            self.nested(at..next, taken, self.inner_indent(at + 1..next, line.indent), depth);
            return next;
        }
        if rest.starts_with(['_', '|']) {
            return next;
        }
        if let Some((name, argument)) = directive_name(rest) {
            let argument = line.end - argument.len()..line.end;
            self.directive(&Directive { name, argument, line: at, body: at + 1..next }, depth);
            self.item_start = None;
        }
        next
    }

    fn inner_indent(&self, lines: Range<usize>, outer: usize) -> usize {
        self.lines[lines].iter().find(|line| !line.is_blank()).map_or(outer + 1, |line| line.indent)
    }

    fn directive(&mut self, directive: &Directive<'a>, depth: usize) {
        self.item_start = Some(self.lines[directive.line].first);
        match content(directive.name) {
            Content::Nothing => {}
            Content::Object => self.object(directive, depth),
            Content::Code => {
                self.options(directive, &["caption", "name"]);
                self.code(self.shown_lines(directive));
            }
            Content::Raw => {
                let lines = self.shown_lines(directive);
                let is_html = self.source[directive.argument.clone()].trim() == "html";
                if let (true, Some(first), Some(last)) =
                    (is_html, self.lines.get(lines.start), self.lines[..lines.end].last())
                {
                    let range = first.first..last.end.max(first.first);
                    self.blocks.extend(html::fragment(self.source, range));
                }
            }
            Content::Pages => {
                self.options(directive, &["caption"]);
                self.pages(directive);
            }
            Content::Rows => {
                self.lead(directive);
                let lines = self.shown_lines(directive);
                let before = self.blocks.len();
                self.code(lines);
                if let Some(table) = self.blocks.get_mut(before) {
                    table.kind = BlockKind::Table;
                }
            }
            Content::Picture => {
                self.options(directive, &["alt"]);
                let body = self.shown_lines(directive);
                let indent = self.inner_indent(body.clone(), self.lines[directive.line].indent);
                self.body(body, indent, depth + 1);
            }
            Content::Text => self.flowing(directive, depth),
        }
    }

    /// The argument as a paragraph of its own.
    fn lead(&mut self, directive: &Directive<'a>) {
        self.value(directive.argument.clone());
    }

    fn value(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let mut block = self.block(BlockKind::Prose, range.start);
        super::inline::push(&mut block, self.source, range, &self.references);
        block.keep_with_next = true;
        self.blocks.push(block);
    }

    /// Number of option lines directly below the directive.
    fn option_lines(&self, directive: &Directive<'a>) -> usize {
        directive.body.clone().take_while(|line| is_field(self.text(*line))).count()
    }

    /// Shows the values of some options.
    fn options(&mut self, directive: &Directive<'a>, shown: &[&str]) {
        for line in directive.body.clone().take(self.option_lines(directive)) {
            let text = self.text(line);
            let Some((name, value)) = text[1..].split_once(':') else {
                continue;
            };
            if shown.contains(&name) {
                let end = self.lines[line].end;
                self.value(end - value.trim_start().len()..end);
            }
        }
    }

    /// The lines below the options, from the first that is not blank.
    fn shown_lines(&self, directive: &Directive<'a>) -> Range<usize> {
        let from = directive.body.start + self.option_lines(directive);
        let first = (from..directive.body.end).find(|line| !self.lines[*line].is_blank());
        first.unwrap_or(directive.body.end)..directive.body.end
    }

    /// Text that begins behind the directive's name and goes on below it.
    fn flowing(&mut self, directive: &Directive<'a>, depth: usize) {
        let options = self.option_lines(directive);
        for line in directive.body.clone().take(options) {
            self.lines[line].start = self.lines[line].end;
        }
        let indent = self.inner_indent(directive.body.clone(), self.lines[directive.line].indent);
        let first = &mut self.lines[directive.line];
        let whole = directive.line..directive.body.end;
        first.start = directive.argument.start;
        first.indent = indent;
        self.body(whole, indent, depth + 1);
    }

    /// A signature, or several, and the description below.
    fn object(&mut self, directive: &Directive<'a>, depth: usize) {
        let is_signature = |line: &usize| !self.lines[*line].is_blank() && !is_field(self.text(*line));
        let more = directive.body.clone().take_while(is_signature).count();
        let level = OBJECT_LEVEL.saturating_add(u8::try_from(depth).unwrap_or(u8::MAX / 4)).min(u8::MAX - 1);
        let last = self.lines[directive.line + more].end;
        let mut block = self.block(BlockKind::Heading(level), directive.argument.start);
        super::inline::push(&mut block, self.source, directive.argument.start..last, &self.references);
        block.source.end = last;
        self.blocks.push(block);
        let body = directive.body.start + more..directive.body.end;
        let below = Directive { body, argument: directive.argument.clone(), ..*directive };
        let lines = self.shown_lines(&below);
        let indent = self.inner_indent(lines.clone(), self.lines[directive.line].indent);
        self.body(lines, indent, depth + 1);
        self.blocks.push(crate::split::block::Block::new(BlockKind::Close(level), last));
    }

    /// Entries of a table of contents that have a title of their own: `Title <page>`.
    fn pages(&mut self, directive: &Directive<'a>) {
        for line in self.shown_lines(directive) {
            let text = self.text(line);
            if let Some(open) = text.rfind(" <").filter(|_| text.ends_with('>')) {
                let start = self.lines[line].start;
                self.value(start..start + open);
            }
        }
    }
}

/// Name and argument of `name:: argument`.
fn directive_name(text: &str) -> Option<(&str, &str)> {
    let at = text.find("::")?;
    let name = text[..at].trim_end();
    let argument = &text[at + 2..];
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.+".contains(&byte));
    let ends = argument.is_empty() || argument.starts_with(char::is_whitespace);
    (is_name && ends).then(|| (name, argument.trim_start()))
}
