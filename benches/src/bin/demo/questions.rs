//! What the demo asks: prepared questions about this repository, or the headings of any other tree.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use coditect_benches::client::{Client, Document};

/// Questions that this repository's own documents and sources answer.
const OWN: [&str; 5] = [
    "what makes sure that an acknowledged write survives a crash?",
    "how does a client that writes to one replica see its own write on another?",
    "how are keyword and vector scores fused into one ranking?",
    "embed documents with Vertex AI instead of the local model",
    "what happens when two transactions conflict on the same key",
];

/// Documents that are looked at for questions.
const LOOKED_AT: usize = 60;

/// Words of a passage that make a query.
const WORDS: usize = 9;

/// Five questions for the tree at `docs`, which has been pushed into the collection.
pub(crate) async fn choose(client: &Client, collection: &str, docs: &Path) -> Result<Vec<String>> {
    if is_own(docs) {
        return Ok(OWN.map(str::to_owned).to_vec());
    }
    let documents = some_documents(client, collection).await?;
    let mut found = headings(&documents);
    if found.len() < OWN.len() {
        found.extend(openings(&documents));
    }
    ensure!(!found.is_empty(), "the tree holds no text to ask about");
    let chosen = (0..OWN.len()).map(|index| found[(index * found.len() / OWN.len()).min(found.len() - 1)].clone());
    Ok(chosen.collect())
}

/// Up to `count` queries, each the first words of another passage.
pub(crate) async fn from_passages(client: &Client, collection: &str, count: usize) -> Result<Vec<String>> {
    let documents = some_documents(client, collection).await?;
    let found = openings(&documents);
    ensure!(!found.is_empty(), "the tree holds no text to search for");
    let step = (found.len() / count.max(1)).max(1);
    Ok(found.into_iter().step_by(step).take(count).collect())
}

/// Whether the tree is this repository or a folder of it.
fn is_own(docs: &Path) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().and_then(|root| root.canonicalize().ok());
    root.is_some_and(|root| docs.canonicalize().is_ok_and(|docs| docs.starts_with(root)))
}

/// Documents spread evenly over the listing.
async fn some_documents(client: &Client, collection: &str) -> Result<Vec<Document>> {
    let listed = client.list(collection).await?;
    let step = listed.len().div_ceil(LOOKED_AT).max(1);
    let mut documents = Vec::new();
    for summary in listed.iter().step_by(step) {
        documents.extend(client.get(collection, &summary.document_id).await?);
    }
    Ok(documents)
}

/// Distinct innermost headings of at least two words, in the order of the documents.
fn headings(documents: &[Document]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let passages = documents.iter().flat_map(|document| &document.passages);
    let headings = passages.filter_map(|passage| passage.heading_path.last());
    let usable = headings.filter(|heading| (2..=12).contains(&heading.split_whitespace().count()));
    usable.filter(|heading| seen.insert(heading.to_lowercase())).cloned().collect()
}

/// The first words of each passage, distinct.
fn openings(documents: &[Document]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let passages = documents.iter().flat_map(|document| &document.passages);
    let openings = passages.map(|passage| {
        let words = passage.text.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|word| !word.is_empty());
        words.take(WORDS).collect::<Vec<_>>().join(" ")
    });
    openings.filter(|opening| !opening.is_empty() && seen.insert(opening.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(passages: &[(&str, &str)]) -> Document {
        let passages: Vec<_> = passages
            .iter()
            .map(|(heading, text)| {
                json!({"ordinal": 0, "text": text, "heading_path": ["Top", heading], "line_start": 1, "line_end": 2})
            })
            .collect();
        serde_json::from_value(json!({"document_id": "a", "passages": passages})).unwrap()
    }

    #[test]
    fn headings_are_distinct_and_worth_asking() {
        let documents = [document(&[("Retry policy", "a"), ("retry policy", "b"), ("Overview", "c")])];
        assert_eq!(headings(&documents), ["Retry policy"]);
    }

    #[test]
    fn openings_are_words_alone() {
        let documents = [document(&[("", "```rust\nfn main() {}\n"), ("", "***")])];
        assert_eq!(openings(&documents), ["rust fn main"]);
    }

    #[test]
    fn this_repository_is_recognised() {
        assert!(is_own(Path::new(env!("CARGO_MANIFEST_DIR"))));
        assert!(!is_own(&std::env::temp_dir()));
    }
}
