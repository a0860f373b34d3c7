//! Judged retrieval sets: what to index, what to ask, and which answers count.

mod docs_qa;
mod plain;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::client::{DocumentInput, SearchResult};

/// A judged set.
#[derive(Debug)]
pub struct Dataset {
    /// Name of the folder that it was read from.
    pub name: String,
    /// What is to be indexed, one entry a collection.
    pub collections: Vec<Collection>,
    /// The questions.
    pub questions: Vec<Question>,
    /// What a judgment is about.
    pub level: Level,
}

/// A collection of a judged set.
#[derive(Debug)]
pub struct Collection {
    /// Name of the collection.
    pub name: String,
    /// Where its documents are.
    pub content: Content,
}

/// Documents of a collection.
#[derive(Debug)]
pub enum Content {
    /// A tree of files, for `coditect-ingest`.
    Tree(PathBuf),
    /// Ready documents, for the API.
    Documents(Vec<DocumentInput>),
}

/// What the judgments are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Ranges of lines.
    Passage,
    /// Whole documents; a document counts at the rank of its best passage.
    Document,
}

/// A question and its judged answers.
#[derive(Debug, Clone)]
pub struct Question {
    /// Unique name.
    pub id: String,
    /// Text to search for.
    pub query: String,
    /// Sort of question; empty where the set has none.
    pub kind: String,
    /// Collection that it is asked in.
    pub collection: String,
    /// What answers it.
    pub relevant: Vec<Judged>,
}

/// A judged answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Document that holds the answer.
    pub document_id: String,
    /// First and last line, from 1 and inclusive; nothing when all of the document counts.
    pub lines: Option<(u32, u32)>,
}

impl Judged {
    /// Whether a result overlaps the answer.
    #[must_use]
    pub fn covers(&self, result: &SearchResult) -> bool {
        let place = &result.passage;
        result.document_id == self.document_id
            && self.lines.is_none_or(|(first, last)| place.line_start <= last && first <= place.line_end)
    }
}

impl Dataset {
    /// Reads a judged set, recognising its format by the files that are there.
    ///
    /// # Errors
    /// When the folder holds neither format, or a file of it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let set = if folder.join("corpus.jsonl").is_file() {
            plain::read(folder)
        } else if folder.join("corpus").is_dir() {
            docs_qa::read(folder)
        } else {
            bail!("{} holds neither corpus.jsonl nor a folder corpus", folder.display())
        }?;
        set.validate()?;
        Ok(set)
    }

    fn validate(&self) -> Result<()> {
        for question in &self.questions {
            if question.relevant.is_empty() {
                bail!("question {} has no judged answer", question.id);
            }
            if !self.collections.iter().any(|it| it.name == question.collection) {
                bail!("question {} is about a collection that is not there: {}", question.id, question.collection);
            }
        }
        Ok(())
    }
}

fn folder_name(folder: &Path) -> String {
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    path.file_name().map_or_else(|| "set".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(document_id: &str, lines: (u32, u32)) -> SearchResult {
        let passage = json!({"ordinal": 0, "line_start": lines.0, "line_end": lines.1});
        serde_json::from_value(json!({"score": 1.0, "document_id": document_id, "passage": passage})).unwrap()
    }

    #[test]
    fn one_shared_line_is_enough() {
        let judged = Judged { document_id: "a.md".to_owned(), lines: Some((10, 12)) };
        assert!(judged.covers(&result("a.md", (1, 10))));
        assert!(judged.covers(&result("a.md", (12, 20))));
        assert!(!judged.covers(&result("a.md", (1, 9))));
        assert!(!judged.covers(&result("a.md", (13, 20))));
        assert!(!judged.covers(&result("b.md", (10, 12))));
    }

    #[test]
    fn a_judged_document_counts_as_a_whole() {
        let judged = Judged { document_id: "a".to_owned(), lines: None };
        assert!(judged.covers(&result("a", (900, 901))));
    }

    #[test]
    fn a_folder_without_a_set_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Dataset::read(folder.path()).is_err());
    }
}
