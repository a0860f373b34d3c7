//! Turns CommonMark events into blocks.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::Dialect;
use super::mapped::Mapped;
use crate::split::block::{Block, BlockKind};
use crate::split::html::elements::{Flow, flow, is_placeholder, readable_attributes};
use crate::split::html::{self, tags};
use crate::split::text::introduces;

/// The blocks of a Markdown text.
pub(super) fn blocks(source: &str, body: &Mapped<'_>, dialect: Dialect) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES;
    let mut builder = Builder { source, body, dialect, blocks: Vec::new(), open: None, item_start: None, html: false };
    let parser = Parser::new_ext(&body.text, options);
    let mut titles: Vec<Block> = Vec::new();
    for (_, definition) in parser.reference_definitions().iter() {
        titles.extend(builder.reference_title(definition.span.clone(), definition.title.as_deref()));
    }
    for (event, range) in parser.into_offset_iter() {
        builder.event(event, range);
    }
    builder.close(body.text.len());
    let mut blocks = builder.blocks;
    if !titles.is_empty() {
        blocks.append(&mut titles);
        blocks.sort_by_key(|block| block.source.start);
    }
    blocks
}

struct Builder<'a> {
    source: &'a str,
    body: &'a Mapped<'a>,
    dialect: Dialect,
    blocks: Vec<Block>,
    open: Option<Block>,
    /// Where the list item or footnote begins whose first block is still to come.
    item_start: Option<usize>,
    html: bool,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag, range),
            _ if self.html => {}
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => self.code_span(&code, range),
            Event::InlineHtml(_) | Event::Html(_) => self.inline_html(range),
            Event::SoftBreak => self.replace(range, " "),
            Event::HardBreak => self.replace(range, "\n"),
            Event::Rule => self.close(range.start),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text, range),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.begin(BlockKind::Prose, range.start),
            Tag::Heading { level, .. } => self.begin(BlockKind::Heading(*level as u8), range.start),
            Tag::CodeBlock(kind) => {
                self.begin(BlockKind::Code, range.start);
                if let CodeBlockKind::Fenced(info) = kind {
                    self.code_label(info, range.start);
                }
            }
            Tag::HtmlBlock => {
                self.close(range.start);
                self.html = true;
            }
            Tag::Table(_) => self.begin(BlockKind::Table, range.start),
            Tag::TableCell => self.cell(range.start),
            Tag::Item | Tag::FootnoteDefinition(_) => {
                self.close(range.start);
                self.item_start = Some(self.body.start(range.start));
            }
            Tag::BlockQuote(_) | Tag::List(_) => self.close(range.start),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Range<usize>) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::Table => {
                self.close(range.end);
            }
            TagEnd::TableHead => {
                self.end_row(range.end);
                if let Some(block) = &mut self.open {
                    block.header = block.text.len();
                }
            }
            TagEnd::TableRow => self.end_row(range.end),
            TagEnd::HtmlBlock => {
                self.html = false;
                let from = self.item_start.take().unwrap_or_else(|| self.body.start(range.start));
                let mut blocks = html::fragment(self.source, self.body.start(range.start)..self.body.end(range.end));
                if let Some(first) = blocks.first_mut() {
                    first.source.start = first.source.start.min(from);
                }
                self.blocks.append(&mut blocks);
            }
            TagEnd::Item | TagEnd::List(_) | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                self.close(range.end);
            }
            _ => {}
        }
    }

    fn begin(&mut self, kind: BlockKind, at: usize) {
        self.close(at);
        let start = self.item_start.take().unwrap_or_else(|| self.body.start(at));
        self.open = Some(Block::new(kind, start));
    }

    /// Ends the open block. Text of a tight list item has no end of its own: what follows it ends it.
    fn close(&mut self, at: usize) {
        let Some(mut block) = self.open.take() else {
            return;
        };
        let whole = matches!(block.kind, BlockKind::Code | BlockKind::Table | BlockKind::Heading(_));
        if whole {
            block.source.end = block.source.end.max(self.body.end(at));
        }
        block.keep_with_next = introduces(&block.text);
        self.blocks.push(block);
    }

    /// The open block, or a new one for the text of a tight list item.
    fn opened(&mut self, at: usize) -> &mut Block {
        let start = self.item_start.take();
        let body = self.body;
        self.open.get_or_insert_with(|| Block::new(BlockKind::Prose, start.unwrap_or_else(|| body.start(at))))
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        let (source, body) = (self.source, self.body);
        if body.text[range.clone()] == *text {
            body.copy(self.opened(range.start), source, range);
        } else {
            self.replace(range, text);
        }
    }

    fn replace(&mut self, range: Range<usize>, text: &str) {
        let mapped = self.body.start(range.start)..self.body.end(range.end);
        self.opened(range.start).push_text(mapped.start..mapped.end.max(mapped.start), text);
    }

    /// Copies a code span word by word: a line break in it is shown as a space.
    fn code_span(&mut self, code: &str, range: Range<usize>) {
        let mut at = range.start;
        for (index, word) in code.split(' ').enumerate() {
            if index > 0 {
                self.replace(at..at, " ");
            }
            match self.body.text[at..range.end].find(word) {
                Some(found) => {
                    let start = at + found;
                    at = start + word.len();
                    self.text(word, start..at);
                }
                None => self.replace(at..range.end, word),
            }
        }
    }

    fn cell(&mut self, at: usize) {
        if let Some(block) = &mut self.open
            && !block.text.is_empty()
            && !block.text.ends_with('\n')
        {
            let at = self.body.start(at);
            block.push_text(at..at, " | ");
        }
    }

    fn end_row(&mut self, at: usize) {
        let at = self.body.end(at);
        if let Some(block) = &mut self.open {
            block.push_text(at..at, "\n");
        }
    }

    fn inline_html(&mut self, range: Range<usize>) {
        let text = &*self.body.text;
        for token in tags::tokens(text, range) {
            let tags::Token::Tag(tag) = token else {
                continue;
            };
            if is_placeholder(text, &tag) && self.dialect == Dialect::Markdown {
                self.text(&text[tag.name.clone()], tag.name.clone());
            } else if flow(&text[tag.name.clone()]) == Some(Flow::Line) {
                let line = if self.in_table() { " " } else { "\n" };
                self.replace(tag.range.clone(), line);
            }
            for value in readable_attributes(text, &tag) {
                self.text(&text[value.clone()], value);
            }
        }
    }

    fn in_table(&self) -> bool {
        self.open.as_ref().is_some_and(|block| block.kind == BlockKind::Table)
    }

    /// What a fence says beside the language: a file's name or a title.
    fn code_label(&mut self, info: &str, at: usize) {
        let text = &*self.body.text;
        let line = &text[at..at + text[at..].find('\n').unwrap_or(text.len() - at)];
        let Some(offset) = line.rfind(info).filter(|_| !info.is_empty()) else {
            return;
        };
        for word in label_words(info) {
            let start = at + offset + word.start;
            self.text(&info[word.clone()], start..start + word.len());
            self.replace(start..start, " ");
        }
        if let Some(block) = self.open.as_mut().filter(|block| !block.text.is_empty()) {
            let end = block.source.end;
            block.push_text(end..end, "\n");
        }
    }

    /// The title of a link reference definition, which no event shows.
    fn reference_title(&self, span: Range<usize>, title: Option<&str>) -> Option<Block> {
        let title = title.filter(|title| !title.trim().is_empty())?;
        let mut block = Block::new(BlockKind::Prose, self.body.start(span.start));
        block.push_text(self.body.start(span.start)..self.body.end(span.end), title);
        Some(block)
    }
}

