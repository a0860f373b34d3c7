//! The plain format: `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, judged by document.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Collection, Content, Dataset, Judged, Level, Question, folder_name};
use crate::client::DocumentInput;

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: String,
    text: String,
}

/// Reads the set in `folder`; its one collection has the folder's name.
pub(super) fn read(folder: &Path) -> Result<Dataset> {
    let name = folder_name(folder);
    let corpus: Vec<Entry> = lines(&folder.join("corpus.jsonl"))?;
    let documents = corpus.into_iter().filter_map(|entry| document(&name, entry)).collect();
    let queries: Vec<Entry> = lines(&folder.join("queries.jsonl"))?;
    let mut judgments = judgments(&folder.join("qrels.tsv"))?;
    let mut questions = Vec::new();
    for query in queries {
        // A question without a positive judgment says nothing about the ranking.
        let Some(relevant) = judgments.remove(&query.id) else {
            continue;
        };
        let collection = name.clone();
        questions.push(Question { id: query.id, query: query.text, kind: String::new(), collection, relevant });
    }
    let collections = vec![Collection { name: name.clone(), content: Content::Documents(documents) }];
    Ok(Dataset { name, collections, questions, level: Level::Document })
}

/// The entry as a document; one that is a title alone has the title as its text, and one that is
/// empty is no document.
fn document(collection: &str, entry: Entry) -> Option<DocumentInput> {
    let title = Some(entry.title).filter(|title| !title.trim().is_empty());
    let text = Some(entry.text).filter(|text| !text.trim().is_empty()).or_else(|| title.clone())?;
    Some(DocumentInput { collection: collection.to_owned(), document_id: entry.id, text, title, format: None })
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let lines = text.split('\n').filter(|line| !line.trim().is_empty());
    let parsed: Result<Vec<T>, _> = lines.map(serde_json::from_str).collect();
    parsed.with_context(|| format!("parse {}", path.display()))
}

fn judgments(path: &Path) -> Result<BTreeMap<String, Vec<Judged>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mut judgments: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [query, document, score] = fields[..] else {
            anyhow::bail!("{}: expected three fields: {line}", path.display());
        };
        let score: f64 = score.trim().parse().with_context(|| format!("read the score of {line}"))?;
        if score > 0.0 {
            let judged = Judged { document_id: document.to_owned(), lines: None };
            judgments.entry(query.to_owned()).or_default().push(judged);
        }
    }
    Ok(judgments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_alone_is_a_document_and_nothing_is_none() {
        let entry = |title: &str| Entry { id: "a".to_owned(), title: title.to_owned(), text: " \n".to_owned() };
        assert_eq!(document("c", entry("Title")).unwrap().text, "Title");
        assert!(document("c", entry("")).is_none());
    }

    #[test]
    fn a_set_is_one_collection_of_ready_documents() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("corpus.jsonl", "{\"_id\": \"d1\", \"title\": \"\", \"text\": \"one\u{2028}two\"}\n");
        write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"q\"}\n{\"_id\": \"q2\", \"text\": \"unjudged\"}\n");
        write("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td9\t0\n");
        let set = Dataset::read(folder.path()).unwrap();
        let Content::Documents(documents) = &set.collections[0].content else { panic!("not documents") };
        assert_eq!((documents[0].document_id.as_str(), &documents[0].title), ("d1", &None));
        assert_eq!(set.questions.len(), 1);
        assert_eq!(set.questions[0].relevant, [Judged { document_id: "d1".to_owned(), lines: None }]);
        assert_eq!(set.level, Level::Document);
    }
}
