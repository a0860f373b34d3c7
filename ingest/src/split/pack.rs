//! Packs blocks into passages: greedily up to the target, never above the maximum.

use std::ops::Range;

use super::SplitPassage;
use super::block::{Block, BlockKind, Parsed};
use super::cut::Cutter;
use super::lines::LineIndex;
use super::options::{Budget, SplitOptions, TokenCounter};
use super::prefix;
use super::readable::{Readable, SourceMap};
use super::section::{Group, Section, groups, sections};

/// The smallest thing that is packed: a block, or a piece of one that is too long.
#[derive(Clone, Debug)]
struct Unit {
    block: usize,
    /// Part of the block's text.
    part: Range<usize>,
    tokens: usize,
    keep_with_next: bool,
}

/// Everything that packing a document needs.
struct Packer<'a> {
    source: &'a str,
    blocks: &'a [Block],
    tokens: Vec<usize>,
    sections: Vec<Section>,
    title: Option<&'a str>,
    options: &'a SplitOptions,
    counter: &'a dyn TokenCounter,
    lines: LineIndex,
    passages: Vec<SplitPassage>,
}

/// The passages of a parsed source.
pub(super) fn pack(
    source: &str,
    parsed: &Parsed,
    title: Option<&str>,
    options: &SplitOptions,
    counter: &dyn TokenCounter,
) -> Vec<SplitPassage> {
    let tokens: Vec<usize> = parsed.blocks.iter().map(|block| counter.count(&block.text)).collect();
    let sections = sections(&parsed.blocks, &tokens);
    let whole = options.budget(0);
    let groups = groups(&sections, whole.tiny, whole.target);
    let mut packer = Packer {
        source,
        blocks: &parsed.blocks,
        tokens,
        sections,
        title,
        options,
        counter,
        lines: LineIndex::new(source),
        passages: Vec::new(),
    };
    for group in groups {
        packer.group(group);
    }
    packer.passages
}

/// Passages of one group under construction.
struct Scope {
    path: Vec<String>,
    budget: Budget,
    /// Most tokens of a passage, prefix and special tokens included.
    limit: usize,
    /// Source position that the next passage begins with, when that is before its first unit.
    start: Option<usize>,
}

impl Packer<'_> {
    fn group(&mut self, group: Group) {
        let heading = self.sections[group.sections.start].heading;
        let start = heading.map(|heading| self.blocks[heading].source.start);
        let mut path = group.path;
        let mut units = self.units_of(&group.sections, path.len());
        if units.is_empty()
            && let Some(heading) = self.sections[group.sections.end - 1].heading
        {
            path.pop();
            units.push(self.whole(heading));
        }
        let prefix_tokens = self.counter.count(&prefix::prefix(self.title, &path));
        let budget = self.options.budget(prefix_tokens);
        let limit = prefix_tokens + self.options.special_tokens + budget.most;
        let units = self.cut_long(units, budget);
        let mut scope = Scope { path, budget, limit, start };
        for packed in fill(&units, budget) {
            self.emit(&units[packed], &mut scope);
        }
    }

    fn whole(&self, block: usize) -> Unit {
        let Block { text, kind, keep_with_next, .. } = &self.blocks[block];
        Unit {
            block,
            part: 0..text.len(),
            tokens: self.tokens[block],
            keep_with_next: *keep_with_next || matches!(kind, BlockKind::Heading(_)),
        }
    }

    fn units_of(&self, sections: &Range<usize>, depth: usize) -> Vec<Unit> {
        let mut units = Vec::new();
        for section in &self.sections[sections.clone()] {
            if let Some(heading) = section.heading
                && section.path.len() > depth
            {
                units.push(self.whole(heading));
            }
            units.extend(section.blocks.clone().map(|block| self.whole(block)));
        }
        units
    }

    fn cut_long(&self, units: Vec<Unit>, budget: Budget) -> Vec<Unit> {
        let mut out = Vec::with_capacity(units.len());
        for unit in units {
            if unit.tokens <= budget.most {
                out.push(unit);
            } else {
                out.extend(self.cut(&unit, budget.target, budget.most));
            }
        }
        out
    }

    fn cut(&self, unit: &Unit, target: usize, most: usize) -> Vec<Unit> {
        let block = &self.blocks[unit.block];
        let header = self.header_tokens(block);
        let room = |tokens: usize| tokens.saturating_sub(header).max(1);
        let cutter = Cutter { text: &block.text, target: room(target), most: room(most), counter: self.counter };
        let pieces = cutter.cut(block.kind, unit.part.clone());
        let piece = |(part, tokens)| Unit { block: unit.block, part, tokens, keep_with_next: false };
        pieces.into_iter().map(piece).collect()
    }

    /// Tokens of the header row that the later pieces of a table repeat; 0 when it is too long to repeat.
    fn header_tokens(&self, block: &Block) -> usize {
        const SHARE: usize = 4;
        if block.header == 0 {
            return 0;
        }
        let tokens = self.counter.count(&block.text[..block.header]);
        if tokens <= self.options.target_tokens / SHARE { tokens } else { 0 }
    }

    /// Makes a passage of the units, or several when the exact count says that they do not fit after all.
    fn emit(&mut self, units: &[Unit], scope: &mut Scope) {
        let Some((first, last)) = units.first().zip(units.last()) else {
            return;
        };
        let (index_text, source_map) = self.readable(units);
        if index_text.is_empty() {
            return;
        }
        let tokens =
            self.counter.count(&prefix::prefixed(self.title, &scope.path, &index_text)) + self.options.special_tokens;
        if tokens > scope.limit && self.emit_smaller(units, scope) {
            return;
        }
        let start = scope.start.take().unwrap_or_else(|| self.blocks[first.block].source_start(&first.part));
        let end = self.blocks[last.block].source_end(last.part.end);
        let bytes = self.trim(start, end.max(start));
        self.passages.push(SplitPassage {
            ordinal: u32::try_from(self.passages.len()).unwrap_or(u32::MAX),
            text: self.source[bytes.clone()].to_owned(),
            index_text,
            source_map,
            heading_path: scope.path.clone(),
            bytes: bytes.start as u64..bytes.end as u64,
            lines: self.lines.lines(&bytes),
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        });
    }

    fn emit_smaller(&mut self, units: &[Unit], scope: &mut Scope) -> bool {
        if let [unit] = units {
            let most = (unit.tokens.min(scope.budget.most) * 3 / 4).max(1);
            let pieces = self.cut(unit, most, most);
            if pieces.len() < 2 {
                return false;
            }
            for piece in &pieces {
                self.emit(std::slice::from_ref(piece), scope);
            }
        } else {
            let (front, back) = units.split_at(units.len() / 2);
            self.emit(front, scope);
            self.emit(back, scope);
        }
        true
    }

    fn readable(&self, units: &[Unit]) -> (String, SourceMap) {
        let mut readable = Readable::default();
        for (index, unit) in units.iter().enumerate() {
            let block = &self.blocks[unit.block];
            let is_continued = index > 0 && units[index - 1].block == unit.block;
            if index == 0 && unit.part.start >= block.header && self.header_tokens(block) > 0 {
                readable.push_part(block, 0..block.text[..block.header].trim_end().len());
            }
            if !is_continued && !readable.is_empty() {
                readable.end_line(block.source_start(&unit.part));
            }
            readable.push_part(block, unit.part.clone());
        }
        readable.finish()
    }

    /// Leaves out blank lines in front, but not the first line's indentation, and all white space behind.
    fn trim(&self, start: usize, end: usize) -> Range<usize> {
        let text = &self.source[start..end];
        let body = text.trim_start();
        let skipped = text.len() - body.len();
        let line = text[..skipped].rfind('\n').map_or(0, |at| at + 1);
        let only_indentation = line > 0 || start == 0 || self.source.as_bytes()[start - 1] == b'\n';
        let start = start + if only_indentation { line } else { skipped };
        start..start.max(end - (text.len() - text.trim_end().len()))
    }
}