/// The words of a fence's info string that a page shows. Settings such as `{1,3}` or `theme=dark` are not.
fn label_words(info: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = info.find(char::is_whitespace).unwrap_or(info.len());
    while let Some(start) = info[at..].find(|c: char| !c.is_whitespace()).map(|found| at + found) {
        let rest = &info[start..];
        let quoted = rest
            .find(['"', '\''])
            .filter(|open| rest[..*open].ends_with('=') && !rest[..*open].contains(char::is_whitespace));
        if let Some(open) = quoted {
            let sign = &rest[open..=open];
            let close = rest[open + 1..].find(sign).map_or(rest.len(), |found| open + 1 + found);
            let key = &rest[..open - 1];
            if matches!(key, "title" | "filename" | "file" | "name" | "label" | "caption") {
                words.push(start + open + 1..start + close);
            }
            at = (start + close + 1).min(info.len());
            continue;
        }
        let length = if rest.starts_with('{') { rest.find('}').map_or(rest.len(), |end| end + 1) } else { 0 };
        let length = length.max(rest.find(char::is_whitespace).unwrap_or(rest.len()));
        let word = &rest[..length];
        if !word.starts_with('{') && !word.contains('=') {
            words.push(start..start + length);
        }
        at = start + length;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::label_words;

    #[test]
    fn labels_of_fences() {
        let shown = |info: &str| label_words(info).into_iter().map(|word| info[word].to_owned()).collect::<Vec<_>>();
        assert_eq!(shown("rust"), Vec::<String>::new());
        assert_eq!(shown("ts server.ts theme={null} {1, 3}"), ["server.ts"]);
        assert_eq!(shown("py title=\"My file\" icon='x' linenums=\"1\""), ["My file"]);
        assert_eq!(shown("py title=\"open"), ["open"]);
    }
}
