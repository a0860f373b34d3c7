//! What holds for the passages of every source whatsoever, and checks of it on hostile input.

use coditect_ingest::split::{
    ApproximateCounter, Format, Language, SplitDocument, SplitOptions, TokenCounter, embed_text, limits, split,
};
use proptest::prelude::*;

use crate::pieces::hostile_source;

pub(crate) const FORMATS: [Format; 15] = [
    Format::Markdown,
    Format::Mdx,
    Format::Rst,
    Format::Html,
    Format::Text,
    Format::Code(Language::Rust),
    Format::Code(Language::Python),
    Format::Code(Language::JavaScript),
    Format::Code(Language::TypeScript),
    Format::Code(Language::Tsx),
    Format::Code(Language::Go),
    Format::Code(Language::Java),
    Format::Code(Language::C),
    Format::Code(Language::Cpp),
    Format::Code(Language::Other),
];

/// Splits, and checks everything that must hold whatever the source is.
pub(crate) fn checked(source: &str, format: Format, options: &SplitOptions) -> SplitDocument {
    let document = split(source, format, options, &ApproximateCounter);
    let most = options.max_tokens.max(limits::PREFIX_BYTES + limits::MIN_BODY_TOKENS + options.special_tokens);
    let mut before = 0..0;
    for (index, passage) in document.passages.iter().enumerate() {
        let bytes = passage.bytes.start as usize..passage.bytes.end as usize;
        assert_eq!(passage.ordinal as usize, index);
        assert_eq!(source.get(bytes.clone()), Some(&*passage.text), "{format:?} {bytes:?}");
        assert!(!passage.index_text.trim().is_empty(), "{format:?}: passage {index} has nothing to read");
        assert!(bytes.start >= before.start, "{format:?}: {bytes:?} begins before {before:?}");
        let tokens = ApproximateCounter.count(&embed_text(document.title.as_deref(), passage)) + options.special_tokens;
        assert_eq!(passage.tokens as usize, tokens);
        assert!(tokens <= most, "{format:?}: {tokens} tokens");
        let line = |offset: usize| source.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
        let last = bytes.end.saturating_sub(1).max(bytes.start);
        assert_eq!(passage.lines, (line(bytes.start), line(last)), "{format:?}");
        before = bytes;
    }
    document
}

/// The characters of a source that can be read and that no passage covers.
fn uncovered(source: &str, document: &SplitDocument) -> String {
    let mut covered = vec![false; source.len()];
    for passage in &document.passages {
        covered[passage.bytes.start as usize..passage.bytes.end as usize].fill(true);
    }
    source
        .char_indices()
        .filter(|(at, c)| !covered[*at] && !c.is_whitespace() && !c.is_control())
        .map(|(_, c)| c)
        .collect()
}

fn options() -> impl Strategy<Value = SplitOptions> {
    (64..400_usize, 16..300_usize, 0..100_usize, 0..60_usize).prop_map(|(max, target, tiny, overlap)| SplitOptions {
        max_tokens: max,
        target_tokens: target,
        tiny_tokens: tiny,
        overlap_tokens: overlap,
        ..SplitOptions::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, ..ProptestConfig::default() })]

    #[test]
    fn any_source_in_any_format_keeps_the_invariants(source in hostile_source(), options in options()) {
        for format in FORMATS {
            checked(&source, format, &options);
        }
    }

    #[test]
    fn without_overlap_nothing_is_repeated(source in hostile_source()) {
        for format in [Format::Text, Format::Markdown, Format::Html, Format::Code(Language::Rust)] {
            let document = checked(&source, format, &SplitOptions::default());
            let ends = document.passages.windows(2).all(|pair| pair[0].bytes.end <= pair[1].bytes.start);
            prop_assert!(ends, "{:?}", format);
        }
    }

    #[test]
    fn text_and_code_are_covered_to_the_last_byte(source in hostile_source()) {
        let source = source.replace('\u{feff}', " ");
        for format in FORMATS.into_iter().filter(|format| matches!(format, Format::Text | Format::Code(_))) {
            let document = checked(&source, format, &SplitOptions::default());
            prop_assert_eq!(uncovered(&source, &document), "", "{:?}", format);
        }
    }

    #[test]
    fn splitting_is_deterministic(source in hostile_source()) {
        for format in FORMATS {
            let first = checked(&source, format, &SplitOptions::default());
            prop_assert_eq!(&first, &checked(&source, format, &SplitOptions::default()));
        }
    }
}

fn assert_nothing_is_repeated(source: &str) {
    let document = checked(source, Format::Html, &SplitOptions::default());
    let ranges: Vec<_> = document.passages.iter().map(|passage| passage.bytes.clone()).collect();
    assert!(ranges.len() > 1 && ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "{ranges:?}");
}

#[test]
fn without_overlap_a_blank_piece_is_not_repeated() {
    let ends = "漢！。漢。字字な字aAaaaaAAa 𐎟𞓐𐭸A୦!AaaAA !!Aﶒ";
    for zeros in 450..650 {
        let title = "=".repeat(37);
        assert_nothing_is_repeated(&format!(
            "{title}<div><br/>{}\n\n{}{ends}{ends}",
            "0".repeat(zeros),
            "+".repeat(69)
        ));
    }
}

#[test]
fn the_tag_between_two_cells_is_of_one_passage() {
    for words in 60..80 {
        let cell = "aaaaa.".repeat(words);
        assert_nothing_is_repeated(&format!("<table><tr><th>h</th></tr><tr><td>{cell}<td>{}", "b. ".repeat(200)));
    }
}
