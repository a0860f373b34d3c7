//! Sources in `fixtures/`, each with the passages that it must give beside it in `<name>.expected`.
//! After a wanted change: `UPDATE_EXPECTED=1 cargo test -p coditect-ingest --test it examples`, then read the diff.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use coditect_ingest::split::{Format, SplitDocument, SplitOptions};

use crate::invariants::checked;

const EXPECTED: &str = "expected";

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let entries = fs::read_dir(folder).expect("fixtures");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension != EXPECTED));
    paths.sort();
    paths
}

fn shown(document: &SplitDocument) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "title: {}", document.title.as_deref().unwrap_or("(none)"));
    if !document.metadata.is_empty() {
        let _ = writeln!(out, "metadata: {}", serde_json::to_string(&document.metadata).expect("metadata"));
    }
    for warning in &document.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    for passage in &document.passages {
        let (first, last) = passage.lines;
        let path = passage.heading_path.join(" > ");
        let _ = writeln!(out, "\n[{}] lines {first}-{last}, bytes {:?}: {path}", passage.ordinal, passage.bytes);
        for line in passage.index_text.lines() {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        }
    }
    out
}

#[test]
fn fixtures_give_the_expected_passages() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    for path in fixtures() {
        let source = fs::read_to_string(&path).expect("fixture");
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let options = SplitOptions { max_tokens: 128, target_tokens: 80, tiny_tokens: 24, ..SplitOptions::default() };
        let got = shown(&checked(&source, Format::detect(&name, &source), &options));
        let expected_path = path.with_file_name(format!("{name}.{EXPECTED}"));
        if update {
            fs::write(&expected_path, &got).expect("write");
        } else if fs::read_to_string(&expected_path).unwrap_or_default() != got {
            wrong.push(format!("== {name}\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
