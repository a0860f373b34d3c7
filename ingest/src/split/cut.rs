//! Cuts a text that is too long for one passage: at rows, lines or sentences where that is enough, at
//! spaces where it is not, and inside a word only as a last resort.

use std::ops::Range;

use super::block::BlockKind;
use super::limits::ROUGH_TOKEN_BYTES;
use super::options::TokenCounter;

/// A part of a block's text and its number of tokens.
pub(super) type Piece = (Range<usize>, usize);

#[derive(Clone, Copy)]
enum Border {
    BlankLines,
    Lines,
    Sentences,
}

fn borders(kind: BlockKind) -> &'static [Border] {
    match kind {
        BlockKind::Code => &[Border::BlankLines, Border::Lines],
        BlockKind::Table => &[Border::Lines, Border::Sentences],
        BlockKind::Prose | BlockKind::Heading(_) | BlockKind::Close(_) => &[Border::Sentences],
    }
}

/// Cuts texts into pieces of about `target` tokens, none above `most`.
pub(super) struct Cutter<'a> {
    pub(super) text: &'a str,
    pub(super) target: usize,
    pub(super) most: usize,
    pub(super) counter: &'a dyn TokenCounter,
}

impl Cutter<'_> {
    /// The pieces of `range`, in order and without gaps.
    pub(super) fn cut(&self, kind: BlockKind, range: Range<usize>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.cut_at(borders(kind), range, &mut pieces);
        pieces
    }

    fn cut_at(&self, levels: &[Border], range: Range<usize>, pieces: &mut Vec<Piece>) {
        let Some((&level, finer)) = levels.split_first() else {
            return self.cut_words(range, pieces);
        };
        let mut open: Option<Piece> = None;
        for atom in self.atoms(level, range) {
            let tokens = self.counter.count(&self.text[atom.clone()]);
            if let Some((part, sum)) = &mut open
                && *sum + tokens <= self.target
            {
                part.end = atom.end;
                *sum += tokens;
                continue;
            }
            pieces.extend(open.take());
            if tokens <= self.most {
                open = Some((atom, tokens));
            } else {
                self.cut_at(finer, atom, pieces);
            }
        }
        pieces.extend(open);
    }

    fn atoms(&self, level: Border, range: Range<usize>) -> Vec<Range<usize>> {
        let text = &self.text[range.clone()];
        let mut atoms = Vec::new();
        let mut start = 0;
        let mut close = |end: usize| {
            if end > start {
                atoms.push(range.start + start..range.start + end);
                start = end;
            }
        };
        match level {
            Border::Lines => {
                memchr::memchr_iter(b'\n', text.as_bytes()).for_each(|at| close(at + 1));
            }
            Border::BlankLines => blank_lines(text).for_each(&mut close),
            Border::Sentences => sentence_ends(text).for_each(&mut close),
        }
        close(text.len());
        atoms
    }

    /// First roughly by length, so that each byte is counted a few times at most, then by halves.
    fn cut_words(&self, range: Range<usize>, pieces: &mut Vec<Piece>) {
        let rough = (self.target * ROUGH_TOKEN_BYTES).max(1);
        let mut start = range.start;
        let mut atoms = Vec::new();
        while start < range.end {
            let end =
                if range.end - start <= rough { range.end } else { self.break_near(start, start + rough, range.end) };
            self.halve(start..end, &mut atoms);
            start = end;
        }
        for (part, tokens) in atoms {
            match pieces.last_mut() {
                Some((last, sum))
                    if last.end == part.start && last.start >= range.start && *sum + tokens <= self.target =>
                {
                    last.end = part.end;
                    *sum += tokens;
                }
                _ => pieces.push((part, tokens)),
            }
        }
    }

    fn halve(&self, range: Range<usize>, atoms: &mut Vec<Piece>) {
        let tokens = self.counter.count(&self.text[range.clone()]);
        let middle = self.break_near(range.start, range.start + range.len() / 2, range.end);
        if tokens <= self.most || middle >= range.end {
            atoms.push((range, tokens));
            return;
        }
        self.halve(range.start..middle, atoms);
        self.halve(middle..range.end, atoms);
    }

    /// The best place to break in `start..end`, searched backwards from `near`: behind a space, else behind
    /// punctuation, else between characters. Always behind `start`.
    fn break_near(&self, start: usize, near: usize, end: usize) -> usize {
        let near = self.text.floor_char_boundary(near.min(end));
        let window = &self.text[start..near];
        let floor = window.len() / 2;
        let behind = |found: Option<(usize, char)>| found.map(|(at, c)| at + c.len_utf8()).filter(|at| *at > floor);
        let space = window.char_indices().rfind(|(_, c)| c.is_whitespace());
        let sign = || window.char_indices().rfind(|(_, c)| !c.is_alphanumeric());
        if let Some(at) = behind(space).or_else(|| behind(sign())) {
            return start + at;
        }
        if near > start {
            return near;
        }
        self.text[start..end].chars().next().map_or(end, |c| start + c.len_utf8())
    }
}

