//! HTML pages, and HTML inside Markdown: headings, paragraphs, lists, tables and preformatted text, each
//! with its exact source bytes.

pub(super) mod elements;
mod entities;
pub(super) mod tags;

use std::ops::Range;

use self::elements::{Flow, flow, heading_level, is_placeholder, readable_attributes};
use self::tags::{Tag, Token, tokens};
use super::behind_bom;
use super::block::{Block, BlockKind, Parsed, heading_text};
use super::text::introduces;

pub(super) fn parse(source: &str) -> Parsed {
    let mut page = Page::new(source, Place::Page);
    page.run(behind_bom(source)..source.len());
    let headline = page.blocks.iter().find(|block| block.kind == BlockKind::Heading(1));
    let title = headline.map(|block| heading_text(&block.text)).or(page.title);
    Parsed { title, blocks: page.blocks, ..Parsed::default() }
}

/// The blocks of a piece of HTML inside a Markdown file.
pub(super) fn fragment(source: &str, range: Range<usize>) -> Vec<Block> {
    let mut page = Page::new(source, Place::Markdown);
    page.run(range);
    page.blocks
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Page,
    Markdown,
}

struct Page<'a> {
    source: &'a str,
    place: Place,
    blocks: Vec<Block>,
    title: Option<String>,
    open: Option<Block>,
    /// Depth of `table` elements, while they are read as a table.
    tables: usize,
    rows: usize,
    in_pre: bool,
    in_title: bool,
    /// Elements that were opened to be skipped but are never closed, so that nothing is searched twice.
    unclosed: Vec<&'static str>,
}

impl<'a> Page<'a> {
    fn new(source: &'a str, place: Place) -> Self {
        Self {
            source,
            place,
            blocks: Vec::new(),
            title: None,
            open: None,
            tables: 0,
            rows: 0,
            in_pre: false,
            in_title: false,
            unclosed: Vec::new(),
        }
    }

    fn run(&mut self, range: Range<usize>) {
        let mut skip_to = range.start;
        let end = range.end;
        for token in tokens(self.source, range) {
            match token {
                Token::Comment(_) => {}
                Token::Text(text) if text.end <= skip_to => {}
                Token::Text(text) => self.text(text.start.max(skip_to)..text.end),
                Token::Tag(tag) if tag.range.start < skip_to => {}
                Token::Tag(tag) => {
                    if let Some(behind) = self.skipped(&tag, end) {
                        skip_to = behind;
                    } else {
                        self.tag(&tag);
                    }
                }
            }
        }
        self.close(end);
    }

    fn text(&mut self, range: Range<usize>) {
        if self.in_title {
            let mut block = Block::new(BlockKind::Prose, range.start);
            entities::push_text(&mut block, self.source, range, false);
            self.title = Some(heading_text(&block.text)).filter(|title| !title.is_empty()).or(self.title.take());
            return;
        }
        if self.open.is_none() && self.source[range.clone()].trim().is_empty() {
            return;
        }
        let block = self.open.get_or_insert_with(|| Block::new(BlockKind::Prose, range.start));
        entities::push_text(block, self.source, range, self.in_pre);
    }

    /// Position behind an element that nobody reads, when the tag opens one that is closed again.
    fn skipped(&mut self, tag: &Tag, end: usize) -> Option<usize> {
        const NEVER_READ: [&str; 4] = ["script", "style", "template", "svg"];
        const NOT_IN_PAGES: [&str; 1] = ["nav"];
        if tag.closing || tag.self_closing {
            return None;
        }
        let name = &self.source[tag.name.clone()];
        let is_same = |known: &&&'static str| name.eq_ignore_ascii_case(known);
        let of_pages = NOT_IN_PAGES.iter().filter(|_| self.place == Place::Page);
        let known = *NEVER_READ.iter().chain(of_pages).find(is_same)?;
        if self.unclosed.contains(&known) {
            return None;
        }
        let found = element_end(self.source, known, tag.range.end..end);
        if found.is_none() {
            self.unclosed.push(known);
        }
        found
    }

    fn tag(&mut self, tag: &Tag) {
        let name = &self.source[tag.name.clone()];
        if is_placeholder(self.source, tag) && self.place == Place::Markdown {
            self.text(tag.name.clone());
            return;
        }
        if name.eq_ignore_ascii_case("title") {
            self.in_title = !tag.closing && self.place == Place::Page && self.title.is_none();
        }
        match flow(name).unwrap_or(Flow::Inline) {
            Flow::Inline => {}
            Flow::Cell => self.cell(tag, name),
            Flow::Line => self.line(tag),
            Flow::Block => self.block(tag, name),
        }
        for value in readable_attributes(self.source, tag) {
            self.separate(value.start, " ");
            self.text(value.clone());
            self.separate(value.end, " ");
        }
    }

