//! Sections: the blocks between two headings, with the headings above them, and which of them share passages.

use std::ops::Range;

use super::block::{Block, BlockKind};

/// The blocks under one heading, without those under its subheadings.
#[derive(Debug)]
pub(super) struct Section {
    /// Index of the heading's block; none for what stands before the first heading.
    pub(super) heading: Option<usize>,
    /// The headings above the section's text, its own included.
    pub(super) path: Vec<String>,
    /// Indices of the section's blocks.
    pub(super) blocks: Range<usize>,
    /// Tokens of heading and blocks.
    pub(super) tokens: usize,
}

impl Section {
    /// There is nothing under the heading.
    pub(super) fn is_bare(&self) -> bool {
        self.blocks.is_empty()
    }

    fn contains(&self, other: &Section) -> bool {
        other.path.len() > self.path.len() && other.path.starts_with(&self.path)
    }
}

/// Finds the sections. `tokens` has a count for each block.
pub(super) fn sections(blocks: &[Block], tokens: &[usize]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut above: Vec<(u8, &str)> = Vec::new();
    let mut is_open = false;
    for (index, block) in blocks.iter().enumerate() {
        if let BlockKind::Heading(level) | BlockKind::Close(level) = block.kind {
            above.retain(|(outer, _)| *outer < level);
            is_open = matches!(block.kind, BlockKind::Heading(_));
            if is_open {
                above.push((level, &block.text));
                let blocks = index + 1..index + 1;
                sections.push(Section { heading: Some(index), path: path(&above), blocks, tokens: tokens[index] });
            }
            continue;
        }
        match sections.last_mut().filter(|_| is_open) {
            Some(section) => {
                section.blocks.end = index + 1;
                section.tokens += tokens[index];
            }
            None => {
                is_open = true;
                let blocks = index..index + 1;
                sections.push(Section { heading: None, path: path(&above), blocks, tokens: tokens[index] });
            }
        }
    }
    sections
}

fn path(above: &[(u8, &str)]) -> Vec<String> {
    above.iter().map(|(_, text)| (*text).to_owned()).collect()
}

/// Sections that are packed together.
pub(super) struct Group {
    pub(super) sections: Range<usize>,
    /// Bare headings directly above the first section, whose source the first passage begins with.
    pub(super) bare_above: usize,
    /// Headings above all of them.
    pub(super) path: Vec<String>,
}

/// Puts consecutive tiny sections of one parent together, as long as they stay within `target` tokens.
/// Any other section stands alone.
pub(super) fn groups(sections: &[Section], tiny: usize, target: usize) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut bare_above = 0;
    while start < sections.len() {
        let first = &sections[start];
        let next = sections.get(start + 1);
        if first.is_bare() && next.is_some_and(|next| first.contains(next)) {
            bare_above += 1;
            start += 1;
            continue;
        }
        let mut end = start + 1;
        let mut sum = first.tokens;
        while sum <= target
            && let Some(next) = sections.get(end)
            && first.tokens < tiny
            && next.tokens < tiny
            && sum + next.tokens <= target
            && is_beside(first, next)
        {
            sum += next.tokens;
            end += 1;
        }
        groups.push(Group { sections: start..end, bare_above, path: common_path(&sections[start..end]) });
        bare_above = 0;
        start = end;
    }
    groups
}

/// `next` is under the parent of `first`, and not above `first`.
fn is_beside(first: &Section, next: &Section) -> bool {
    let parent = &first.path[..first.path.len().saturating_sub(1)];
    next.path.len() >= first.path.len() && next.path.starts_with(parent)
}

fn common_path(sections: &[Section]) -> Vec<String> {
    let Some((first, rest)) = sections.split_first() else {
        return Vec::new();
    };
    let shared = rest.iter().fold(first.path.len(), |shared, section| {
        let same = first.path.iter().zip(&section.path).take_while(|(a, b)| a == b).count();
        shared.min(same)
    });
    first.path[..shared].to_vec()
}
