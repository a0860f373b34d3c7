//! Packing the best passages into a token budget, with numbered citations: what an agent pastes into a prompt.

use crate::model::{CollectionRef, DocumentId, Version};
use crate::search::SearchResult;

/// A numbered source of a packed context.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// Its number in the text, from 1.
    pub number: usize,
    /// Its collection.
    pub collection: CollectionRef,
    /// Its document.
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Path or URL.
    pub source: String,
    /// First and last line.
    pub lines: (u32, u32),
    /// The best score among its passages.
    pub score: f32,
    /// Hash of the document's content.
    pub content_hash: String,
    /// The document's version.
    pub version: Version,
}

/// A packed context.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedContext {
    /// The text: each source behind a line with its number, path, lines and headings.
    pub text: String,
    /// Tokens of `text`, as the counter counts.
    pub tokens: usize,
    /// The sources, by number.
    pub citations: Vec<Citation>,
}

/// A passage, or the part of one that there was room for.
struct Piece<'a> {
    result: &'a SearchResult,
    text: &'a str,
    lines: (u32, u32),
}

/// A run of neighbouring passages of one document.
struct Block<'a> {
    pieces: Vec<Piece<'a>>,
}

/// Fewer tokens than this are not worth a part of a passage.
const LEAST_PART: usize = 24;

/// Packs `results` (best first) into at most `max_tokens`, as `count` counts them. Neighbours of one document become one
/// block. A passage that does not fit is cut to the lines around its evidence; one without is left out, and later and
/// shorter ones are still tried.
pub fn pack(results: &[SearchResult], max_tokens: usize, count: impl Fn(&str) -> usize) -> PackedContext {
    let mut chosen: Vec<Piece<'_>> = Vec::new();
    let mut spent = 0;
    for result in results {
        let whole = Piece::whole(result);
        let around = count(&header(0, std::slice::from_ref(&whole))) + 2;
        let room = max_tokens.saturating_sub(spent + around);
        if let Some((piece, cost)) = whole.within(room, &count) {
            spent += cost + around;
            chosen.push(piece);
        }
    }
    let blocks = blocks(chosen);
    let text = blocks.iter().enumerate().map(|(i, block)| block.text(i + 1)).collect::<Vec<_>>().join("\n\n");
    let citations = blocks.iter().enumerate().map(|(i, block)| block.citation(i + 1)).collect();
    PackedContext { tokens: count(&text), text, citations }
}

/// Groups neighbours; blocks stand in the order of their best passage, passages in the order of the document.
fn blocks(chosen: Vec<Piece<'_>>) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for piece in chosen {
        let touching: Vec<usize> = (0..blocks.len()).filter(|&i| blocks[i].touches(piece.result)).collect();
        match touching.split_first() {
            None => blocks.push(Block { pieces: vec![piece] }),
            Some((&first, others)) => {
                blocks[first].pieces.push(piece);
                for &other in others.iter().rev() {
                    let joined = blocks.remove(other);
                    blocks[first].pieces.extend(joined.pieces);
                }
                blocks[first].pieces.sort_by_key(|piece| piece.result.ordinal);
            }
        }
    }
    blocks
}

fn header(number: usize, pieces: &[Piece<'_>]) -> String {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return String::new() };
    let headings = first.result.passage.location.heading_path.join(" > ");
    let separator = if headings.is_empty() { "" } else { " — " };
    format!("[{number}] {}:{}-{}{separator}{headings}", first.result.head.source, first.lines.0, last.lines.1)
}

impl<'a> Piece<'a> {
    fn whole(result: &'a SearchResult) -> Self {
        Self { result, text: result.passage.text.trim_end(), lines: result.passage.location.lines }
    }

    /// As much of the passage as fits, with its tokens: all of it, or the lines around its strongest evidence.
    fn within(self, room: usize, count: &impl Fn(&str) -> usize) -> Option<(Self, usize)> {
        let cost = count(self.text);
        if cost <= room {
            return Some((self, cost));
        }
        if room < LEAST_PART {
            return None;
        }
        let evidence = &self.result.evidence.first()?.bytes;
        let lines = lines(self.text);
        let mut holding =
            lines.iter().enumerate().filter(|(_, line)| line.start < evidence.end && evidence.start < line.end);
        let mut first = holding.next()?.0;
        let mut last = holding.next_back().map_or(first, |(line, _)| line);
        let text = |first: usize, last: usize| self.text[lines[first].start..lines[last].end].trim_end();
        let fits = |first: usize, last: usize| Some(count(text(first, last))).filter(|cost| *cost <= room);
        let mut cost = fits(first, last)?;
        let (above, below) = (first, last);
        loop {
            let mut sides = [(first, last + 1), (first.wrapping_sub(1), last)];
            // The evidence stays in the middle.
            if last - below > above - first {
                sides.reverse();
            }
            let grown = sides.into_iter().filter(|&(first, last)| first < lines.len() && last < lines.len());
            let Some((larger, new_cost)) = grown.filter_map(|it| Some((it, fits(it.0, it.1)?))).next() else { break };
            ((first, last), cost) = (larger, new_cost);
        }
        let line = |index: usize| self.lines.0 + index as u32;
        Some((Self { text: text(first, last), lines: (line(first), line(last)), ..self }, cost))
    }
}

/// The lines of `text`, with their breaks.
fn lines(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut at = 0;
    let line = |line: &str| {
        at += line.len();
        at - line.len()..at
    };
    text.split_inclusive('\n').map(line).collect()
}

impl Block<'_> {
    fn touches(&self, other: &SearchResult) -> bool {
        self.pieces.iter().map(|piece| piece.result).any(|own| {
            own.collection == other.collection
                && own.document == other.document
                && own.head.generation == other.head.generation
                && own.ordinal.abs_diff(other.ordinal) <= 1
        })
    }

    fn text(&self, number: usize) -> String {
        let texts: Vec<&str> = self.pieces.iter().map(|piece| piece.text).collect();
        format!("{}\n{}", header(number, &self.pieces), texts.join("\n"))
    }

    fn citation(&self, number: usize) -> Citation {
        let (first, last) = (&self.pieces[0], &self.pieces[self.pieces.len() - 1]);
        let result = first.result;
        Citation {
            number,
            collection: result.collection.clone(),
            document: result.document.clone(),
            title: result.head.title.clone(),
            source: result.head.source.clone(),
            lines: (first.lines.0, last.lines.1),
            score: self.pieces.iter().map(|piece| piece.result.score).fold(0.0, f32::max),
            content_hash: result.head.content_hash.clone(),
            version: result.version,
        }
    }
}
