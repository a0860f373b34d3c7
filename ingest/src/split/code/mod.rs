//! Source code: by syntax where there is a parser, else by blank lines.

mod grammar;
mod recognise;
mod syntax;

pub(super) use recognise::recognise;

use super::block::{BlockKind, Parsed};
use super::limits::SYNTAX_BYTES;
use super::{Language, SplitOptions, TokenCounter, behind_bom, text};

pub(super) fn parse(source: &str, language: Language, options: &SplitOptions, counter: &dyn TokenCounter) -> Parsed {
    let mut parsed = Parsed::default();
    let start = behind_bom(source);
    let tree = if source.len() <= SYNTAX_BYTES { grammar::tree(source, language) } else { None };
    match tree {
        Some(tree) => {
            parsed.blocks = syntax::blocks(source, start, &tree, options.budget(0), counter);
        }
        None => text::paragraphs(source, start..source.len(), BlockKind::Code, &mut parsed.blocks),
    }
    parsed
}
