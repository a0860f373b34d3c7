//! Turns a syntax tree into blocks: a definition that fits a passage stays whole, with its comments and
//! attributes; one that does not becomes a heading with its signature and members below it.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::grammar::{body, definition, is_lead, name};
use crate::split::block::{Block, BlockKind, heading_text};
use crate::split::limits::{SYNTAX_NESTING, SYNTAX_TOKEN_BYTES};
use crate::split::options::{Budget, TokenCounter};

/// The blocks of a source. They leave no gaps but white space.
pub(super) fn blocks(
    source: &str,
    start: usize,
    tree: &Tree,
    budget: Budget,
    counter: &dyn TokenCounter,
) -> Vec<Block> {
    let mut builder = Builder { source, budget, counter, blocks: Vec::new() };
    builder.members(tree.root_node(), start..source.len(), None, 0);
    builder.blocks
}

/// A member of a file, type or function, with what stands before it.
struct Member<'t> {
    range: Range<usize>,
    node: Option<Node<'t>>,
    /// Only comments and attributes so far: they wait for what they belong to.
    is_lead: bool,
}

struct Builder<'a> {
    source: &'a str,
    budget: Budget,
    counter: &'a dyn TokenCounter,
    blocks: Vec<Block>,
}

impl Builder<'_> {
    /// Takes the children of a node apart. The first `signature` bytes of the range go before them.
    fn members(&mut self, parent: Node<'_>, range: Range<usize>, signature: Option<usize>, depth: usize) {
        for member in self.collect(parent, range, signature) {
            self.member(&member, depth);
        }
    }

    fn collect<'t>(&self, parent: Node<'t>, range: Range<usize>, signature: Option<usize>) -> Vec<Member<'t>> {
        let mut members: Vec<Member<'t>> = Vec::new();
        let mut behind = range.start;
        if let Some(end) = signature {
            members.push(Member { range: range.start..end, node: None, is_lead: false });
            behind = end;
        }
        let mut cursor = parent.walk();
        for child in parent.children(&mut cursor) {
            let end = child.end_byte().clamp(behind, range.end);
            let gap = &self.source[behind..child.start_byte().clamp(behind, end)];
            let breaks = gap.bytes().filter(|byte| *byte == b'\n').count();
            // The grammars of some languages count the line break to the comment before it.
            let after_break = self.source[..behind].ends_with('\n');
            let has_words = self.source[behind..end].contains(char::is_alphanumeric);
            match members.last_mut() {
                Some(last) if !has_words => last.range.end = end,
                Some(last) if breaks == 0 && !after_break => {
                    last.range.end = end;
                    if last.is_lead {
                        last.node = Some(child);
                        last.is_lead = is_lead(child);
                    }
                }
                Some(last) if last.is_lead && breaks + usize::from(after_break) < 2 => {
                    last.range.end = end;
                    last.node = Some(child);
                    last.is_lead = is_lead(child);
                }
                _ => members.push(Member { range: behind..end, node: Some(child), is_lead: is_lead(child) }),
            }
            behind = end;
        }
        match members.last_mut() {
            Some(last) => last.range.end = range.end,
            None => members.push(Member { range, node: None, is_lead: false }),
        }
        members
    }

    fn member(&mut self, member: &Member<'_>, depth: usize) {
        let range = member.range.clone();
        let tokens = self.tokens(&range);
        let defined = member.node.and_then(definition);
        let level = u8::try_from(depth + 1).unwrap_or(u8::MAX);
        let heading = defined.and_then(|node| name(node, self.source)).filter(|_| depth < SYNTAX_NESTING);
        if let Some(heading) = &heading {
            let mut block = Block::new(BlockKind::Heading(level), range.start);
            block.set_text(heading_text(heading));
            self.blocks.push(block);
        }
        if tokens <= self.budget.target || depth >= SYNTAX_NESTING {
            self.code(range.clone(), member.node.is_none());
        } else {
            self.take_apart(member, defined, tokens, depth);
        }
        if heading.is_some() {
            self.blocks.push(Block::new(BlockKind::Close(level), range.end));
        }
    }

    /// Tokens of a range, or a number above every budget when it is surely too long.
    fn tokens(&self, range: &Range<usize>) -> usize {
        if range.len() > self.budget.most * SYNTAX_TOKEN_BYTES {
            return usize::MAX;
        }
        self.counter.count(&self.source[range.clone()])
    }

    fn take_apart(&mut self, member: &Member<'_>, defined: Option<Node<'_>>, tokens: usize, depth: usize) {
        let range = member.range.clone();
        let inside = |node: &Node<'_>| node.start_byte() >= range.start && node.end_byte() <= range.end;
        if let Some(body) = defined.and_then(body).filter(inside) {
            let signature = body.start_byte();
            return self.members(body, range, Some(signature), depth + 1);
        }
        match member.node.filter(|node| node.child_count() > 1 && tokens > self.budget.most).filter(inside) {
            Some(node) => self.members(node, range, None, depth + 1),
            None => self.code(range, false),
        }
    }

    fn code(&mut self, range: Range<usize>, keep_with_next: bool) {
        let text = &self.source[range.clone()];
        let white = text.len() - text.trim_start().len();
        let line = text[..white].rfind('\n').map_or(0, |at| at + 1);
        let mut block = Block::verbatim(BlockKind::Code, self.source, range.start + line..range.end);
        block.keep_with_next = keep_with_next;
        self.blocks.push(block);
    }
}
