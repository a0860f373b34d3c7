//! Blocks: what every format is parsed into. A block is a piece of readable text that knows, for each
//! of its bytes, where in the source it came from.

use std::ops::Range;

/// What a block is, as far as packing and cutting care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    /// A heading; a smaller level encloses a larger one.
    Heading(u8),
    /// Ends the sections of this level and below; has no text.
    Close(u8),
    /// A paragraph or list item: cut at sentence ends.
    Prose,
    /// Preformatted text: cut at lines.
    Code,
    /// A table: cut at rows.
    Table,
}

/// A stretch of a block's text and the source that it stands for.
#[derive(Clone, Debug)]
struct Run {
    /// Where the stretch begins in the block's text.
    at: usize,
    source: Range<usize>,
    /// The stretch equals its source byte for byte.
    verbatim: bool,
}

/// A piece of readable text with its way back to the source.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    /// All source bytes of the block, markup included.
    pub(super) source: Range<usize>,
    /// Readable text.
    pub(super) text: String,
    runs: Vec<Run>,
    /// The block introduces the next one and should stay with it.
    pub(super) keep_with_next: bool,
    /// Bytes at the start of `text` that are a table's header.
    pub(super) header: usize,
}

impl Block {
    pub(super) fn new(kind: BlockKind, start: usize) -> Self {
        Self { kind, source: start..start, text: String::new(), runs: Vec::new(), keep_with_next: false, header: 0 }
    }

    /// A block whose text is exactly its source.
    pub(super) fn verbatim(kind: BlockKind, source: &str, range: Range<usize>) -> Self {
        let mut block = Self::new(kind, range.start);
        block.push_source(source, range);
        block
    }

    /// Appends source text as it is.
    pub(super) fn push_source(&mut self, source: &str, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.source.end = self.source.end.max(range.end);
        let continues = self.runs.last().is_some_and(|run| run.verbatim && run.source.end == range.start);
        if continues && let Some(run) = self.runs.last_mut() {
            run.source.end = range.end;
        } else {
            self.runs.push(Run { at: self.text.len(), source: range.clone(), verbatim: true });
        }
        self.text.push_str(&source[range]);
    }

    /// Appends text that stands for `range` of the source without being equal to it.
    pub(super) fn push_text(&mut self, range: Range<usize>, text: &str) {
        self.source.end = self.source.end.max(range.end);
        if !text.is_empty() {
            self.runs.push(Run { at: self.text.len(), source: range, verbatim: false });
            self.text.push_str(text);
        }
    }

    /// Appends `separator` unless the text is empty or ends with white space already.
    pub(super) fn separate(&mut self, at: usize, separator: &str) {
        if !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.push_text(at..at, separator);
        }
    }

    /// Replaces the whole text by one that stands for all of the source.
    pub(super) fn set_text(&mut self, text: String) {
        self.text = text;
        self.runs = vec![Run { at: 0, source: self.source.clone(), verbatim: false }];
    }

    /// There is nothing to read in the block.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Source position that the piece of the text begins with.
    ///
    /// What stands for other source belongs to the piece before when it is cut, unless this one has nothing else.
    pub(super) fn source_start(&self, piece: &Range<usize>) -> usize {
        let at = piece.start;
        match self.run_at(at).filter(|_| at > 0) {
            None => self.source.start,
            Some(run) if run.verbatim => (run.source.start + at - run.at).min(run.source.end),
            Some(run) if run.at < at && self.end_of(run) < piece.end => run.source.end,
            Some(run) => run.source.start,
        }
    }

    /// Source position just behind the byte before `at` of the text: where a piece that ends there ends.
    pub(super) fn source_end(&self, at: usize) -> usize {
        let is_inside = at < self.text.len();
        match self.run_at(at.saturating_sub(1)).filter(|_| is_inside) {
            None => self.source.end,
            Some(run) if run.verbatim => (run.source.start + at - run.at).min(run.source.end),
            Some(run) => run.source.end,
        }
    }

    /// The stretches of `part` of the text: each with its position in the source, and whether it equals its source.
    pub(super) fn stretches(&self, part: Range<usize>) -> impl Iterator<Item = (&str, usize, bool)> {
        let ends = self.runs.iter().skip(1).map(|run| run.at).chain(std::iter::once(self.text.len()));
        self.runs.iter().zip(ends).filter_map(move |(run, end)| {
            let (from, to) = (run.at.max(part.start), end.min(part.end));
            let source = run.source.start + if run.verbatim { from.saturating_sub(run.at) } else { 0 };
            (from < to).then(|| (&self.text[from..to], source, run.verbatim))
        })
    }

    fn end_of(&self, run: &Run) -> usize {
        let after = self.runs.partition_point(|other| other.at <= run.at);
        self.runs.get(after).map_or(self.text.len(), |next| next.at)
    }

    fn run_at(&self, at: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.at <= at);
        self.runs.get(after.checked_sub(1)?)
    }
}

/// A whole source, parsed.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) title: Option<String>,
    pub(super) metadata: serde_json::Map<String, serde_json::Value>,
    pub(super) blocks: Vec<Block>,
    pub(super) warnings: Vec<String>,
}

/// Text of a heading on one line, or nothing when there is none to read.
pub(super) fn heading_text(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    truncate(&mut out, super::limits::HEADING_BYTES);
    out
}

/// Shortens to at most `bytes` bytes, at a character border.
pub(super) fn truncate(text: &mut String, bytes: usize) {
    text.truncate(text.floor_char_boundary(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_map_back() {
        let source = "ab &amp; cd";
        let mut block = Block::new(BlockKind::Prose, 0);
        block.push_source(source, 0..3);
        block.push_text(3..8, "&");
        block.push_source(source, 8..11);
        assert_eq!(block.text, "ab & cd");
        assert_eq!(block.source_start(&(3..7)), 3);
        assert_eq!(block.source_end(4), 8);
        assert_eq!(block.source_start(&(4..7)), 8);
        assert_eq!(block.source_start(&(6..7)), 10);
        assert_eq!(block.source_end(7), 11);
    }

    #[test]
    fn what_stands_for_other_source_belongs_to_one_piece() {
        let source = "ab<td>cd";
        let mut block = Block::new(BlockKind::Prose, 0);
        block.push_source(source, 0..2);
        block.push_text(2..6, " | ");
        block.push_source(source, 6..8);
        assert_eq!(block.text, "ab | cd");
        assert_eq!((block.source_end(3), block.source_start(&(3..7))), (6, 6));
        assert_eq!(block.source_start(&(2..7)), 2, "the whole of it");
        assert_eq!(block.source_start(&(3..4)), 2, "nothing else");
    }
}
