//! A passage's readable text under construction, and the way from each of its bytes back to the source.

use super::block::Block;

/// Where in the source the bytes of a readable text came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMap {
    /// Bytes of white space that were cut off in front.
    skipped: usize,
    stretches: Vec<Stretch>,
}

/// A stretch of text that begins at `at` and ends where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    at: usize,
    source: usize,
    /// The stretch equals its source byte for byte; otherwise all of it stands for what begins at `source`.
    verbatim: bool,
}

impl SourceMap {
    /// Position in the source of the byte at `at` of the text, in bytes; 0 where nothing is known.
    #[must_use]
    pub fn source(&self, at: usize) -> usize {
        let at = at + self.skipped;
        let after = self.stretches.partition_point(|stretch| stretch.at <= at);
        match after.checked_sub(1).map(|last| self.stretches[last]) {
            Some(stretch) if stretch.verbatim => stretch.source + at - stretch.at,
            Some(stretch) => stretch.source,
            None => 0,
        }
    }
}

/// Readable text as it is indexed: line breaks are `\n`, other control characters are spaces.
#[derive(Debug, Default)]
pub(super) struct Readable {
    text: String,
    map: SourceMap,
}

impl Readable {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Ends the line, on behalf of the source at `source`.
    pub(super) fn end_line(&mut self, source: usize) {
        self.push("\n", source, false);
    }

    /// Appends a part of a block's text.
    pub(super) fn push_part(&mut self, block: &Block, part: std::ops::Range<usize>) {
        for (text, source, verbatim) in block.stretches(part) {
            self.push(text, source, verbatim);
        }
    }

    fn push(&mut self, text: &str, source: usize, verbatim: bool) {
        self.map.stretches.push(Stretch { at: self.text.len(), source, verbatim });
        let is_odd = |byte: u8| byte < b' ' && byte != b'\n' && byte != b'\t';
        if !text.bytes().any(is_odd) {
            self.text.push_str(text);
            return;
        }
        for (at, character) in text.char_indices() {
            let behind = at + character.len_utf8();
            match character {
                '\r' if text[behind..].starts_with('\n') => {}
                '\r' => self.text.push('\n'),
                '\n' | '\t' => self.text.push(character),
                _ if character.is_control() => self.text.push(' '),
                _ => self.text.push(character),
            }
            if verbatim && character.is_control() {
                let stretch = Stretch { at: self.text.len(), source: source + behind, verbatim };
                self.map.stretches.push(stretch);
            }
        }
    }

    /// The text without white space around it, and its map.
    pub(super) fn finish(self) -> (String, SourceMap) {
        let kept = self.text.trim_start();
        let skipped = self.text.len() - kept.len();
        (kept.trim_end().to_owned(), SourceMap { skipped, ..self.map })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::block::BlockKind;

    #[test]
    fn every_byte_finds_its_source() {
        let source = "x  one\r\ntwo &amp; \u{1}three";
        let mut block = Block::new(BlockKind::Prose, 1);
        block.push_source(source, 1..12);
        block.push_text(12..17, "&");
        block.push_source(source, 17..source.len());
        let mut readable = Readable::default();
        readable.push_part(&block, 0..block.text.len());
        readable.end_line(source.len());
        readable.push_part(&block, 2..5);
        let (text, map) = readable.finish();
        assert_eq!(text, "one\ntwo &  three\none");
        let found = |word: &str, nth: usize| map.source(text.match_indices(word).nth(nth).unwrap().0);
        assert_eq!(found("one", 0), source.find("one").unwrap());
        assert_eq!(found("two", 0), source.find("two").unwrap());
        assert_eq!(found("wo", 0), source.find("wo").unwrap());
        assert_eq!(found("&", 0), source.find("&amp;").unwrap());
        assert_eq!(found("ree", 0), source.find("ree").unwrap());
        assert_eq!(found("one", 1), source.find("one").unwrap());
        assert_eq!(SourceMap::default().source(7), 0);
    }
}
