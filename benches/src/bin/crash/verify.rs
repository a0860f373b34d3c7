//! Compares what the server holds after a restart with what it must hold.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use coditect_benches::client::{Client, Document, SearchRequest, SearchResult};
use coditect_benches::limits;
use futures::{StreamExt, TryStreamExt, stream};

use crate::content::{COLLECTION, Content, name, revision_of};
use crate::model::{Entry, Model, State};

/// Results asked for where one is expected.
const TOP_K: usize = 20;

/// Results shown where something was not found.
const SHOWN: usize = 5;

/// What is wrong.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    lost: Vec<String>,
    partial: Vec<String>,
    other: Vec<String>,
}

impl Problems {
    /// An acknowledged write that is not there or not found.
    pub(crate) fn lost(&mut self, text: String) {
        self.lost.push(text);
    }

    /// A document of which a part is visible.
    pub(crate) fn partial(&mut self, text: String) {
        self.partial.push(text);
    }

    /// Anything else.
    pub(crate) fn other(&mut self, text: String) {
        self.other.push(text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts() == (0, 0, 0)
    }

    /// Numbers of lost writes, partial documents and other problems.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.lost.len(), self.partial.len(), self.other.len())
    }

    pub(crate) fn print(&self) {
        for (kind, texts) in [("lost", &self.lost), ("partial", &self.partial), ("problem", &self.other)] {
            for text in texts {
                println!("{kind}: {text}");
            }
        }
    }

    fn extend(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.partial.extend(other.partial);
        self.other.extend(other.other);
    }
}

/// Checks every document and says how many are there.
pub(crate) async fn verify(client: &Client, model: &Model, problems: &mut Problems) -> Result<usize> {
    // Before the first write there is no collection to search in.
    let exists = client.collection(COLLECTION).await?.is_some();
    let checking = stream::iter(0..model.documents).map(|document| check(client, model, document, exists));
    let checked: Vec<Checked> = checking.buffer_unordered(limits::REQUESTS_IN_FLIGHT).try_collect().await?;
    let mut there = BTreeMap::new();
    for one in checked {
        model.settled(one.document, one.state);
        problems.extend(one.problems);
        if one.state.is_some() {
            there.insert(name(one.document), one.passages);
        }
    }
    listing(client, &there, problems).await?;
    Ok(there.len())
}

/// The listing names each document once, and the collection counts what is there.
async fn listing(client: &Client, there: &BTreeMap<String, usize>, problems: &mut Problems) -> Result<()> {
    // Before the first write there is no collection to list.
    let Some(info) = client.collection(COLLECTION).await? else {
        if !there.is_empty() {
            problems.lost("the collection is gone".to_owned());
        }
        return Ok(());
    };
    let listed: Vec<String> = client.list(COLLECTION).await?.into_iter().map(|it| it.document_id).collect();
    let distinct: BTreeSet<&String> = listed.iter().collect();
    if distinct.len() != listed.len() {
        problems.other(format!("the listing repeats {} documents", listed.len() - distinct.len()));
    }
    if !distinct.iter().copied().eq(there.keys()) {
        problems.other(format!("the listing has {} documents, {} are there", distinct.len(), there.len()));
    }
    let passages: usize = there.values().sum();
    if (info.documents, info.passages) != (there.len(), passages) {
        problems.other(format!(
            "the collection counts {} documents and {} passages, {} and {passages} are there",
            info.documents,
            info.passages,
            there.len()
        ));
    }
    Ok(())
}

/// What was seen of a document.
struct Checked {
    document: u32,
    state: State,
    passages: usize,
    problems: Problems,
}

async fn check(client: &Client, model: &Model, document: u32, exists: bool) -> Result<Checked> {
    let entry = model.entry(document);
    let stored = client.get(COLLECTION, &name(document)).await?;
    let state = stored.as_ref().map(|it| revision_of(it.text.as_deref().unwrap_or_default()).unwrap_or(0));
    let passages = stored.as_ref().map_or(0, |it| it.passages.len());
    let mut checked = Checked { document, state, passages, problems: Problems::default() };
    let problems = &mut checked.problems;
    if !entry.allowed().contains(&state) {
        problems.lost(format!("{} is {}, must be {}", name(document), told(state), allowed(&entry)));
        return Ok(checked);
    }
    if let (Some(stored), Some(revision)) = (&stored, state) {
        let content = model.contents.of(document, revision);
        if let Err(problem) = whole(stored, &content).and_then(|()| as_acknowledged(stored, &entry, revision)) {
            problems.partial(format!("{}: {problem}", name(document)));
        }
        searchable(client, document, stored, &content, problems).await?;
    }
    for old in old_revisions(&entry, state).into_iter().filter(|_| exists) {
        gone(client, document, &model.contents.of(document, old), problems).await?;
    }
    Ok(checked)
}

/// Whether the document has all of its text and passages that cover it.
pub(crate) fn whole(stored: &Document, content: &Content) -> Result<(), String> {
    let text = stored.text.as_deref().unwrap_or_default();
    if text != content.text {
        return Err("the text is not the one that was written".to_owned());
    }
    for (index, passage) in stored.passages.iter().enumerate() {
        if passage.ordinal as usize != index {
            return Err(format!("passage {index} has the ordinal {}", passage.ordinal));
        }
        let range = usize::try_from(passage.byte_start).ok().zip(usize::try_from(passage.byte_end).ok());
        if range.and_then(|(start, end)| text.get(start..end)) != Some(passage.text.as_str()) {
            return Err(format!("passage {index} is not the text at its place"));
        }
    }
    let missing = content.sections.iter().find(|it| !stored.passages.iter().any(|p| p.text.contains(&it.marker)));
    missing.map_or(Ok(()), |section| Err(format!("no passage holds the section of {}", section.marker)))
}

