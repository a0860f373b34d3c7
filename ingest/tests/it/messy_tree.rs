//! A tree as people really have them, walked and split from end to end: nothing readable is lost, whatever
//! is not readable is reported with its reason, and nothing stops the run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use coditect_ingest::split::{ApproximateCounter, SplitDocument, SplitOptions, split_input};
use coditect_ingest::walk::{SkipReason, WalkItem, WalkOptions, Walked, walk};
use coditect_ingest::wire::kind;

fn put(root: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    fs::write(path, bytes).expect("file");
}

#[derive(Default)]
struct Found {
    order: Vec<String>,
    documents: BTreeMap<String, Walked>,
    skipped: BTreeMap<String, SkipReason>,
}

fn found(root: &Path, options: &WalkOptions) -> Found {
    let mut found = Found::default();
    for item in walk(root, options).expect("root") {
        match item {
            WalkItem::Document(walked) => {
                found.order.push(walked.document.document_id.clone());
                let before = found.documents.insert(walked.document.document_id.clone(), *walked);
                assert!(before.is_none(), "walked twice");
            }
            WalkItem::Skipped(skipped) => {
                found.order.push(skipped.path.clone());
                found.skipped.insert(skipped.path, skipped.reason);
            }
        }
    }
    found
}

impl Found {
    fn split(&self, id: &str) -> SplitDocument {
        let walked = self.documents.get(id).unwrap_or_else(|| panic!("{id} was not walked"));
        split_input(&walked.document, &SplitOptions::default(), &ApproximateCounter)
    }

    fn kind(&self, id: &str) -> &str {
        self.documents[id].document.kind.as_deref().expect("kind")
    }
}

