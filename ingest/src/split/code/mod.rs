//! Source code.

use super::block::{BlockKind, Parsed};
use super::{Language, SplitOptions, TokenCounter, behind_bom, text};

pub(super) fn parse(source: &str, _language: Language, _options: &SplitOptions, _counter: &dyn TokenCounter) -> Parsed {
    let mut parsed = Parsed::default();
    text::paragraphs(source, behind_bom(source)..source.len(), BlockKind::Code, &mut parsed.blocks);
    parsed
}
