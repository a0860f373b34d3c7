//! Rules about all text: nothing unfinished, nothing about the machine it was written on, no
//! leftovers of a merge.

use crate::finding::Finding;

/// Words that mark something as unfinished. Split, so that this file passes its own rule.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Beginnings of paths that exist on somebody's machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Lines that a merge leaves behind.
const MERGE_MARKS: &[&str] = &[concat!("<<<<", "<<< "), concat!(">>>>", ">>> ")];

/// Files that are written by tools and hold other people's words.
const GENERATED: &[&str] = &["Cargo.lock"];

/// Checks the text of one file.
pub(crate) fn check(path: &str, source: &str) -> Vec<Finding> {
    if GENERATED.contains(&path) || is_fixture(path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in source.lines().enumerate() {
        findings.extend(problems(line).into_iter().map(|message| Finding::at(path, index + 1, message)));
    }
    if source.contains('\r') {
        findings.push(Finding::file(path, "has carriage returns: end lines with \\n alone"));
    }
    if !source.is_empty() && !source.ends_with('\n') {
        findings.push(Finding::file(path, "does not end with a newline"));
    }
    findings
}

/// Whether the file is test data, which may hold anything.
fn is_fixture(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "fixtures" | "snapshots" | "assets"))
}

fn problems(line: &str) -> Vec<String> {
    let mut messages = Vec::new();
    if let Some(word) = UNFINISHED.iter().find(|word| has_word(line, word)) {
        messages.push(format!("`{word}`: finish it, or write down the limit as a fact"));
    }
    if let Some(start) = MACHINE_PATHS.iter().find(|start| has_path(line, start)) {
        messages.push(format!("path `{start}…` exists on one machine only"));
    }
    if MERGE_MARKS.iter().any(|mark| line.starts_with(mark)) {
        messages.push("left over from a merge".to_owned());
    }
    messages
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(in_word) && !after.is_some_and(in_word)
    })
}

/// Whether the path stands by itself and is not the end of a longer one or of an address.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|it| in_word(it) || matches!(it, '.' | '/' | '-' | '}' | ')' | '~' | '>' | '*'))
    })
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_is_found_as_a_word() {
        let word = UNFINISHED[0];
        assert_eq!(check("a.md", &format!("one\n// {word}: later\n"))[0].line, 2);
        assert!(check("a.md", &format!("{word}S and MAS{word}N\n")).is_empty());
    }

    #[test]
    fn machine_paths_are_found_where_they_begin() {
        let path = MACHINE_PATHS[0];
        assert_eq!(check("a.md", &format!("see {path}x\n")).len(), 1);
        assert!(check("a.md", &format!("see docs{path}x and https://a.b{path}\n")).is_empty());
    }

    #[test]
    fn files_end_with_a_plain_newline() {
        assert_eq!(check("a.md", "one").len(), 1);
        assert_eq!(check("a.md", "one\r\n").len(), 1);
        assert!(check("a.md", "").is_empty());
    }

    #[test]
    fn test_data_may_hold_anything() {
        assert!(check("ingest/tests/fixtures/a.md", "one\r").is_empty());
    }
}
