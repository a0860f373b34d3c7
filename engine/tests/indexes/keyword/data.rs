//! Passages to test with.

use coditect_engine::keyword::{Hit, KeywordChange, KeywordIndex, KeywordOptions, PassageFields};

pub(crate) fn passage(text: &str) -> PassageFields {
    PassageFields { text: text.to_owned(), ..PassageFields::default() }
}

pub(crate) fn put(slot: u32, text: &str) -> KeywordChange {
    KeywordChange::Put { slot, fields: passage(text) }
}

pub(crate) fn remove(slot: u32) -> KeywordChange {
    KeywordChange::Remove { slot }
}

pub(crate) fn empty() -> KeywordIndex {
    KeywordIndex::new(KeywordOptions::default()).unwrap()
}

/// An index of the texts, at slots 0 and up.
pub(crate) fn index(texts: &[&str]) -> KeywordIndex {
    let index = empty();
    let changes: Vec<KeywordChange> = (0..).zip(texts).map(|(slot, text)| put(slot, text)).collect();
    index.apply(&changes).unwrap();
    index.commit().unwrap();
    index
}

pub(crate) fn hits(index: &KeywordIndex, query: &str) -> Vec<Hit> {
    index.search(query, 1_000, None).unwrap()
}

/// The slots found, best first.
pub(crate) fn slots(index: &KeywordIndex, query: &str) -> Vec<u32> {
    hits(index, query).iter().map(|hit| hit.slot).collect()
}
