//! A text made from a source by leaving parts out and putting blank lines in, which still knows where
//! each of its bytes came from.

use std::borrow::Cow;
use std::ops::Range;

use crate::split::block::Block;

#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Where the segment begins in the text.
    at: usize,
    /// Where it begins in the source.
    source: usize,
    /// The segment was put in: it has no source bytes.
    inserted: bool,
}

/// A text and its way back to the source.
#[derive(Debug)]
pub(super) struct Mapped<'a> {
    pub(super) text: Cow<'a, str>,
    segments: Vec<Segment>,
}

impl<'a> Mapped<'a> {
    /// The end of the source as it is.
    pub(super) fn tail(source: &'a str, start: usize) -> Self {
        Self {
            text: Cow::Borrowed(&source[start..]),
            segments: vec![Segment { at: 0, source: start, inserted: false }],
        }
    }

    pub(super) fn empty() -> Self {
        Self { text: Cow::Owned(String::new()), segments: Vec::new() }
    }

    pub(super) fn push(&mut self, source: &str, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let at = self.text.len();
        let continues =
            self.segments.last().is_some_and(|last| !last.inserted && last.source + (at - last.at) == range.start);
        if !continues {
            self.segments.push(Segment { at, source: range.start, inserted: false });
        }
        self.text.to_mut().push_str(&source[range]);
    }

    /// Puts in text that stands between the source's bytes.
    pub(super) fn insert(&mut self, source_at: usize, text: &str) {
        self.segments.push(Segment { at: self.text.len(), source: source_at, inserted: true });
        self.text.to_mut().push_str(text);
    }

    fn segment(&self, at: usize) -> (usize, Option<Segment>) {
        let after = self.segments.partition_point(|segment| segment.at <= at);
        let index = after.saturating_sub(1);
        (index, self.segments.get(index).copied())
    }

    /// Source position of a piece that begins at `at`.
    pub(super) fn start(&self, at: usize) -> usize {
        match self.segment(at).1 {
            Some(segment) if !segment.inserted => segment.source + (at - segment.at),
            Some(segment) => segment.source,
            None => 0,
        }
    }

    /// Source position of a piece that ends at `at`.
    pub(super) fn end(&self, at: usize) -> usize {
        match self.segment(at.saturating_sub(1)).1 {
            Some(segment) if !segment.inserted => segment.source + (at - segment.at),
            Some(segment) => segment.source,
            None => 0,
        }
    }

    /// Appends a range of the text to a block, piece by piece.
    pub(super) fn copy(&self, block: &mut Block, source: &str, range: Range<usize>) {
        let (mut index, _) = self.segment(range.start);
        let mut at = range.start;
        while at < range.end {
            let Some(segment) = self.segments.get(index) else {
                return;
            };
            let next = self.segments.get(index + 1).map_or(self.text.len(), |next| next.at);
            let to = next.min(range.end);
            if segment.inserted {
                block.push_text(segment.source..segment.source, &self.text[at..to]);
            } else {
                let from = segment.source + (at - segment.at);
                block.push_source(source, from..from + (to - at));
            }
            at = to;
            index += 1;
        }
    }
}
