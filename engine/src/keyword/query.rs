//! Reading a query: words, identifiers and quoted phrases. Nothing in a query is an error.

use std::collections::HashMap;
use std::ops::Range;

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
    /// Neighbouring words of the query, as places in `terms`.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Whether it has the look of a name, a code or a quotation rather than of a sentence.
    pub(crate) identifier_like: bool,
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
        let compounds = Kind::Compounds.terms(query);
        let has_names = !compounds.is_empty() || !Kind::Pieces.terms(query).is_empty();
        for token in compounds {
            reader.add(token.text, true, options.compound_query);
        }
        let mut parsed = reader.parsed;
        parsed.phrases = phrases(query);
        parsed.identifier_like = has_names || !parsed.phrases.is_empty() || has_code(query);
        parsed
    }
}

/// The beginning of `text`, at most `bytes` long, whole characters.
fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A number of three or more digits, or a word with both digits and letters.
fn has_code(query: &str) -> bool {
    query.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        digits >= 3 || (digits > 0 && digits < word.chars().count())
    })
}

#[derive(Default)]
struct Reader {
    parsed: ParsedQuery,
    places: HashMap<(bool, String), usize>,
}

impl Reader {
    /// Adds all words that are not stop words, or all when every word is one.
    fn words(&mut self, query: &str) {
        let tokens = Kind::Words.terms(query);
        let is_stop = |at: Range<usize>| is_stop_word(&query[at].to_lowercase());
        let telling: Vec<_> = tokens
            .iter()
            .filter(|token| !is_stop(token.offset_from..token.offset_to))
            .collect();
        let kept = if telling.is_empty() {
            tokens.iter().collect()
        } else {
            telling
        };
        let mut last: Option<(usize, usize)> = None;
        for token in kept {
            let Some(place) = self.add(token.text.clone(), false, 1.0) else {
                break;
            };
            if let Some((before, position)) = last
                && position + 1 == token.position
                && before != place
                && !self.parsed.pairs.contains(&(before, place))
            {
                self.parsed.pairs.push((before, place));
            }
            last = Some((place, token.position));
        }
    }

    /// Adds a term, or adds to it; `None` when there are too many.
    fn add(&mut self, text: String, is_compound: bool, weight: f32) -> Option<usize> {
        let key = (is_compound, text);
        if let Some(&place) = self.places.get(&key) {
            // A name's piece that is also a word of its own is not counted twice.
            if weight >= 1.0 {
                self.parsed.terms[place].weight += weight;
            }
            return Some(place);
        }
        if self.parsed.terms.len() == MAX_QUERY_TERMS || weight <= 0.0 {
            return None;
        }
        let place = self.parsed.terms.len();
        self.parsed.terms.push(QueryTerm {
            text: key.1.clone(),
            is_compound,
            weight,
        });
        self.places.insert(key, place);
        Some(place)
    }
}

/// The quoted parts of two or more words.
fn phrases(query: &str) -> Vec<Vec<String>> {
    let quoted = query
        .split(['"', '\u{201C}', '\u{201D}'])
        .skip(1)
        .step_by(2);
    let words = quoted.map(|part| {
        Kind::Words
            .terms(part)
            .into_iter()
            .map(|token| token.text)
            .take(MAX_PHRASE_WORDS)
            .collect()
    });
    words
        .filter(|words: &Vec<String>| words.len() > 1)
        .take(MAX_PHRASES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(query: &str) -> Vec<(String, bool, f32)> {
        let parsed = ParsedQuery::read(
            query,
            &KeywordOptions {
                piece_query: 0.5,
                compound_query: 0.25,
                ..KeywordOptions::default()
            },
        );
        parsed
            .terms
            .into_iter()
            .map(|term| (term.text, term.is_compound, term.weight))
            .collect()
    }

    #[test]
    fn words_pieces_and_identifiers() {
        let word = |text: &str| (text.to_owned(), false, 1.0);
        assert_eq!(
            terms("How are the messages sent?"),
            [word("messag"), word("sent")]
        );
        assert_eq!(
            terms("jsonrpc code -32004"),
            [
                word("jsonrpc"),
                word("code"),
                word("32004"),
                ("-32004".to_owned(), true, 0.25)
            ]
        );
        assert_eq!(
            terms("sendMessage message"),
            [
                word("sendmessag"),
                word("messag"),
                ("send".to_owned(), false, 0.5)
            ]
        );
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
        assert_eq!(
            read("say \"Hello big World\" now \"x\" \"open").phrases,
            [["hello", "big", "world"]]
        );
        for query in [
            "set_retry_limit",
            "HTTPServer",
            "-32004",
            "error 1031",
            "sha256",
            "\"exact words\"",
        ] {
            assert!(read(query).identifier_like, "{query}");
        }
        for query in ["how do agents find each other", "top 10 reasons", ""] {
            assert!(!read(query).identifier_like, "{query}");
        }
    }
}
