//! Packing the best passages into a token budget, with numbered citations: what an agent pastes into a prompt.

use crate::model::{CollectionName, DocumentId, Version};
use crate::search::SearchResult;

/// A numbered source of a packed context.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// Its number in the text, from 1.
    pub number: usize,
    /// Its collection.
    pub collection: CollectionName,
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

/// A run of neighbouring passages of one document.
struct Block<'a> {
    passages: Vec<&'a SearchResult>,
}

/// Packs `results` (best first) into at most `max_tokens`, as `count` counts them. Neighbours of one document become one
/// block; a passage that does not fit is left out, later and shorter ones are still tried.
pub fn pack(results: &[SearchResult], max_tokens: usize, count: impl Fn(&str) -> usize) -> PackedContext {
    let mut chosen: Vec<&SearchResult> = Vec::new();
    let mut spent = 0;
    for result in results {
        let cost = count(&result.passage.text) + count(&header(0, &[result])) + 2;
        if spent + cost <= max_tokens {
            spent += cost;
            chosen.push(result);
        }
    }
    let blocks = blocks(&chosen);
    let text = blocks.iter().enumerate().map(|(i, block)| block.text(i + 1)).collect::<Vec<_>>().join("\n\n");
    let citations = blocks.iter().enumerate().map(|(i, block)| block.citation(i + 1)).collect();
    PackedContext { tokens: count(&text), text, citations }
}

/// Groups neighbours; blocks stand in the order of their best passage, passages in the order of the document.
fn blocks<'a>(chosen: &[&'a SearchResult]) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    for &result in chosen {
        let touching: Vec<usize> = (0..blocks.len()).filter(|&i| blocks[i].touches(result)).collect();
        match touching.split_first() {
            None => blocks.push(Block { passages: vec![result] }),
            Some((&first, others)) => {
                blocks[first].passages.push(result);
                for &other in others.iter().rev() {
                    let joined = blocks.remove(other);
                    blocks[first].passages.extend(joined.passages);
                }
                blocks[first].passages.sort_by_key(|passage| passage.ordinal);
            }
        }
    }
    blocks
}

fn header(number: usize, passages: &[&SearchResult]) -> String {
    let (Some(first), Some(last)) = (passages.first(), passages.last()) else { return String::new() };
    let (from, to) = (first.passage.location.lines.0, last.passage.location.lines.1);
    let headings = first.passage.location.heading_path.join(" > ");
    let separator = if headings.is_empty() { "" } else { " — " };
    format!("[{number}] {}:{from}-{to}{separator}{headings}", first.head.source)
}

impl<'a> Block<'a> {
    fn touches(&self, other: &SearchResult) -> bool {
        self.passages.iter().any(|own| {
            own.collection == other.collection
                && own.document == other.document
                && own.head.generation == other.head.generation
                && own.ordinal.abs_diff(other.ordinal) <= 1
        })
    }

    fn text(&self, number: usize) -> String {
        let texts: Vec<&str> = self.passages.iter().map(|passage| passage.passage.text.trim_end()).collect();
        format!("{}\n{}", header(number, &self.passages), texts.join("\n"))
    }

    fn citation(&self, number: usize) -> Citation {
        let (first, last) = (self.passages[0], self.passages[self.passages.len() - 1]);
        Citation {
            number,
            collection: first.collection.clone(),
            document: first.document.clone(),
            title: first.head.title.clone(),
            source: first.head.source.clone(),
            lines: (first.passage.location.lines.0, last.passage.location.lines.1),
            score: self.passages.iter().map(|passage| passage.score).fold(0.0, f32::max),
            content_hash: first.head.content_hash.clone(),
            version: first.version,
        }
    }
}
