//! Splits a source text into passages that fit an embedding model: pure functions, no files, no clock.
//!
//! Every format is parsed into blocks that know their source bytes; blocks are packed into passages under
//! their headings. No input panics, and nothing that a reader would see is left out.

mod block;
mod code;
mod cut;
mod format;
mod front_matter;
mod html;
pub mod limits;
mod lines;
mod markdown;
mod options;
mod pack;
mod prefix;
mod readable;
mod rst;
mod section;
mod text;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use format::{Format, Language, kind_of};

pub use options::{ApproximateCounter, SplitOptions, TokenCounter};
pub use prefix::embed_text;
pub use readable::SourceMap;

use crate::wire::DocumentInput;

/// A source, split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SplitDocument {
    /// [`SplitOptions::title`], else the front matter's title, else the first top heading. A caller that
    /// finds none falls back to the file's name for display, never for [`embed_text`].
    pub title: Option<String>,
    /// Front matter, as JSON.
    pub metadata: Map<String, Value>,
    /// The passages, in the order of the source. Empty when there is nothing to read.
    pub passages: Vec<SplitPassage>,
    /// What was odd about the source.
    pub warnings: Vec<String>,
}

/// One passage of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitPassage {
    /// Position among the document's passages, from 0.
    pub ordinal: u32,
    /// The source text, exactly `source[bytes]`.
    pub text: String,
    /// What there is to read in it, without markup, tags and link targets: for embedding and BM25. It
    /// leaves out the headings that are in `heading_path`.
    pub index_text: String,
    /// Where in the source the bytes of `index_text` came from.
    #[serde(skip)]
    pub source_map: SourceMap,
    /// The headings above the passage, outermost first. For code: the enclosing modules, types and functions.
    pub heading_path: Vec<String>,
    /// Byte range in the source.
    pub bytes: Range<u64>,
    /// First and last line in the source, from 1, both included. `\n` alone ends a line.
    pub lines: (u32, u32),
    /// Tokens of [`embed_text`], special tokens included.
    pub tokens: u32,
}

/// Splits a source of the given format.
#[must_use]
pub fn split(source: &str, format: Format, options: &SplitOptions, counter: &dyn TokenCounter) -> SplitDocument {
    let mut parsed = match format {
        Format::Markdown => markdown::parse(source, markdown::Dialect::Markdown),
        Format::Mdx => markdown::parse(source, markdown::Dialect::Mdx),
        Format::Rst => rst::parse(source),
        Format::Html => html::parse(source),
        Format::Text => text::parse(source),
        Format::Code(language) => code::parse(source, language, options, counter),
    };
    let is_kept = |block: &block::Block| !block.is_blank() || matches!(block.kind, block::BlockKind::Close(_));
    parsed.blocks.retain(is_kept);
    for block in &mut parsed.blocks {
        let is_heading = matches!(block.kind, block::BlockKind::Heading(_));
        if is_heading && block.text.len() > limits::HEADING_BYTES {
            block.kind = block::BlockKind::Prose;
        }
    }
    parsed.warnings.truncate(limits::WARNINGS);
    let given = options.title.as_deref().map(block::heading_text);
    let title = given.filter(|title| !title.is_empty()).or_else(|| parsed.title.take());
    let passages = pack::pack(source, &parsed, title.as_deref(), options, counter);
    SplitDocument { title, metadata: parsed.metadata, passages, warnings: parsed.warnings }
}

/// Splits a document as its fields say: `format` where it is given and known, else by its source path or
/// id; `title` where it is given.
#[must_use]
pub fn split_input(document: &DocumentInput, options: &SplitOptions, counter: &dyn TokenCounter) -> SplitDocument {
    let format = format_of(document);
    let title = document.title.clone().or_else(|| options.title.clone());
    let mut split = split(&document.text, format, &SplitOptions { title, ..options.clone() }, counter);
    if let Some(name) = document.format.as_ref().filter(|name| Format::from_name(name).is_none()) {
        split.warnings.push(format!("unknown format {name:?}, taken as {}", format.name()));
    }
    split
}

/// The format of a document: the one that it names, or what its path and text look like.
#[must_use]
pub fn format_of(document: &DocumentInput) -> Format {
    let named = document.format.as_deref().and_then(Format::from_name);
    named.unwrap_or_else(|| Format::detect(document.source_or_id(), &document.text))
}

/// Source position of the first byte behind a byte order mark.
fn behind_bom(source: &str) -> usize {
    if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}
