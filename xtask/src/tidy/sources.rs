//! Rules about a Rust file as a whole: it opens with its purpose, is not too long, and has a name
//! that says what it owns.

use crate::finding::Finding;

/// Lines that a file may have, its tests left out.
const FILE_LINES: usize = 500;

/// Names that say nothing about what a module owns.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "shared", "util", "utils"];

/// Checks one Rust file.
pub(crate) fn check(path: &str, source: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !opens_with_docs(source) {
        findings.push(Finding::at(path, 1, "file does not open with `//!`: say what it owns"));
    }
    let lines = lines_without_tests(source);
    if !is_test(path) && lines > FILE_LINES {
        findings.push(Finding::file(path, format!("{lines} lines without tests, more than {FILE_LINES}: split it")));
    }
    if let Some(name) = empty_name(path) {
        findings.push(Finding::file(path, format!("`{name}` says nothing: name the module after what it owns")));
    }
    findings
}

fn opens_with_docs(source: &str) -> bool {
    source.trim_start_matches('\u{feff}').trim_start().starts_with("//!")
}

/// Whether all of the file is test code.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn empty_name(path: &str) -> Option<&str> {
    path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part)).find(|part| EMPTY_NAMES.contains(part))
}

/// Lines up to a trailing `#[cfg(test)]` module with a body, which by convention closes a file.
fn lines_without_tests(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim_end() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].trim_end().ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, source: &str) -> Vec<String> {
        check(path, source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_needs_module_docs() {
        assert!(messages("a/src/b.rs", "//! Owns b.\n").is_empty());
        assert_eq!(
            messages("a/src/b.rs", "use x;\n"),
            ["a/src/b.rs:1: file does not open with `//!`: say what it owns"]
        );
    }

    #[test]
    fn length_is_counted_without_the_tests() {
        let code = format!("//! Doc.\n{}", "fn a() {}\n".repeat(FILE_LINES - 1));
        assert!(messages("a/src/b.rs", &format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n")).is_empty());
        assert_eq!(messages("a/src/b.rs", &format!("{code}fn b() {{}}\n")).len(), 1);
        assert!(messages("a/tests/it/b.rs", &format!("{code}fn b() {{}}\n")).is_empty());
    }

    #[test]
    fn modules_are_named_after_what_they_own() {
        assert_eq!(messages("a/src/utils.rs", "//! Doc.\n").len(), 1);
        assert_eq!(messages("a/src/common/x.rs", "//! Doc.\n").len(), 1);
        assert!(messages("a/src/commonplace.rs", "//! Doc.\n").is_empty());
    }
}
