//! Markdown and MDX: front matter, then CommonMark blocks with their exact source bytes.

mod admonition;
mod events;
mod jsx;
mod mapped;
mod normalise;

use super::block::{BlockKind, Parsed, heading_text};
use super::{behind_bom, front_matter};

/// Which Markdown it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// CommonMark; HTML is HTML.
    Markdown,
    /// Tags are JSX components around Markdown; no indented code.
    Mdx,
}

pub(super) fn parse(source: &str, dialect: Dialect) -> Parsed {
    let front = front_matter::read(source, behind_bom(source));
    let body = normalise::normalise(source, front.end, dialect);
    let mut blocks: Vec<_> = front.block.into_iter().collect();
    blocks.extend(events::blocks(source, &body, dialect));
    let headline = blocks.iter().find(|block| block.kind == BlockKind::Heading(1) && !block.is_blank());
    Parsed {
        title: front.title.or_else(|| headline.map(|block| heading_text(&block.text))),
        metadata: front.metadata,
        blocks,
        warnings: front.warning.into_iter().collect(),
    }
}
