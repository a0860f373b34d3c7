//! Inline markup: roles, literals, emphasis, links and substitutions are reduced to what a page shows.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Line;
use crate::split::block::{Block, BlockKind};
use crate::split::limits::SUBSTITUTION_DEPTH;

/// Farthest place where the end of an inline markup is looked for.
const REACH: usize = 2048;

/// What a document defines for use elsewhere in its text.
#[derive(Debug, Default)]
pub(super) struct References {
    substitutions: HashMap<String, String>,
    targets: HashSet<String>,
}

impl References {
    /// Finds `.. |name| replace:: text` and `.. _name:` anywhere in the lines.
    pub(super) fn collect(source: &str, lines: &[Line]) -> Self {
        let mut references = Self::default();
        for (index, line) in lines.iter().enumerate() {
            let text = &source[line.start..line.end.max(line.start)];
            if let Some(target) = text.strip_prefix(".. _").and_then(|rest| rest.split_once(':')) {
                references.targets.insert(target.0.trim_matches('`').to_lowercase());
            }
            let Some((name, rest)) = text.strip_prefix(".. |").and_then(|rest| rest.split_once('|')) else {
                continue;
            };
            let Some(first) = rest.trim_start().strip_prefix("replace::") else {
                continue;
            };
            let mut value = first.trim().to_owned();
            let more = lines[index + 1..].iter().take_while(|next| !next.is_blank() && next.indent > line.indent);
            for next in more {
                value.push(' ');
                value.push_str(&source[next.start..next.end]);
            }
            references.substitutions.insert(name.to_lowercase(), value);
        }
        references
    }

    fn expansion(&self, name: &str, depth: usize) -> Option<String> {
        let value = self.substitutions.get(&name.to_lowercase())?;
        if depth >= SUBSTITUTION_DEPTH {
            return None;
        }
        let mut block = Block::new(BlockKind::Prose, 0);
        Scan {
            source: value,
            references: self,
            block: &mut block,
            depth: depth + 1,
            pending: 0,
            at: 0,
            end: value.len(),
            searched: [0; 2],
        }
        .run();
        Some(block.text)
    }

    fn is_target(&self, word: &str) -> bool {
        self.targets.contains(&word.to_lowercase())
    }
}

/// Appends a range of the source to a block, without markup; line breaks become spaces.
pub(super) fn push(block: &mut Block, source: &str, range: Range<usize>, references: &References) {
    Scan {
        source,
        references,
        block,
        depth: 0,
        pending: range.start,
        at: range.start,
        end: range.end,
        searched: [0; 2],
    }
    .run();
}

/// A text without markup, apart from any source.
pub(super) fn plain(text: &str, references: &References) -> String {
    let mut block = Block::new(BlockKind::Prose, 0);
    push(&mut block, text, 0..text.len(), references);
    block.text
}

struct Scan<'s> {
    source: &'s str,
    references: &'s References,
    block: &'s mut Block,
    depth: usize,
    /// Start of what has been read but not yet appended.
    pending: usize,
    at: usize,
    end: usize,
    /// How far ends of `*` and `**` were searched for in vain.
    searched: [usize; 2],
}