    fn separate(&mut self, at: usize, separator: &str) {
        if let Some(block) = &mut self.open {
            block.separate(at, separator);
        }
    }

    fn cell(&mut self, tag: &Tag, name: &str) {
        if tag.closing {
            return;
        }
        if let Some(block) = &mut self.open
            && block.kind == BlockKind::Table
        {
            if self.rows == 1 && name.eq_ignore_ascii_case("th") {
                block.header = usize::MAX;
            }
            if !block.text.is_empty() && !block.text.ends_with('\n') {
                block.push_text(tag.range.clone(), " | ");
            }
        } else {
            self.separate(tag.range.start, " ");
        }
    }

    fn line(&mut self, tag: &Tag) {
        let is_row = self.source[tag.name.clone()].eq_ignore_ascii_case("tr");
        if is_row && !tag.closing {
            self.rows += 1;
        }
        let Some(block) = &mut self.open else {
            return;
        };
        if block.kind == BlockKind::Table && !is_row {
            block.separate(tag.range.start, " ");
        } else if self.in_pre || !block.text.ends_with('\n') {
            block.push_text(tag.range.clone(), "\n");
        }
        if is_row && tag.closing && self.rows == 1 && block.header == usize::MAX {
            block.header = block.text.len();
        }
    }

    fn block(&mut self, tag: &Tag, name: &str) {
        let level = heading_level(name);
        let is_table = name.eq_ignore_ascii_case("table");
        if level.is_some() && self.tables > 0 {
            // A table around headings lays out a page.
            self.tables = 0;
            self.close(tag.range.start);
        }
        if self.tables > 0 {
            self.inside_table(tag, is_table);
            return;
        }
        let behind = if tag.closing { tag.range.end } else { tag.range.start };
        self.close(behind);
        if tag.closing || tag.self_closing {
            return;
        }
        let kind = match level {
            Some(level) => BlockKind::Heading(level),
            None if is_table => BlockKind::Table,
            None if self.in_pre => BlockKind::Code,
            None => BlockKind::Prose,
        };
        self.tables = usize::from(is_table);
        self.rows = 0;
        self.open = Some(Block::new(kind, tag.range.start));
        if name.eq_ignore_ascii_case("pre") {
            self.in_pre = true;
            self.open = Some(Block::new(BlockKind::Code, tag.range.start));
        }
    }

    fn inside_table(&mut self, tag: &Tag, is_table: bool) {
        if is_table && tag.closing {
            self.tables -= 1;
        } else if is_table && !tag.self_closing {
            self.tables += 1;
        }
        if self.tables == 0 {
            self.close(tag.range.end);
        } else {
            self.separate(tag.range.start, " ");
        }
    }

    /// Ends the open block at `end`.
    fn close(&mut self, end: usize) {
        self.in_pre = false;
        let Some(mut block) = self.open.take() else {
            return;
        };
        if block.is_blank() {
            return;
        }
        block.source.end = block.source.end.max(end);
        if block.header > block.text.len() {
            block.header = 0;
        }
        block.keep_with_next = introduces(&block.text);
        self.blocks.push(block);
    }
}

/// Position behind the closing tag that belongs to an element whose content begins at `range.start`.
fn element_end(source: &str, name: &str, range: Range<usize>) -> Option<usize> {
    let is_raw = matches!(name, "script" | "style");
    let mut depth = 1_usize;
    let mut at = range.start;
    while let Some(found) = memchr::memchr(b'<', &source.as_bytes()[at..range.end]) {
        let open = at + found;
        at = open + 1;
        let rest = &source.as_bytes()[at..range.end];
        let closes = rest.first() == Some(&b'/');
        let rest = if closes { &rest[1..] } else { rest };
        let is_same = rest.len() > name.len()
            && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes())
            && !rest[name.len()].is_ascii_alphanumeric();
        if !is_same {
            continue;
        }
        if closes {
            depth -= 1;
        } else if !is_raw {
            depth += 1;
        }
        if depth == 0 {
            let end = memchr::memchr(b'>', &source.as_bytes()[at..range.end]);
            return Some(end.map_or(range.end, |end| at + end + 1));
        }
    }
    None
}