/// Whether hash and number of passages are those that the server acknowledged.
fn as_acknowledged(stored: &Document, entry: &Entry, revision: u32) -> Result<(), String> {
    let Some(receipt) = entry.receipt.as_ref().filter(|_| entry.acknowledged == Some(revision)) else {
        return Ok(());
    };
    if stored.passages.len() != receipt.passages {
        return Err(format!("{} passages, {} were acknowledged", stored.passages.len(), receipt.passages));
    }
    if stored.content_hash != receipt.content_hash {
        return Err("the content hash is not the one that was acknowledged".to_owned());
    }
    Ok(())
}

/// Both legs find the first and the last section, each passage once. A vector stands for a whole passage, which may hold several
/// short sections and then resembles none of them much: it is looked for by the passage's own text.
async fn searchable(
    client: &Client,
    document: u32,
    stored: &Document,
    content: &Content,
    problems: &mut Problems,
) -> Result<()> {
    let ends = [content.sections.first(), content.sections.last()];
    for section in ends.into_iter().flatten() {
        let passage = stored.passages.iter().find(|passage| passage.text.contains(&section.marker));
        let text = passage.map_or(&section.body, |passage| &passage.text);
        for (mode, query) in [("keyword", &section.marker), ("vector", text)] {
            let results = search(client, mode, query).await?;
            let hits: Vec<&SearchResult> =
                results.iter().filter(|it| it.passage.text.contains(&section.marker)).collect();
            let ordinals: BTreeSet<u32> = hits.iter().map(|it| it.passage.ordinal).collect();
            if hits.iter().any(|it| it.document_id != name(document)) {
                problems.other(format!("a {mode} search shows text of {} under another name", name(document)));
            } else if hits.is_empty() {
                let instead = instead(&results);
                problems.lost(format!("{} is not found by a {mode} search for {query:?}: {instead}", name(document)));
            } else if ordinals.len() != hits.len() {
                problems.other(format!("a {mode} search shows a passage of {} twice", name(document)));
            }
        }
    }
    Ok(())
}

/// What a search found, for whoever has to find out why.
fn instead(results: &[SearchResult]) -> String {
    let found = |it: &SearchResult| format!("{}#{} {:.3}", it.document_id, it.passage.ordinal, it.score);
    let best: Vec<String> = results.iter().take(SHOWN).map(found).collect();
    format!("{} results, the best {}", results.len(), best.join(", "))
}

/// No search shows a revision that is not the current one.
async fn gone(client: &Client, document: u32, content: &Content, problems: &mut Problems) -> Result<()> {
    let Some(section) = content.sections.first() else {
        return Ok(());
    };
    let results = search(client, "keyword", &section.marker).await?;
    if results.iter().any(|it| it.passage.text.contains(&section.marker)) {
        problems.partial(format!("{} still shows a revision that is not its own", name(document)));
    }
    Ok(())
}

async fn search(client: &Client, mode: &str, query: &str) -> Result<Vec<SearchResult>> {
    let request = SearchRequest {
        query: Some(query.to_owned()),
        collections: vec![COLLECTION.to_owned()],
        top_k: Some(TOP_K),
        mode: Some(mode.to_owned()),
        fold_copies: Some(false),
        ..SearchRequest::default()
    };
    Ok(client.search(&request).await?.results)
}

/// Revisions close to the current one that must not be visible.
fn old_revisions(entry: &Entry, state: State) -> Vec<u32> {
    let recent = entry.last_sent.saturating_sub(1).max(1)..=entry.last_sent;
    recent.filter(|revision| Some(*revision) != state).collect()
}

fn told(state: State) -> String {
    state.map_or("absent".to_owned(), |revision| format!("at revision {revision}"))
}

fn allowed(entry: &Entry) -> String {
    entry.allowed().into_iter().map(told).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Contents;
    use serde_json::json;

    fn stored(text: &str, parts: &[(usize, usize)]) -> Document {
        let passages: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(ordinal, (start, end))| {
                let text = text.get(*start..*end).unwrap_or("?");
                json!({"ordinal": ordinal, "text": text, "line_start": 1, "line_end": 2,
                       "byte_start": start, "byte_end": end})
            })
            .collect();
        serde_json::from_value(json!({"document_id": "a", "text": text, "passages": passages})).unwrap()
    }

    #[test]
    fn a_document_is_whole_when_its_passages_hold_every_section() {
        let content = Contents::new(1).of(5, 1);
        let text = &content.text;
        let middle = text.len() / 2;
        assert_eq!(whole(&stored(text, &[(0, middle), (middle, text.len())]), &content), Ok(()));
        assert!(whole(&stored(text, &[(0, middle)]), &content).is_err());
        assert!(whole(&stored(text, &[]), &content).is_err());
        assert!(whole(&stored(&text[..middle], &[(0, middle)]), &content).is_err());
    }

    #[test]
    fn a_passage_that_is_not_the_text_at_its_place_is_found() {
        let content = Contents::new(1).of(5, 1);
        let mut document = stored(&content.text, &[(0, content.text.len())]);
        document.passages[0].byte_start = 1;
        assert!(whole(&document, &content).is_err());
    }

    #[test]
    fn older_revisions_are_looked_for() {
        let entry = Entry { last_sent: 5, ..Entry::default() };
        assert_eq!(old_revisions(&entry, Some(5)), [4]);
        assert_eq!(old_revisions(&entry, None), [4, 5]);
        assert_eq!(old_revisions(&Entry::default(), None), Vec::<u32>::new());
    }
}