/// Ends of runs of blank lines.
fn blank_lines(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    let mut blank = false;
    memchr::memchr_iter(b'\n', bytes).filter_map(move |at| {
        let next = bytes[at + 1..].iter().position(|b| !matches!(b, b' ' | b'\t' | b'\r'));
        let next_is_blank = next.is_some_and(|n| bytes[at + 1 + n] == b'\n');
        let ends = blank && !next_is_blank;
        blank = next_is_blank;
        ends.then_some(at + 1)
    })
}

/// Positions where a new sentence begins.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut chars = text.char_indices().peekable();
    let mut stop: Option<usize> = None;
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            let after = at + c.len_utf8();
            match c {
                '。' | '！' | '？' | '；' => {
                    stop = None;
                    return Some(after);
                }
                '.' | '!' | '?' | '…' => stop = Some(at),
                '"' | '\'' | ')' | ']' | '»' | '”' | '’' | '*' | '`' => {}
                _ if c.is_whitespace() => {
                    let next = chars.peek().map(|(_, n)| *n);
                    let begins = next.is_some_and(|n| !n.is_lowercase() && !n.is_whitespace());
                    let ended = stop.is_some_and(|dot| !abbreviation(&text[..dot]));
                    if next.is_some_and(char::is_whitespace) {
                        continue;
                    }
                    stop = None;
                    if begins && (ended || c == '\n') {
                        return Some(after);
                    }
                }
                _ => stop = None,
            }
        }
    })
}

fn abbreviation(before: &str) -> bool {
    const KNOWN: [&str; 12] = ["e.g", "i.e", "etc", "vs", "cf", "mr", "mrs", "dr", "fig", "no", "approx", "resp"];
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_letter = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_alphabetic());
    is_letter || KNOWN.iter().any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::super::ApproximateCounter;
    use super::*;

    fn cut(kind: BlockKind, text: &str, target: usize) -> Vec<&str> {
        let cutter = Cutter { text, target, most: target, counter: &ApproximateCounter };
        cutter.cut(kind, 0..text.len()).into_iter().map(|(range, _)| &text[range]).collect()
    }

    #[test]
    fn prose_is_cut_behind_sentences() {
        let text = "One two, e.g. Three. Four (five!) Six.\nseven eight. \"Nine.\" Ten。十一";
        let ends: Vec<usize> = sentence_ends(text).collect();
        let starts: Vec<&str> = ends.iter().map(|&at| text[at..].split(' ').next().unwrap()).collect();
        assert_eq!(starts, ["Four", "Six.\nseven", "\"Nine.\"", "Ten。十一", "十一"]);
    }

    #[test]
    fn code_is_cut_at_blank_lines_then_lines() {
        assert_eq!(cut(BlockKind::Code, "a b\n\n\nc d\ne f\n", 4), ["a b\n\n\n", "c d\ne f\n"]);
        assert_eq!(cut(BlockKind::Code, "a b\nc d\ne f\n", 4), ["a b\nc d\n", "e f\n"]);
    }

    #[test]
    fn endless_words_are_cut_anywhere() {
        let word = "é".repeat(500);
        let parts = cut(BlockKind::Prose, &word, 16);
        assert_eq!(parts.concat(), word);
        assert!(parts.iter().all(|part| ApproximateCounter.count(part) <= 16 && part.len() >= 16));
    }

    #[test]
    fn spaces_are_preferred_to_letters() {
        let text = "alpha beta gamma delta ".repeat(40);
        let parts = cut(BlockKind::Prose, &text, 32);
        assert!(parts.iter().all(|part| part.ends_with(' ')));
    }
}
