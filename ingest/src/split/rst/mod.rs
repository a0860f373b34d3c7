//! reStructuredText.

use super::block::Parsed;

pub(super) fn parse(source: &str) -> Parsed {
    super::text::parse(source)
}
