//! Long lines, long words and large files: cut with exact ranges, and in time that grows with their length.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use coditect_ingest::split::{ApproximateCounter, Format, Language, SplitOptions, TokenCounter, split};

use crate::invariants::{FORMATS, checked};

/// Counts how many bytes it was given.
#[derive(Default)]
struct Metered {
    bytes: AtomicUsize,
}

impl TokenCounter for Metered {
    fn count(&self, text: &str) -> usize {
        self.bytes.fetch_add(text.len(), Ordering::Relaxed);
        ApproximateCounter.count(text)
    }
}

/// Every byte may be counted a few times, never once for each passage.
fn assert_linear(source: &str, format: Format) {
    const PASSES: usize = 40;
    let meter = Metered::default();
    let document = split(source, format, &SplitOptions::default(), &meter);
    let counted = meter.bytes.load(Ordering::Relaxed);
    assert!(counted <= PASSES * source.len() + 10_000, "{format:?} counted {counted} bytes of {}", source.len());
    assert!(!document.passages.is_empty());
}

#[test]
fn a_line_of_generated_html_is_cut_at_tags_and_spaces() {
    let member = "<section class=\"member\"><div><span>name</span>: <a href=\"#x\">Type</a></div><p>What it is for, in a few words.</p></section>";
    let source = format!("---\ntitle: Schema\n---\n\n## Types\n\n<div>\n{}\n</div>\n", member.repeat(400));
    for format in [Format::Mdx, Format::Markdown] {
        let document = checked(&source, format, &SplitOptions::default());
        assert!(document.passages.len() > 20, "{format:?} made {} passages", document.passages.len());
        for passage in &document.passages {
            assert!(!passage.index_text.contains(['<', '>']), "{}", passage.index_text);
            assert!(passage.text.len() < 4000);
        }
        let words =
            document.passages.iter().map(|passage| passage.index_text.matches("What it is for").count()).sum::<usize>();
        assert_eq!(words, 400);
    }
}

#[test]
fn endless_words_and_lines_are_cut_in_linear_time() {
    let sources = [
        "x".repeat(50_000),
        "word ".repeat(10_000),
        "漢".repeat(15_000),
        "a.b(c);".repeat(8_000),
        "One sentence here. ".repeat(3_000),
        "row, 1, 2\n".repeat(5_000),
        "- item\n".repeat(5_000),
        "# h\n\ntext\n\n".repeat(4_000),
        "| a | b |\n".repeat(5_000),
        "<p>a</p>".repeat(5_000),
        "\n".repeat(200_000) + "end",
    ];
    for source in sources {
        for format in FORMATS {
            assert_linear(&source, format);
        }
        for format in [Format::Markdown, Format::Text, Format::Code(Language::Other)] {
            checked(&source, format, &SplitOptions::default());
        }
    }
}

#[test]
fn openings_that_are_never_closed_cost_no_more_than_their_length() {
    let openings = [
        "<a b=\"",
        "<!--",
        "`",
        "``a ",
        "*a ",
        "**a ",
        "|a ",
        "[",
        "![",
        "[a](",
        "<nav>",
        "<script>",
        "<div>",
        "{",
        "{/*",
        "<T a={",
        ":a:`",
        "> ",
        "    ",
        ".. a::\n   ",
        "((",
        "fn a() {",
        "/*",
        "\"",
        "- ",
        "&a",
        "(a",
        "[[",
        "<b>",
        "<table><td>",
        "=== \"a\"\n    ",
        "<Tab>\n  ",
    ];
    for opening in openings {
        let source = opening.repeat(6_000 / opening.len());
        for format in FORMATS {
            let document = split(&source, format, &SplitOptions::default(), &ApproximateCounter);
            assert!(document.passages.len() < source.len());
        }
    }
}

#[test]
fn a_document_of_300_kilobytes_survives() {
    let mut source = String::from("# Big\n\n");
    let number = Cell::new(0);
    while source.len() < 300_000 {
        number.set(number.get() + 1);
        source.push_str(&format!("## Section {0}\n\nSome words about subject {0}, and a few more.\n\n```sh\n# not a heading {0}\nrun {0}\n```\n\n", number.get()));
    }
    let document = checked(&source, Format::Markdown, &SplitOptions::default());
    let named = document
        .passages
        .iter()
        .any(|passage| passage.heading_path.iter().any(|heading| heading.contains("not a heading")));
    assert!(!named);
    assert!(document.passages.len() > 300);
}
