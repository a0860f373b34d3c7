//! Reading a query: words, identifiers and quoted phrases. Nothing in a query is an error.

use std::collections::HashMap;
use std::ops::Range;

use tantivy::tokenizer::Token;

use super::analysis::{Kind, is_stop_word};
use super::limits::{MAX_PHRASE_WORDS, MAX_PHRASES, MAX_QUERY_BYTES, MAX_QUERY_TERMS};
use super::options::KeywordOptions;

/// One thing to look for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryTerm {
    pub(crate) text: String,
    /// A whole identifier, or else a word.
    pub(crate) is_compound: bool,
    /// How much it counts.
    pub(crate) weight: f32,
}

/// A query that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ParsedQuery {
    pub(crate) terms: Vec<QueryTerm>,
    /// Quoted phrases, as stemmed words.
    pub(crate) phrases: Vec<Vec<String>>,
    /// Which share of its words are names, codes or quoted rather than words of a sentence, 0 to 1.
    pub(crate) name_share: f32,
}

impl ParsedQuery {
    pub(crate) fn read(query: &str, options: &KeywordOptions) -> Self {
        let query = head(query, MAX_QUERY_BYTES);
        let mut reader = Reader::default();
        reader.words(query);
        for token in Kind::Pieces.terms(query) {
            if !is_stop_word(&token.text) {
                reader.add(token.text, false, options.piece_query);
            }
        }
        for token in Kind::Compounds.terms(query) {
            reader.add(token.text, true, options.compound_query);
        }
        let mut parsed = reader.parsed;
        parsed.phrases = phrases(query);
        parsed.name_share = name_share(query, parsed.phrases.iter().map(Vec::len).sum());
        parsed
    }
}

/// The beginning of `text`, at most `bytes` long, whole characters.
fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The share of names among the words that are not stop words; `quoted` words count as names.
fn name_share(query: &str, quoted: usize) -> f32 {
    let words = query.split_whitespace().filter(|word| !is_stop_word(&word.to_lowercase()));
    let (names, all) = words.fold((0, 0), |(names, all), word| (names + usize::from(is_name(word)), all + 1));
    (names.max(quoted) as f32 / all.max(1) as f32).min(1.0)
}

/// An identifier of several parts, a number of three or more digits, or a word with both digits and letters.
fn is_name(word: &str) -> bool {
    let has_parts = || [Kind::Compounds, Kind::Pieces].iter().any(|kind| !kind.terms(word).is_empty());
    let is_code = |part: &str| {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        digits >= 3 || (digits > 0 && digits < part.chars().count())
    };
    word.split(|c: char| !c.is_alphanumeric()).any(is_code) || has_parts()
}

#[derive(Default)]
struct Reader {
    parsed: ParsedQuery,
    places: HashMap<(bool, String), usize>,
}

impl Reader {
    /// Adds all words that are not stop words, or all when every word is one; repeated words count more.
    fn words(&mut self, query: &str) {
        let tokens = Kind::Words.terms(query);
        let is_telling = |at: Range<usize>| !is_stop_word(&query[at].to_lowercase());
        let telling = |token: &&Token| is_telling(token.offset_from..token.offset_to);
        let any = tokens.iter().any(|token| telling(&token));
        for token in tokens.iter().filter(|token| !any || telling(token)) {
            match self.places.get(&(false, token.text.clone())) {
                Some(&place) => self.parsed.terms[place].weight += 1.0,
                None => self.add(token.text.clone(), false, 1.0),
            }
        }
    }

    /// Adds a term that is not there yet, while there is room.
    fn add(&mut self, text: String, is_compound: bool, weight: f32) {
        let key = (is_compound, text);
        if self.parsed.terms.len() == MAX_QUERY_TERMS || weight <= 0.0 || self.places.contains_key(&key) {
            return;
        }
        self.parsed.terms.push(QueryTerm { text: key.1.clone(), is_compound, weight });
        self.places.insert(key, self.parsed.terms.len() - 1);
    }
}

/// The quoted parts of two or more words.
fn phrases(query: &str) -> Vec<Vec<String>> {
    let quoted = query.split(['"', '\u{201C}', '\u{201D}']).skip(1).step_by(2);
    let words =
        quoted.map(|part| Kind::Words.terms(part).into_iter().map(|token| token.text).take(MAX_PHRASE_WORDS).collect());
    words.filter(|words: &Vec<String>| words.len() > 1).take(MAX_PHRASES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(query: &str) -> Vec<(String, bool, f32)> {
        let parsed = ParsedQuery::read(
            query,
            &KeywordOptions { piece_query: 0.5, compound_query: 0.25, ..KeywordOptions::default() },
        );
        parsed.terms.into_iter().map(|term| (term.text, term.is_compound, term.weight)).collect()
    }

    #[test]
    fn words_pieces_and_identifiers() {
        let word = |text: &str| (text.to_owned(), false, 1.0);
        assert_eq!(terms("How are the messages sent?"), [word("messag"), word("sent")]);
        assert_eq!(
            terms("jsonrpc code -32004"),
            [word("jsonrpc"), word("code"), word("32004"), ("-32004".to_owned(), true, 0.25)]
        );
        assert_eq!(terms("sendMessage message"), [word("sendmessag"), word("messag"), ("send".to_owned(), false, 0.5)]);
        assert_eq!(terms("to be or not to be")[0].0, "to");
        assert_eq!(terms("a a a b"), [word("b")]);
    }

    #[test]
    fn nothing_is_an_error_and_everything_is_bounded() {
        let long = "word".to_owned() + &(0..300_000).map(|i| format!(" w{i}")).collect::<String>();
        for query in [
            "",
            " ",
            "\"",
            "AND OR NOT",
            "a:b AND (c",
            "~!@#$%^&*()[]{}|\\",
            "\u{0}",
            "\"\"\"\"",
            "field:\"x y",
            "*?",
            "(((((",
            &long,
        ] {
            let parsed = ParsedQuery::read(query, &KeywordOptions::default());
            assert!(parsed.terms.len() <= MAX_QUERY_TERMS && parsed.phrases.len() <= MAX_PHRASES);
        }
    }

    #[test]
    fn phrases_and_the_look_of_a_query() {
        let read = |query: &str| ParsedQuery::read(query, &KeywordOptions::default());
        assert_eq!(read("say \"Hello big World\" now \"x\" \"open").phrases, [["hello", "big", "world"]]);
        for query in ["set_retry_limit", "HTTPServer", "-32004", "the E0432", "sha256", "\"exact words\""] {
            assert_eq!(read(query).name_share, 1.0, "{query}");
        }
        for query in ["how do agents find each other", "top 10 reasons", ""] {
            assert_eq!(read(query).name_share, 0.0, "{query}");
        }
        for query in ["limit of set_retry_limit", "error 1031", "an \"exact phrase\" among others"] {
            assert_eq!(read(query).name_share, 0.5, "{query}");
        }
    }
}
