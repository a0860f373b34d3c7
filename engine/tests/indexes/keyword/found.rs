//! What is found, and in which order.

use coditect_engine::keyword::{KeywordChange, PassageFields, limits};
use roaring::RoaringBitmap;

use super::data::{empty, hits, index, passage, put, remove, slots};

#[test]
fn words_match_in_any_form() {
    let index = index(&["Agents are discovering each other", "Discovery of an AGENT", "naïve façade", "nothing here"]);
    assert_eq!(slots(&index, "how do agents discover?").len(), 2);
    assert_eq!(slots(&index, "NAIVE facade"), [2]);
    assert!(slots(&index, "zebra").is_empty());
    assert!(slots(&index, "").is_empty());
}

#[test]
fn codes_and_identifiers_match() {
    let index = index(&[
        "The server answers -32004 when the version is not supported.",
        "Codes from 32000 to 32099 are reserved.",
        "Returns `ExtensionSupportRequiredError` to the client.",
        "The extension is required for support, an error otherwise.",
        "Call set_retry_limit(5) first, see docs/guides/set-up.md.",
        "Version 1.0.1 fixes it.",
        "Retry with a limit.",
    ]);
    assert_eq!(slots(&index, "jsonrpc code -32004")[0], 0);
    assert_eq!(slots(&index, "-32004"), [0]);
    assert_eq!(slots(&index, "32004"), [0]);
    assert_eq!(slots(&index, "ExtensionSupportRequiredError"), [2, 3, 0]);
    assert_eq!(slots(&index, "extensionsupportrequirederror"), [2]);
    assert_eq!(slots(&index, "support required")[0], 3);
    assert_eq!(slots(&index, "set_retry_limit")[0], 4);
    assert_eq!(slots(&index, "setRetryLimit")[0], 4);
    assert_eq!(slots(&index, "docs/guides/set-up.md")[0], 4);
    assert_eq!(slots(&index, "1.0.1")[0], 5);
}

#[test]
fn every_field_counts() {
    let fields = |title: &str, headings: &str, text: &str, path: &str| PassageFields {
        title: title.to_owned(),
        headings: headings.to_owned(),
        text: text.to_owned(),
        path: path.to_owned(),
        language: String::new(),
    };
    let index = empty();
    let passages = [
        fields("Watches", "", "x", ""),
        fields("", "Using\nwatches", "x", ""),
        fields("", "", "watches", ""),
        fields("", "", "x", "docs/watches.md"),
        fields("", "", "myWatches", ""),
        fields("", "", "x", ""),
    ];
    let changes: Vec<_> = (0..).zip(passages).map(|(slot, fields)| KeywordChange::Put { slot, fields }).collect();
    index.apply(&changes).unwrap();
    index.commit().unwrap();
    let mut found = slots(&index, "watch");
    found.sort_unstable();
    assert_eq!(found, [0, 1, 2, 3, 4]);
}

#[test]
fn quoted_words_count_more_where_they_stand_together() {
    let index = index(&["the order of commit and then version", "a commit version of the order", "unrelated"]);
    assert_eq!(slots(&index, "\"commit version\" order"), [1, 0]);
    assert_eq!(slots(&index, "\u{201C}of the order\u{201D} commit"), [1, 0]);
    let plain = hits(&index, "commit version");
    let quoted = hits(&index, "\"commit version\"");
    assert!(quoted[0].score > plain[0].score && quoted[1].score == plain[1].score);
}

#[test]
fn queries_of_stop_words_still_find() {
    let index = index(&["To be, or not to be", "something else"]);
    assert_eq!(slots(&index, "to be or not to be"), [0]);
}

#[test]
fn no_query_is_an_error() {
    let index = index(&["plain words AND more", "a:b c^2 d~1"]);
    let long = "words ".repeat(200_000);
    let wide: String = (0..100_000).map(|i| format!("w{i} ")).collect();
    let odd = [
        "AND",
        "OR NOT",
        "a:b",
        "text:",
        "((((",
        "\"",
        "\"\"",
        "*",
        "?",
        "~",
        "^",
        "\\",
        "[a TO",
        "{}",
        "-",
        "--",
        "+",
        "/.*/",
        "\u{0}",
        "🦀",
        "é\u{301}",
    ];
    for query in odd.into_iter().chain([long.as_str(), wide.as_str()]) {
        index.search(query, 10, None).unwrap();
        assert!(index.highlights(query, query).iter().all(|range| query.get(range.clone()).is_some()));
    }
    assert!(index.evaluate(&wide).unwrap().profile().terms <= limits::MAX_QUERY_TERMS);
}