fn messy(root: &Path) {
    put(root, "README.md", "# Read me\n\nHello.\n");
    put(root, "LICENSE", "Permission is granted.\n");
    put(
        root,
        ".claude/agents/reviewer.md",
        "---\nname: reviewer\ndescription: Use it to review code.\n---\nYou review.\n",
    );
    put(root, ".claude/commands/ship it.md", "Ship $ARGUMENTS.\n");
    put(root, ".github/workflows/ci.yml", "on: push\n");
    put(root, ".hidden", "a hidden file\n");
    put(root, ".git/config", "[core]\n");
    put(root, "vendor/.hg/store", "x\n");
    put(root, "vendor/.svn/entries", "x\n");
    put(root, ".gitignore", "ignored/\n*.tmp\n!keep.tmp\n");
    put(root, ".coditectignore", "private.md\n");
    put(root, "ignored/a.md", "ignored\n");
    put(root, "x.tmp", "ignored\n");
    put(root, "keep.tmp", "kept\n");
    put(root, "private.md", "ignored\n");
    put(root, "docs/.gitignore", "/local.md\n");
    put(root, "docs/local.md", "ignored\n");
    put(root, "docs/deep/local.md", "kept\n");
    put(root, "odd/nul.md", b"# Title\n\nA stray \0 byte and a \x07 bell in plenty of plain text.\n");
    put(root, "odd/latin.txt", b"caf\xe9 and many other words\n");
    put(root, "odd/utf16.txt", b"\xff\xfeh\0i\0\n\0");
    put(root, "odd/image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    put(root, "odd/blob", [0_u8, 1, 2, 3, 255, 254, 0, 0, 7, 8]);
    put(root, "odd/empty.md", "");
    put(root, "odd/blank.md", " \n\t\n");
    put(root, "odd/huge.md", "a".repeat(3000));
    put(root, "names/a:b 100%!.md", "# Odd name\n");
    put(root, &format!("names/{}.md", "n".repeat(217)), "# Long name\n");
    put(root, "src/lib.rs", "/// Adds.\npub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n");
}

fn small() -> WalkOptions {
    WalkOptions { max_bytes: 2000, ..WalkOptions::default() }
}

#[test]
fn everything_readable_becomes_a_document_and_the_rest_is_reported() {
    let root = tempfile::tempdir().expect("tempdir");
    messy(root.path());
    let found = found(root.path(), &small());
    let long = format!("names/{}.md", "n".repeat(217));
    let mut expected = vec![
        ".claude/agents/reviewer.md",
        ".claude/commands/ship it.md",
        ".coditectignore",
        ".github/workflows/ci.yml",
        ".gitignore",
        ".hidden",
        "LICENSE",
        "README.md",
        "docs/.gitignore",
        "docs/deep/local.md",
        "keep.tmp",
        "names/a:b 100%!.md",
        &long,
        "odd/latin.txt",
        "odd/nul.md",
        "odd/utf16.txt",
        "src/lib.rs",
    ];
    expected.sort_unstable();
    assert_eq!(found.documents.keys().collect::<Vec<_>>(), expected);
    let reasons: Vec<(&str, &str)> =
        found.skipped.iter().map(|(path, reason)| (path.as_str(), reason.code())).collect();
    let binary = [("odd/blank.md", "empty"), ("odd/blob", "binary"), ("odd/empty.md", "empty")];
    assert_eq!(reasons[..3], binary);
    assert_eq!(reasons[3..], [("odd/huge.md", "too_large"), ("odd/image.png", "binary")]);
    assert_eq!(found.skipped["odd/huge.md"], SkipReason::TooLarge { size: 3000, limit: 2000 });
}

#[test]
fn kinds_follow_the_path() {
    let root = tempfile::tempdir().expect("tempdir");
    messy(root.path());
    let found = found(root.path(), &small());
    let kinds = [
        (".claude/agents/reviewer.md", kind::AGENT_TEMPLATE),
        (".claude/commands/ship it.md", kind::AGENT_TEMPLATE),
        (".github/workflows/ci.yml", kind::CODE),
        ("src/lib.rs", kind::CODE),
        ("LICENSE", kind::DOCUMENTATION),
        ("README.md", kind::DOCUMENTATION),
    ];
    for (id, kind) in kinds {
        assert_eq!(found.kind(id), kind, "{id}");
    }
    let template = found.split(".claude/agents/reviewer.md");
    assert_eq!(template.metadata["name"], "reviewer");
    assert!(template.passages[0].index_text.contains("Use it to review code."));
}

#[test]
fn stray_bytes_are_replaced_with_a_warning_and_lines_still_count() {
    let root = tempfile::tempdir().expect("tempdir");
    messy(root.path());
    let found = found(root.path(), &small());
    for id in ["odd/nul.md", "odd/latin.txt"] {
        assert_eq!(found.documents[id].warnings.len(), 1, "{id}");
    }
    assert!(found.documents["odd/utf16.txt"].warnings.is_empty());
    assert_eq!(found.documents["odd/utf16.txt"].document.text, "hi\n");
    let split = found.split("odd/nul.md");
    assert_eq!(split.title.as_deref(), Some("Title"));
    assert_eq!(split.passages[0].lines, (1, 3));
}

#[test]
fn a_second_walk_is_the_same_walk() {
    let root = tempfile::tempdir().expect("tempdir");
    messy(root.path());
    let first = found(root.path(), &small());
    let second = found(root.path(), &small());
    assert_eq!(first.order, second.order);
    assert_eq!(first.documents, second.documents);
}

/// Sources whose structure has misled splitters, and what must come of them.
#[test]
fn misleading_structure_is_survived() {
    let cases: [(&str, &str, Option<&str>, &[&str]); 10] = [
        (
            "fence.md",
            "# T\n\n```sh\n# not a heading\n## nor this\n```\n\n## S\n\nx\n",
            Some("T"),
            &["not a heading", "nor this"],
        ),
        ("tilde.md", "~~~\n# a\n```\n# b\n~~~\n# T\n", Some("T"), &["# a", "# b"]),
        ("unclosed.md", "# T\n\n```\n# all code\n\n## from here\n", Some("T"), &["# all code", "## from here"]),
        ("two.md", "# One\n\na\n\n# Two\n\nb\n", Some("One"), &["a", "b"]),
        ("none.md", "just words\n\n## and a section\n\nx\n", None, &["just words"]),
        ("front.md", "---\ntitle: [broken\nx: : y\n---\n# T\n\nbody\n", Some("[broken"), &["body"]),
        ("open.md", "---\ntitle: never closed\n\n# T\n\nbody\n", Some("T"), &["never closed", "body"]),
        ("empty-heading.md", "#\n\n# \n\ntext\n\n##\n", None, &["text"]),
        ("setext.md", "Title\n===\n\na\n\nSub\n---\n\nb\n", Some("Title"), &["a", "b"]),
        ("crlf.md", "\u{feff}# T\r\n\r\na\r\nb\r\n", Some("T"), &["a b"]),
    ];
    let root = tempfile::tempdir().expect("tempdir");
    for (name, text, _, _) in cases {
        put(root.path(), name, text);
    }
    let found = found(root.path(), &WalkOptions::default());
    for (name, _, title, words) in cases {
        let split = found.split(name);
        assert_eq!(split.title.as_deref(), title, "{name}");
        let text: Vec<&str> = split.passages.iter().map(|passage| passage.index_text.as_str()).collect();
        let text = text.join("\n");
        for word in words {
            assert!(text.contains(word), "{name}: {word:?} is not in {text:?}");
        }
        let headings: Vec<&String> = split.passages.iter().flat_map(|passage| &passage.heading_path).collect();
        assert!(!headings.iter().any(|heading| heading.contains("not") || heading.contains("all code")), "{name}");
    }
}

#[test]
fn exact_copies_give_equal_texts_to_embed_under_any_name() {
    let root = tempfile::tempdir().expect("tempdir");
    let text = "Some words without a heading.\n\n## Part\n\nMore words.\n";
    for name in ["a.md", "copy of a.md", "deep/er/b.md"] {
        put(root.path(), name, text);
    }
    let found = found(root.path(), &WalkOptions::default());
    let first = found.split("a.md");
    for id in found.documents.keys() {
        assert_eq!(found.split(id), first);
    }
}
