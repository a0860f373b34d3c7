//! Which part of a passage answers a query: the lines and sentences whose tokens meet the query's best.

use std::ops::Range;

use super::query::WeightedQuery;
use crate::limits::EVIDENCE;
use crate::model::TokenCodes;
use crate::vector::maxsim::Similarities;

/// A part of a passage that meets the query.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Byte range in the passage's shown text.
    pub bytes: Range<usize>,
    /// How well it meets the query by itself, 0 to 1.
    pub score: f32,
}

/// Parts that score less than this share of the best are no evidence.
const SHARE: f32 = 0.85;
/// A part with fewer tokens than this is told together with its neighbour.
const FEW: usize = 6;

/// The parts of `text` that meet the query best, strongest first, not overlapping; none without tokens of the passage.
pub(crate) fn find(query: &WeightedQuery, codes: &TokenCodes, text: &str) -> Vec<Evidence> {
    if codes.sign_bytes() != query.vectors.sign_bytes() {
        return Vec::new();
    }
    let places: Vec<usize> = codes.places().collect();
    let signs = &codes.signs()[codes.before() * codes.sign_bytes()..];
    let mut similarities = Similarities::default();
    query.vectors.similarities(signs, &mut similarities);
    let mut best = vec![0.0; query.weights.len()];
    let mut scored: Vec<Evidence> = Vec::new();
    for (bytes, tokens) in parts(text, &places) {
        best.fill(0.0);
        similarities.raise(tokens, &mut best);
        scored.push(Evidence { bytes, score: query.weighted(&best) });
    }
    scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.bytes.start.cmp(&b.bytes.start)));
    let least = scored.first().map_or(0.0, |best| best.score * SHARE);
    scored.retain(|part| part.score > 0.0 && part.score >= least);
    scored.truncate(EVIDENCE);
    scored
}

/// Lines and sentences of `text` that have tokens, and the tokens of each. Very short ones go with what follows them.
fn parts(text: &str, places: &[usize]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut parts: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut token = 0;
    for bytes in sentences(text) {
        let end = token + places[token..].iter().take_while(|&&place| place < bytes.end).count();
        let tokens = token..end;
        token = end;
        match parts.last_mut() {
            Some((last, held)) if held.len() < FEW => {
                last.end = if tokens.is_empty() { last.end } else { bytes.end };
                held.end = tokens.end;
            }
            _ if tokens.is_empty() => {}
            _ => parts.push((bytes, tokens)),
        }
    }
    parts
}

/// The lines of `text`, long ones cut behind sentences; without white space around them, blank ones left out.
fn sentences(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = &text[from..];
        let start = from + rest.find(|c: char| !c.is_whitespace())?;
        let line = &text[start..];
        let line = &line[..line.find('\n').unwrap_or(line.len())];
        let end = start + sentence_end(line).unwrap_or(line.len());
        from = end;
        Some(start..start + text[start..end].trim_end().len())
    })
}

/// Behind the first sentence of `line`, when another one follows.
fn sentence_end(line: &str) -> Option<usize> {
    let ends = line.match_indices(['.', '!', '?', '。']).map(|(at, mark)| at + mark.len());
    ends.into_iter().find(|&at| {
        let rest = &line[at..];
        let next = rest.trim_start().chars().next();
        rest.starts_with(char::is_whitespace) && next.is_some_and(|next| !next.is_lowercase())
    })
}
