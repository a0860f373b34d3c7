//! Where the words of a query are in a passage.

use super::data::{empty, index};

fn highlighted(query: &str, text: &str) -> Vec<String> {
    empty().highlights(query, text).into_iter().map(|range| text[range].to_owned()).collect()
}

#[test]
fn words_in_any_form_and_whole_identifiers() {
    assert_eq!(
        highlighted("agents discover", "Discovering: an agent discovers the Agents."),
        ["Discovering", "agent", "discovers", "Agents"]
    );
    assert_eq!(highlighted("code -32004", "Codes: (-32004), 32004."), ["Codes", "-32004", "32004"]);
    assert_eq!(highlighted("set_retry_limit", "fdb.set_retry_limit(5), a limit"), ["set_retry_limit", "limit"]);
    assert_eq!(highlighted("support error", "ExtensionSupportRequiredError"), ["Support", "Error"]);
    assert_eq!(highlighted("the of", "nothing of note"), ["of"]);
    assert_eq!(highlighted("naive", "«naïve» Ü"), ["naïve"]);
    assert!(highlighted("", "text").is_empty() && highlighted("text", "").is_empty());
}

#[test]
fn the_snippet_is_where_the_rare_words_are() {
    let index = index(&["common words everywhere", "common again", "common and zebra"]);
    let highlighter = index.highlighter("common zebra").unwrap();
    let text =
        format!("{} common {} a zebra crosses {}", "filler ".repeat(50), "filler ".repeat(50), "filler ".repeat(50));
    let range = highlighter.snippet(&text, 80);
    assert!(range.len() <= 80);
    let snippet = &text[range];
    assert!(
        snippet.contains("zebra crosses") && snippet.starts_with("filler") && snippet.ends_with("filler"),
        "{snippet:?}"
    );
    assert_eq!(&text[highlighter.snippet("short text", 80)], &text[0..10]);
    let beginning = index.highlighter("absent").unwrap().snippet(&text, 20);
    assert_eq!(&text[beginning], "filler filler");
}

#[test]
fn snippets_of_any_text_are_whole_characters() {
    let index = index(&["äöü zebra"]);
    let highlighter = index.highlighter("zebra ü").unwrap();
    for text in [
        "ä".repeat(100),
        "zebra".repeat(50),
        "ü zebra ".repeat(40),
        "日本語".repeat(40) + " zebra",
        format!("{} zebra", "🦀".repeat(60)),
    ] {
        for bytes in 0..60 {
            let range = highlighter.snippet(&text, bytes);
            assert!(range.len() <= bytes && text.get(range.clone()).is_some(), "{range:?} of {text:?} in {bytes}");
        }
    }
}