impl Scan<'_> {
    fn run(mut self) {
        while self.at < self.end {
            let taken = match self.source.as_bytes()[self.at] {
                b'\n' | b'\r' => self.line_break(),
                b'`' => self.back_quote(),
                b':' => self.role(),
                b'*' => self.emphasis(),
                b'|' => self.substitution(),
                b'_' => self.reference(),
                b'\\' => self.escape(),
                _ => false,
            };
            if !taken {
                self.at += 1;
            }
        }
        self.flush(self.end);
    }

    fn flush(&mut self, to: usize) {
        self.block.push_source(self.source, self.pending..to.max(self.pending));
    }

    /// Appends what is pending up to `from`, then `shown`, and goes on at `next`.
    fn show(&mut self, from: usize, shown: Range<usize>, next: usize) -> bool {
        self.flush(from);
        let text = &self.source[shown.clone()];
        let mut start = shown.start;
        for (at, _) in text.match_indices('\n') {
            let white = text[at..].len() - text[at..].trim_start().len();
            self.block.push_source(self.source, start..shown.start + at);
            self.block.push_text(shown.start + at..shown.start + at + white, " ");
            start = shown.start + at + white;
        }
        self.block.push_source(self.source, start.min(shown.end)..shown.end);
        self.at = next;
        self.pending = next;
        true
    }

    fn rest(&self) -> &str {
        &self.source[self.at..self.end]
    }

    /// Position of `closing` behind the current place, as far as markup reaches.
    fn find(&self, from: usize, closing: &str) -> Option<usize> {
        let to = self.source.floor_char_boundary(self.end.min(from + REACH)).max(from.min(self.end));
        self.source.get(from..to)?.find(closing).map(|found| from + found)
    }

    fn line_break(&mut self) -> bool {
        let rest = self.rest();
        let white = rest.len() - rest.trim_start().len();
        let (from, next) = (self.at, self.at + white);
        self.flush(from);
        self.block.push_text(from..next, " ");
        self.at = next;
        self.pending = next;
        true
    }

    fn back_quote(&mut self) -> bool {
        let from = self.at;
        if self.rest().starts_with("``") {
            let Some(close) = self.find(from + 3, "``") else {
                self.at += 2;
                return true;
            };
            let more = self.source[close..self.end].bytes().take_while(|byte| *byte == b'`').count() - 2;
            return self.show(from, from + 2..close + more, close + more + 2);
        }
        let Some(close) = self.find(from + 1, "`").filter(|close| *close > from + 1) else {
            return false;
        };
        let content = &self.source[from + 1..close];
        if content.starts_with(char::is_whitespace) {
            return false;
        }
        let shown = shown_part(content);
        let tail = &self.source[close + 1..self.end];
        let suffix = tail.len() - tail.trim_start_matches('_').len();
        let suffix = if suffix == 0 { role_length(tail) } else { suffix.min(2) };
        self.show(from, from + 1 + shown.start..from + 1 + shown.end, close + 1 + suffix)
    }

    /// The name of a role, in front of its text.
    fn role(&mut self) -> bool {
        let length = role_length(self.rest());
        if length == 0 || !self.rest()[length..].starts_with('`') {
            return false;
        }
        let (from, next) = (self.at, self.at + length);
        self.show(from, from..from, next)
    }

    fn emphasis(&mut self) -> bool {
        let from = self.at;
        let sign = if self.rest().starts_with("**") { "**" } else { "*" };
        let before = self.source[..from].chars().next_back();
        let opens = before.is_none_or(|c| c.is_whitespace() || "'\"([{<-/:".contains(c));
        let content = from + sign.len();
        let follows = self.source[content..self.end].chars().next().is_some_and(|c| !c.is_whitespace() && c != '*');
        if !opens || !follows {
            self.at = content;
            return true;
        }
        let mut search = content.max(self.searched[sign.len() - 1]);
        while let Some(close) = self.find(search, sign) {
            let is_inside = self.source[..close].ends_with(|c: char| !c.is_whitespace());
            if is_inside && close > content {
                return self.show(from, content..close, close + sign.len());
            }
            search = close + sign.len();
            if search > from + REACH {
                break;
            }
        }
        self.searched[sign.len() - 1] = search.max((content + REACH).min(self.end));
        self.at = content;
        true
    }

    fn substitution(&mut self) -> bool {
        let from = self.at;
        let Some(close) = self.find(from + 1, "|") else {
            return false;
        };
        let name = &self.source[from + 1..close];
        if name.is_empty() || name.contains('\n') || name.starts_with(' ') || name.ends_with(' ') {
            return false;
        }
        let Some(text) = self.references.expansion(name, self.depth) else {
            return self.show(from, from + 1..close, close + 1);
        };
        self.flush(from);
        self.block.push_text(from..close + 1, &text);
        self.at = close + 1;
        self.pending = close + 1;
        true
    }

    /// The underscore behind a word that is the name of a target.
    fn reference(&mut self) -> bool {
        let from = self.at;
        let follows = self.source[from + 1..self.end].chars().next();
        if follows.is_some_and(char::is_alphanumeric) {
            return false;
        }
        let before = &self.source[self.pending..from];
        let word = before.rsplit(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).next().unwrap_or_default();
        if word.is_empty() || !self.references.is_target(word) {
            return false;
        }
        self.show(from, from..from, from + 1)
    }

    fn escape(&mut self) -> bool {
        let from = self.at;
        let Some(next) = self.source[from + 1..self.end].chars().next() else {
            return false;
        };
        let after = from + 1 + next.len_utf8();
        let shown = if next.is_whitespace() { after..after } else { from + 1..after };
        self.show(from, shown, after)
    }
}

/// The part of an interpreted text or link that is shown: `text <target>` shows the text.
fn shown_part(content: &str) -> Range<usize> {
    let trimmed = content.trim_start_matches(['!', '~']);
    let start = content.len() - trimmed.len();
    if let Some(open) = content.rfind('<').filter(|_| content.ends_with('>')) {
        let text = content[..open].trim_end();
        if text.len() > start {
            return start..text.len();
        }
        return open + 1..content.len() - 1;
    }
    start..content.len()
}

/// Length of `:role:` at the start of a text.
fn role_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(':') else {
        return 0;
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+:".contains(&byte);
    let length = rest.bytes().take_while(|byte| is_name(*byte)).count();
    let is_role = length >= 2 && rest.as_bytes()[0].is_ascii_alphabetic() && rest.as_bytes()[length - 1] == b':';
    if is_role { length + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut references = References::default();
        references.substitutions.insert("db".into(), "the ``Data`` base of |who|".into());
        references.substitutions.insert("who".into(), "*us*".into());
        references.substitutions.insert("loop".into(), "|loop|".into());
        references.targets.insert("guide".into());
        plain(text, &references)
    }

    #[test]
    fn markup_is_reduced_to_text() {
        let cases = [
            (":ref:`x`", "x"),
            (":func:`reset <fdb_reset()>` now", "reset now"),
            (":c:type:`~a.B`", "a.B"),
            ("`Docs <https://x.y>`_ and `Docs`__.", "Docs and Docs."),
            ("``a `b` *c*`` d", "a `b` *c* d"),
            ("**bold** *it* 2 * 3 * 4 a*b*c", "bold it 2 * 3 * 4 a*b*c"),
            ("see guide_ and some_name_", "see guide and some_name_"),
            ("|db| |nope| a | b", "the Data base of us nope a | b"),
            ("|loop|", "loop"),
            (r"a\*b\ c \\", r"a*bc \"),
            ("one\n   two", "one two"),
            ("``open and `open", "``open and `open"),
            ("time 10:30: :x", "time 10:30: :x"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