/// Ranges of units that make a passage each.
fn fill(units: &[Unit], budget: Budget) -> Vec<Range<usize>> {
    let mut packed: Vec<Range<usize>> = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (index, unit) in units.iter().enumerate() {
        if index > start && sum + unit.tokens > budget.target {
            let (lead, held) = lead_in(&units[start..index]);
            if held + unit.tokens > budget.most {
                packed.push(start..index);
                (start, sum) = (index, 0);
            } else if index - lead > start {
                packed.push(start..index - lead);
                (start, sum) = (index - lead, held);
            }
        }
        sum += unit.tokens;
    }
    if start < units.len() {
        packed.push(start..units.len());
    }
    join_tiny(&mut packed, units, budget);
    repeat_ends(&mut packed, units, budget);
    packed
}

/// Number and tokens of the units at the end that introduce what follows.
fn lead_in(units: &[Unit]) -> (usize, usize) {
    let lead = units.iter().rev().take_while(|unit| unit.keep_with_next).count();
    (lead, sum(&units[units.len() - lead..]))
}

fn sum(units: &[Unit]) -> usize {
    units.iter().map(|unit| unit.tokens).sum()
}

/// A tiny passage joins the smaller of its neighbours when both fit the maximum.
fn join_tiny(packed: &mut Vec<Range<usize>>, units: &[Unit], budget: Budget) {
    let tokens = |range: &Range<usize>| sum(&units[range.clone()]);
    let mut index = 0;
    while index < packed.len() {
        let own = tokens(&packed[index]);
        let neighbours = [index.checked_sub(1), Some(index + 1)].into_iter().flatten();
        let sizes = neighbours.filter_map(|at| packed.get(at).map(|range| (tokens(range), at)));
        let smallest = sizes.min().filter(|(size, _)| own < budget.tiny && own + size <= budget.most);
        let Some((_, other)) = smallest else {
            index += 1;
            continue;
        };
        let first = index.min(other);
        let joined = packed[first].start..packed[first + 1].end;
        packed[first] = joined;
        packed.remove(first + 1);
        index = first;
    }
}

/// Lets each passage begin with the last units of the one before it, as far as the options want it.
fn repeat_ends(packed: &mut [Range<usize>], units: &[Unit], budget: Budget) {
    for passage in packed.iter_mut().skip(1) {
        let room = budget.most.saturating_sub(sum(&units[passage.clone()])).min(budget.overlap);
        if room == 0 {
            // A blank unit has no tokens, and would fit.
            continue;
        }
        let mut repeated = 0;
        for unit in units[..passage.start].iter().rev() {
            repeated += unit.tokens;
            if repeated > room {
                break;
            }
            passage.start -= 1;
        }
    }
}
