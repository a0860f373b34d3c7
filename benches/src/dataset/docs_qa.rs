//! The format of `docs-qa`: a folder of files per collection and questions with judged line spans.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Collection, Content, Dataset, Judged, Level, Question, folder_name};

#[derive(Deserialize)]
struct Line {
    id: String,
    query: String,
    kind: String,
    relevant: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    path: String,
    lines: (u32, u32),
}

/// Reads the set in `folder`.
pub(super) fn read(folder: &Path) -> Result<Dataset> {
    let corpus = folder.join("corpus");
    let mut collections = Vec::new();
    for entry in std::fs::read_dir(&corpus).with_context(|| format!("list {}", corpus.display()))? {
        let entry = entry.context("list the corpus")?;
        if entry.path().is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            collections.push(Collection { name, content: Content::Tree(entry.path()) });
        }
    }
    collections.sort_by(|a, b| a.name.cmp(&b.name));
    let path = folder.join("queries.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let questions: Result<Vec<Question>> = lines.map(question).collect();
    Ok(Dataset { name: folder_name(folder), collections, questions: questions?, level: Level::Passage })
}

fn question(line: &str) -> Result<Question> {
    let line: Line = serde_json::from_str(line).with_context(|| format!("read the question {line}"))?;
    let prefix = line.id.split('-').next().unwrap_or_default();
    let collection = if prefix == "fdb" { "foundationdb" } else { prefix }.to_owned();
    let judged = |span: Span| {
        let inside = span.path.strip_prefix(&format!("{collection}/")).map(str::to_owned);
        let document_id = inside.with_context(|| format!("{} is not in {collection}", span.path))?;
        Ok(Judged { document_id, lines: Some(span.lines) })
    };
    let relevant: Result<Vec<Judged>> = line.relevant.into_iter().map(judged).collect();
    Ok(Question { relevant: relevant?, id: line.id, query: line.query, kind: line.kind, collection })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_with_a_collection_per_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a2a", "foundationdb"] {
            std::fs::create_dir_all(folder.path().join("corpus").join(name)).unwrap();
        }
        let line = r#"{"id": "fdb-001", "query": "q", "kind": "fact", "relevant": [{"path": "foundationdb/x/y.rst", "lines": [3, 5]}]}"#;
        std::fs::write(folder.path().join("queries.jsonl"), format!("{line}\n\n")).unwrap();
        let set = Dataset::read(folder.path()).unwrap();
        let names: Vec<&str> = set.collections.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a2a", "foundationdb"]);
        assert_eq!(set.questions[0].collection, "foundationdb");
        let judged = Judged { document_id: "x/y.rst".to_owned(), lines: Some((3, 5)) };
        assert_eq!(set.questions[0].relevant, [judged]);
    }

    #[test]
    fn a_span_in_another_collection_is_an_error() {
        let line =
            r#"{"id": "a2a-1", "query": "q", "kind": "fact", "relevant": [{"path": "mcp/x.md", "lines": [3, 5]}]}"#;
        assert!(question(line).is_err());
    }
}
