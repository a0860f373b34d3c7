//! Plain text: paragraphs between blank lines.

use std::ops::Range;

use super::behind_bom;
use super::block::{Block, BlockKind, Parsed};
use super::lines::each_line;

pub(super) fn parse(source: &str) -> Parsed {
    let mut parsed = Parsed::default();
    paragraphs(source, behind_bom(source)..source.len(), BlockKind::Prose, &mut parsed.blocks);
    parsed
}

/// Adds a block for each run of lines without a blank one.
pub(super) fn paragraphs(source: &str, range: Range<usize>, kind: BlockKind, blocks: &mut Vec<Block>) {
    let mut open: Option<Range<usize>> = None;
    let mut close = |open: &mut Option<Range<usize>>| {
        if let Some(range) = open.take() {
            let mut block = Block::verbatim(kind, source, range);
            block.keep_with_next = introduces(&block.text);
            blocks.push(block);
        }
    };
    each_line(source, range, |line| {
        if source[line.clone()].trim().is_empty() {
            close(&mut open);
        } else {
            let start = open.as_ref().map_or(line.start, |range| range.start);
            open = Some(start..line.end);
        }
    });
    close(&mut open);
}

/// A text that ends with a colon introduces what follows it.
pub(super) fn introduces(text: &str) -> bool {
    text.trim_end().ends_with([':', '：'])
}
