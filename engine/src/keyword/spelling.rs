//! Words that no passage holds are most likely misspelt: the nearest word that the index does hold stands in.

use tantivy::schema::Field;

use super::analysis::Kind;
use super::error::KeywordError;
use super::limits::{MAX_SPELLING, MIN_SPELLING};
use super::snapshot::Snapshot;

/// Typing errors that are forgiven in a word of this many letters.
fn tolerance(letters: usize) -> usize {
    if letters < 8 { 1 } else { 2 }
}

/// The indexed word nearest to `word` among those with the same first letter, the most frequent among equals; `None` when
/// none is near enough, or the word is too short or not of letters alone (codes are never guessed).
pub(crate) fn nearest(snapshot: &Snapshot, field: Field, word: &str) -> Result<Option<String>, KeywordError> {
    let letters: Vec<char> = word.chars().collect();
    if !(MIN_SPELLING..=MAX_SPELLING).contains(&letters.len()) || !letters.iter().all(|letter| letter.is_alphabetic()) {
        return Ok(None);
    }
    let first = letters[0].to_string();
    let mut best: Option<(usize, u32, String)> = None;
    for view in &snapshot.segments {
        let index = view.data.reader.inverted_index(field).map_err(KeywordError::during("open postings"))?;
        let words = index.terms().range().ge(&first).into_stream();
        let mut words = words.map_err(KeywordError::during("read words"))?;
        while words.advance() {
            if !words.key().starts_with(first.as_bytes()) {
                break;
            }
            let most = best.as_ref().map_or(tolerance(letters.len()), |best| best.0);
            let Ok(candidate) = std::str::from_utf8(words.key()) else {
                continue;
            };
            let Some(errors) = errors_within(&letters, candidate, most) else {
                continue;
            };
            let frequency = words.value().doc_freq;
            let is_better = |best: &(usize, u32, String)| {
                (errors, std::cmp::Reverse(frequency), candidate) < (best.0, std::cmp::Reverse(best.1), best.2.as_str())
            };
            if best.as_ref().is_none_or(is_better) {
                best = Some((errors, frequency, candidate.to_owned()));
            }
        }
    }
    Ok(best.map(|(_, _, word)| word))
}

/// What is known of a word's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spelling {
    /// Passages hold it.
    Known,
    /// No passage holds it, nor one near it.
    Unknown,
    /// No passage holds it; this word was most likely meant.
    Meant(String),
}

/// Of `words`, the one nearest to `word` among those whose stem is `stem`.
pub(crate) fn with_stem(word: &str, stem: &str, words: &[String]) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    let near =
        words.iter().filter_map(|known| Some((errors_within(&letters, known, tolerance(letters.len()))?, known)));
    near.filter(|(_, known)| self::stem(known) == stem).min().map(|(_, known)| known.clone())
}

/// A word as the index holds it.
pub(crate) fn stem(word: &str) -> String {
    Kind::Words.terms(word).into_iter().next().map_or_else(String::new, |token| token.text)
}

/// Letters left out, added, changed, or swapped with their neighbour (optimal string alignment), if at most `most`.
fn errors_within(word: &[char], candidate: &str, most: usize) -> Option<usize> {
    if candidate.len().abs_diff(word.len()) > most && candidate.is_ascii() {
        return None;
    }
    let candidate: Vec<char> = candidate.chars().collect();
    if candidate.len().abs_diff(word.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=candidate.len()).collect();
    for i in 1..=word.len() {
        let mut row = vec![i; candidate.len() + 1];
        for j in 1..=candidate.len() {
            let change = usize::from(word[i - 1] != candidate[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        if row.iter().all(|&errors| errors > most) {
            return None;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|&errors| errors <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_corrected_to_those_with_the_stem() {
        let words = ["throat", "throttle", "throttled", "throw"].map(str::to_owned);
        assert_eq!(with_stem("throtle", &stem("throttle"), &words), Some("throttle".to_owned()));
        assert_eq!(with_stem("throtle", &stem("throw"), &words), None);
    }

    #[test]
    fn errors_are_counted_as_typists_make_them() {
        let errors = |a: &str, b: &str| errors_within(&a.chars().collect::<Vec<_>>(), b, 2);
        assert_eq!(errors("retriev", "retriev"), Some(0));
        assert_eq!(errors("retreiv", "retriev"), Some(1));
        assert_eq!(errors("retrev", "retriev"), Some(1));
        assert_eq!(errors("transction", "transaction"), Some(1));
        assert_eq!(errors("transacttion", "transactoin"), Some(2));
        assert_eq!(errors("abcd", "wxyz"), None);
        assert_eq!(errors("abcd", "abcdefg"), None);
        assert_eq!(errors("naïve", "naive"), Some(1));
    }
}
