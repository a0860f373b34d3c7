//! Short passages of the text that a machine has: judged sets, documentation, sources.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use coditect_benches::dataset::{Content, Dataset};
use coditect_ingest::split::{self, SplitOptions, TokenCounter};
use coditect_ingest::walk::{self, WalkItem, WalkOptions};
use coditect_ingest::wire::DocumentInput;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::SEED;

/// Tokens of a passage, which is the least that the splitter offers; shorter ones than the second say little.
pub(super) const TOKENS: usize = 64;
const LEAST_TOKENS: u32 = 24;
/// Bytes that are read of a document, so that no long one rules.
const PER_DOCUMENT: usize = 4_096;
/// Documents of a judged set that come in one file.
const JUDGED: &str = "corpus.jsonl";

/// Up to `count` different passages, in turn from each of the trees in an order that the seed draws; trees that are not
/// there are left out.
pub(super) fn passages(trees: &[PathBuf], count: usize, counter: &dyn TokenCounter) -> Result<Vec<String>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut seen = HashSet::new();
    let mut sources = Vec::new();
    for tree in trees.iter().filter(|tree| tree.is_dir()) {
        let mut documents = documents(tree)?;
        shuffle(&mut documents, &mut random);
        // Nothing is split before a passage of it is wanted.
        sources.push(documents.into_iter().flat_map(|document| of_document(&document, counter)));
    }
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let before = chosen.len();
        for source in &mut sources {
            chosen.extend(source.find(|text| seen.insert(text.clone())));
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.truncate(count);
    Ok(chosen)
}

fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.random_range(0..=at));
    }
}

/// The beginnings of all documents of a tree.
fn documents(tree: &Path) -> Result<Vec<DocumentInput>> {
    let mut documents = judged(tree)?;
    for item in walk::walk(tree, &WalkOptions::default()).context("walk a tree of texts")? {
        if let WalkItem::Document(walked) = item {
            documents.push(walked.document);
        }
    }
    for document in &mut documents {
        document.text.truncate(document.text.floor_char_boundary(PER_DOCUMENT));
        document.text.shrink_to_fit();
    }
    Ok(documents)
}

/// Documents of the judged sets in a tree that have them in one file, which a walk takes for something else.
fn judged(tree: &Path) -> Result<Vec<DocumentInput>> {
    let mut folders = vec![tree.to_owned()];
    for entry in std::fs::read_dir(tree).with_context(|| format!("list {}", tree.display()))? {
        folders.push(entry.with_context(|| format!("list {}", tree.display()))?.path());
    }
    folders.sort();
    let mut documents = Vec::new();
    for folder in folders.iter().filter(|folder| folder.join(JUDGED).is_file()) {
        for collection in Dataset::read(folder)?.collections {
            let Content::Documents(all) = collection.content else { continue };
            documents.extend(all.into_iter().map(|it| DocumentInput {
                title: it.title,
                format: it.format,
                ..DocumentInput::new(it.document_id, it.text)
            }));
        }
    }
    Ok(documents)
}

fn of_document(document: &DocumentInput, counter: &dyn TokenCounter) -> Vec<String> {
    let options = SplitOptions { max_tokens: TOKENS, target_tokens: TOKENS, ..SplitOptions::default() };
    let split = split::split_input(document, &options, counter);
    let long_enough = split.passages.iter().filter(|it| it.tokens >= LEAST_TOKENS);
    long_enough.map(|it| split::embed_text(split.title.as_deref(), it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use coditect_ingest::split::ApproximateCounter;

    #[test]
    fn trees_take_turns_and_no_passage_comes_twice() {
        let folder = tempfile::tempdir().unwrap();
        let sentence = |word: &str| {
            format!(
                "The {word} says so, in a sentence that is just as long as it has to be to count as one here, and no longer.\n"
            )
        };
        for (tree, words) in [("a", ["first", "same"]), ("b", ["second", "same"])] {
            std::fs::create_dir(folder.path().join(tree)).unwrap();
            for (at, word) in words.iter().enumerate() {
                std::fs::write(folder.path().join(format!("{tree}/{at}.txt")), sentence(word)).unwrap();
            }
        }
        let trees = ["a", "b", "none"].map(|name| folder.path().join(name));
        let found = passages(&trees, 10, &ApproximateCounter).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found.iter().filter(|text| text.contains("same")).count(), 1);
        assert_eq!(passages(&trees, 2, &ApproximateCounter).unwrap(), found[..2]);
    }
}
