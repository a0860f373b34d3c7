//! Line numbers of byte offsets. `\n` alone ends a line.

use std::ops::Range;

/// Where the lines of a source begin.
pub(super) struct LineIndex {
    ends: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(source: &str) -> Self {
        let ends = memchr::memchr_iter(b'\n', source.as_bytes()).collect();
        Self { ends }
    }

    /// Line of the byte at `offset`, from 1. A line break belongs to the line that it ends.
    pub(super) fn line(&self, offset: usize) -> u32 {
        let before = self.ends.partition_point(|&end| end < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// First and last line of a byte range.
    pub(super) fn lines(&self, bytes: &Range<usize>) -> (u32, u32) {
        let last = bytes.end.saturating_sub(1).max(bytes.start);
        (self.line(bytes.start), self.line(last))
    }
}

/// Calls `each` with the byte range of every line, its line break included.
pub(super) fn each_line(source: &str, range: Range<usize>, mut each: impl FnMut(Range<usize>)) {
    let mut start = range.start;
    for end in memchr::memchr_iter(b'\n', &source.as_bytes()[range.clone()]) {
        let end = range.start + end + 1;
        each(start..end);
        start = end;
    }
    if start < range.end {
        each(start..range.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_feeds_count() {
        let source = "a\r\nb\u{2028}c\rd\n\ne";
        let index = LineIndex::new(source);
        let at = |what: &str| index.line(source.find(what).unwrap());
        assert_eq!((at("a"), at("b"), at("c"), at("d"), at("e")), (1, 2, 2, 2, 4));
        assert_eq!(index.lines(&(0..source.len())), (1, 4));
        assert_eq!(index.line(2), 1);
    }

    #[test]
    fn lines_tile_the_range() {
        let mut seen = Vec::new();
        each_line("a\n\nbc", 0..5, |line| seen.push(line));
        assert_eq!(seen, [0..2, 2..3, 3..5]);
    }
}
