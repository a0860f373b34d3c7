//! Sections: the blocks between two headings, with the headings above them, and which of them share passages.

use std::ops::Range;

use super::block::{Block, BlockKind, heading_text};

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
    /// Every block of the section is to be kept with what follows it.
    introduces: bool,
}

impl Section {
    /// The section does nothing but introduce what is below it: a bare heading, a lead, a signature.
    fn leads(&self, tiny: usize) -> bool {
        self.blocks.is_empty() || (self.introduces && self.tokens < tiny)
    }

    fn begin(above: &[(u8, String)], heading: Option<usize>, block: usize, tokens: usize) -> Self {
        let path = above.iter().map(|(_, text)| text.clone()).collect();
        Self { heading, path, blocks: block..block, tokens, introduces: true }
    }

    fn contains(&self, other: &Section) -> bool {
        other.path.len() > self.path.len() && other.path.starts_with(&self.path)
    }
}

/// Finds the sections. `tokens` has a count for each block.
pub(super) fn sections(blocks: &[Block], tokens: &[usize]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut above: Vec<(u8, String)> = Vec::new();
    let mut is_open = false;
    for (index, block) in blocks.iter().enumerate() {
        if let BlockKind::Heading(level) | BlockKind::Close(level) = block.kind {
            above.retain(|(outer, _)| *outer < level);
            is_open = matches!(block.kind, BlockKind::Heading(_));
            if is_open {
                above.push((level, heading_text(&block.text)));
                sections.push(Section::begin(&above, Some(index), index + 1, tokens[index]));
            }
            continue;
        }
        if !is_open {
            sections.push(Section::begin(&above, None, index, 0));
            is_open = true;
        }
        if let Some(section) = sections.last_mut() {
            section.blocks.end = index + 1;
            section.tokens += tokens[index];
            section.introduces &= block.keep_with_next;
        }
    }
    sections
}

/// Sections that are packed together.
pub(super) struct Group {
    pub(super) sections: Range<usize>,
    /// Headings above all of them, but for those that merely introduce the first.
    pub(super) path: Vec<String>,
}

/// Puts consecutive tiny sections of one parent together, as long as they stay within `target` tokens, and
/// what merely introduces a section with that section. Any other section stands alone.
pub(super) fn groups(sections: &[Section], tiny: usize, target: usize) -> Vec<Group> {
    let introduces = |at: usize| {
        let is_above = sections.get(at + 1).is_some_and(|next| sections[at].contains(next));
        is_above && sections[at].leads(tiny)
    };
    let mut groups = Vec::new();
    let mut start = 0;
    while start < sections.len() {
        let first = (start..sections.len()).find(|at| !introduces(*at)).unwrap_or(start);
        let mut end = first + 1;
        let mut sum = sections[first].tokens;
        while let Some(next) = sections.get(end)
            && sections[first].tokens.max(next.tokens) < tiny
            && sum + next.tokens <= target
            && is_beside(&sections[first], next)
            && !introduces(end)
        {
            sum += next.tokens;
            end += 1;
        }
        groups.push(Group { sections: start..end, path: common_path(&sections[first..end]) });
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