#[test]
fn filters_ties_and_bounds() {
    let texts: Vec<String> =
        (0..300).map(|i| format!("same words {}", if i % 2 == 0 { "even" } else { "odd" })).collect();
    let index = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let found = |query: &str, k: usize, allowed: Option<&RoaringBitmap>| -> Vec<u32> {
        index.search(query, k, allowed).unwrap().iter().map(|hit| hit.slot).collect()
    };
    assert_eq!(found("same", 5, None), [0, 1, 2, 3, 4]);
    assert_eq!(found("odd", 3, None), [1, 3, 5]);
    let allowed: RoaringBitmap = [7, 8, 250, 9_999].into_iter().collect();
    assert_eq!(found("same", 5, Some(&allowed)), [7, 8, 250]);
    assert_eq!(found("odd", 5, Some(&allowed)), [7]);
    assert!(found("same", 5, Some(&RoaringBitmap::new())).is_empty());
    assert!(found("same", 0, None).is_empty());
    assert_eq!(found("same", usize::MAX, None).len(), 300);
}

#[test]
fn the_profile_tells_what_the_words_are_worth() {
    let texts: Vec<String> = (0..1_000)
        .map(|i| {
            format!("common {} {}", if i < 500 { "half" } else { "other" }, if i == 7 { "unique_name" } else { "x" })
        })
        .collect();
    let index = index(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let common = index.evaluate("common half").unwrap();
    let rare = index.evaluate("common unique absent").unwrap();
    assert_eq!((common.profile().terms, common.profile().rare_terms, common.profile().matches), (2, 0, 1_000));
    assert_eq!((rare.profile().terms, rare.profile().rare_terms, rare.profile().missing_terms), (3, 1, 1));
    assert!(rare.profile().max_idf > 6.0 && common.profile().max_idf < 1.0);
    assert_eq!((index.evaluate("unique_name").unwrap().profile().name_share, rare.profile().name_share), (1.0, 0.0));
    for evaluation in [common, rare, index.evaluate("\"common half\" uniqueName").unwrap()] {
        assert!(evaluation.top(1, None)[0].score <= evaluation.profile().ceiling);
    }
}

#[test]
fn changes_show_at_the_commit_and_all_at_once() {
    let index = empty();
    index.apply(&[put(0, "first"), put(1, "second")]).unwrap();
    assert!(index.is_empty() && slots(&index, "first").is_empty());
    index.commit().unwrap();
    assert_eq!((index.len(), slots(&index, "first second")), (2, vec![0, 1]));
    index.apply(&[put(0, "third"), remove(1), remove(5)]).unwrap();
    assert_eq!(slots(&index, "first second"), [0, 1]);
    index.commit().unwrap();
    assert!(slots(&index, "first second").is_empty());
    assert_eq!((index.len(), slots(&index, "third")), (1, vec![0]));
    index.apply(&[put(2, "x"), put(2, "y"), remove(2), put(2, "z")]).unwrap();
    index.commit().unwrap();
    assert_eq!((index.len(), slots(&index, "x y z")), (2, vec![2]));
    let fields = passage("z");
    index.apply(&[KeywordChange::Put { slot: u32::MAX, fields }]).unwrap();
    index.commit().unwrap();
    assert_eq!(slots(&index, "z"), [2, u32::MAX]);
}

#[test]
fn misspelt_words_find_what_was_meant() {
    let index =
        index(&["transactions are retried", "a transform of data", "other words", "code -32004 and commit_version"]);
    let evaluation = index.evaluate("transaktions").unwrap();
    assert_eq!(evaluation.top(5, None).iter().map(|hit| hit.slot).collect::<Vec<_>>(), [0]);
    assert_eq!((evaluation.profile().missing_terms, evaluation.profile().corrected_terms), (1, 1));
    assert_eq!(slots(&index, "transfrom words"), [2, 1]);
    // Rightly spelt words, codes and names are never changed.
    assert_eq!(slots(&index, "transform"), [1]);
    assert!(slots(&index, "-32005").is_empty() && slots(&index, "zzzz").is_empty());
    let highlighter = index.highlighter("transaktions").unwrap();
    assert_eq!(highlighter.ranges("transactions commit"), vec![std::ops::Range { start: 0, end: 12 }]);
}

#[test]
fn the_language_of_all_documents_says_nothing_and_of_some_finds_them() {
    let put = |slot, text: &str, language: &str| KeywordChange::Put {
        slot,
        fields: PassageFields { text: text.to_owned(), language: language.to_owned(), ..PassageFields::default() },
    };
    let index = empty();
    let texts =
        ["def read(file): open", "def write(file): save", "def find(item): look", "def embed(python): interpreter"];
    let changes: Vec<_> = (0..).zip(texts).map(|(slot, text)| put(slot, text, "python")).collect();
    index.apply(&changes).unwrap();
    index.commit().unwrap();
    assert_eq!(slots(&index, "python read file")[0], 0, "a word that all passages stand for does not decide");
    index.apply(&[put(4, "fn read(file) open", "rust")]).unwrap();
    index.commit().unwrap();
    assert_eq!(slots(&index, "rust read file")[0], 4);
}
