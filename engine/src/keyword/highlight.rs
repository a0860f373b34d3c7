//! Where the words of a query are in a text, and which part of it to show.

use std::collections::HashMap;
use std::ops::Range;

use super::analysis::Kind;
use super::query::QueryTerm;

/// Finds the words of one query in texts.
#[derive(Debug, Clone)]
pub struct Highlighter {
    /// What each term counts when a part of a text is chosen.
    words: HashMap<String, f32>,
    compounds: HashMap<String, f32>,
}

/// An occurrence: where, and of which term (equal numbers mean equal terms).
struct Occurrence {
    at: Range<usize>,
    term: String,
    weight: f32,
}

impl Highlighter {
    /// Takes the terms of a query and how much each counts, its inverse document frequency for example.
    pub(crate) fn new(terms: impl IntoIterator<Item = (QueryTerm, f32)>) -> Self {
        let (mut words, mut compounds) = (HashMap::new(), HashMap::new());
        for (term, weight) in terms {
            let terms = if term.is_compound { &mut compounds } else { &mut words };
            terms.insert(term.text, weight);
        }
        Self { words, compounds }
    }

    fn occurrences(&self, text: &str) -> Vec<Occurrence> {
        let mut found = Vec::new();
        for (kind, terms) in
            [(Kind::Words, &self.words), (Kind::Pieces, &self.words), (Kind::Compounds, &self.compounds)]
        {
            if terms.is_empty() {
                continue;
            }
            for token in kind.terms(text) {
                if let Some(&weight) = terms.get(&token.text) {
                    found.push(Occurrence { at: token.offset_from..token.offset_to, term: token.text, weight });
                }
            }
        }
        found.sort_by_key(|occurrence| (occurrence.at.start, occurrence.at.end));
        found
    }

    /// The places of the query's words and identifiers in `text`: byte ranges on character boundaries, in order, not overlapping.
    #[must_use]
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut merged: Vec<Range<usize>> = Vec::new();
        for Occurrence { at, .. } in self.occurrences(text) {
            match merged.last_mut() {
                Some(last) if at.start < last.end => last.end = last.end.max(at.end),
                _ => merged.push(at),
            }
        }
        merged
    }

    /// The part of `text`, at most `bytes` long, that holds the most of the query: each term counts once, rare ones more.
    /// It begins and ends between words where it can; without any match it is the beginning.
    #[must_use]
    pub fn snippet(&self, text: &str, bytes: usize) -> Range<usize> {
        if text.len() <= bytes {
            return 0..text.len();
        }
        let found = self.occurrences(text);
        let worth = |first: usize| -> f32 {
            let within = found[first..].iter().take_while(|other| other.at.end <= found[first].at.start + bytes);
            let terms: HashMap<&str, f32> = within.map(|other| (other.term.as_str(), other.weight)).collect();
            terms.values().sum()
        };
        let best = (0..found.len()).max_by(|&a, &b| worth(a).total_cmp(&worth(b)).then(b.cmp(&a)));
        let Some(best) = best else {
            return 0..back_to_word(text, 0, bytes);
        };
        let start = found[best].at.start;
        let last = found[best..].iter().take_while(|other| other.at.end <= start + bytes).last();
        let used = last.map_or(0, |last| last.at.end - start);
        // What is left over goes half before, half after.
        let from = start.saturating_sub((bytes - used.min(bytes)) / 2).min(text.len() - bytes);
        let from = on_to_word(text, from, start);
        from..back_to_word(text, from, from + bytes)
    }
}

/// The first beginning of a word at or after `from`, at most `latest`.
fn on_to_word(text: &str, from: usize, latest: usize) -> usize {
    if from == 0 {
        return 0;
    }
    let from = text.ceil_char_boundary(from);
    let space = text[from..latest.max(from)].find(char::is_whitespace);
    space.map_or(from.max(text.floor_char_boundary(from)), |space| {
        let rest = &text[from + space..];
        from + space + (rest.len() - rest.trim_start().len())
    })
}

/// The last end of a word at or before `to`, after `from`.
fn back_to_word(text: &str, from: usize, to: usize) -> usize {
    if to >= text.len() {
        return text.len();
    }
    let to = text.floor_char_boundary(to);
    match text[from..to].rfind(char::is_whitespace) {
        Some(space) if space > 0 => from + text[from..from + space].trim_end().len(),
        _ => to,
    }
}
