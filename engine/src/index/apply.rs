//! Taking a batch of changed documents into a collection's indexes, and making it visible at once.

use std::sync::Arc;

use super::collection::{CollectionIndex, View, Writer};
use super::load::Loaded;
use super::sketch::Sketch;
use super::slots::{IndexedDocument, SlotEntry, order_of};
use crate::documents::passages::IndexedPassage;
use crate::error::{Error, Result};
use crate::filter::Fields;
use crate::keyword::{KeywordChange, PassageFields};
use crate::model::{TextHash, Version};

/// The slots that a batch adds and takes away.
#[derive(Default)]
struct Delta {
    added: Vec<u32>,
    removed: Vec<u32>,
}

impl CollectionIndex {
    /// Applies `batch` (the newest state of some documents) and publishes a view at `version`. Blocking; one at a time.
    pub(crate) fn apply(&self, batch: Vec<Loaded>, version: Version) -> Result<()> {
        self.apply_locked(&mut self.writer.lock(), batch, version)
    }

    /// The same for who has the writer already.
    pub(super) fn apply_locked(&self, writer: &mut Writer, batch: Vec<Loaded>, version: Version) -> Result<()> {
        let freed = self.free_unseen(writer);
        let mut delta = Delta::default();
        let mut keywords: Vec<KeywordChange> = freed.iter().map(|&slot| KeywordChange::Remove { slot }).collect();
        for document in batch {
            self.take(writer, document, &mut delta, &mut keywords)?;
        }
        if !keywords.is_empty() {
            self.keywords.apply(&keywords).map_err(|error| Error::internal("index keywords").caused_by(error))?;
            self.keywords.commit().map_err(|error| Error::internal("commit keywords").caused_by(error))?;
        }
        self.tokens.spill(&self.scratch);
        // Only now may the slots be given to other passages: no leg finds the old ones any more.
        let mut slots = self.slots.write();
        freed.into_iter().for_each(|slot| slots.remove(slot));
        drop(slots);
        self.publish(writer, delta, version);
        Ok(())
    }

    /// Takes slots that no view shows out of vectors and columns; answers them.
    fn free_unseen(&self, writer: &mut Writer) -> Vec<u32> {
        // A view is out of use when only this list holds it; a view is safe to forget when all older ones are too.
        let unseen = writer.retired.iter().take_while(|(view, _)| Arc::strong_count(view) == 1).count();
        let slots: Vec<u32> = writer.retired.drain(..unseen).flat_map(|(_, slots)| slots).collect();
        let mut columns = self.columns.write();
        for &slot in &slots {
            self.vectors.remove(slot);
            columns.remove(slot);
        }
        drop(columns);
        self.tokens.remove(&slots);
        slots
    }

    fn take(
        &self,
        writer: &mut Writer,
        loaded: Loaded,
        delta: &mut Delta,
        keywords: &mut Vec<KeywordChange>,
    ) -> Result<()> {
        let known = writer.documents.get(&loaded.id).map(|(version, _)| *version);
        let state = match loaded.state {
            Some(state) if known.is_some_and(|known| known >= state.version) => return Ok(()),
            Some(state) => state,
            None => {
                if let Some((_, slots)) = writer.documents.remove(&loaded.id) {
                    delta.removed.extend(slots);
                }
                return Ok(());
            }
        };
        let version = state.version;
        let metadata = serde_json::from_str(&state.head.metadata)
            .map_err(|error| Error::corrupt("decode a document's metadata").caused_by(error))?;
        let document = Arc::new(IndexedDocument { id: loaded.id.clone(), head: state.head, metadata, version });
        let slots = self.insert_passages(&document, &state.passages, keywords)?;
        let mut codes = state.codes;
        let of_slot = |(&slot, indexed): (&u32, &IndexedPassage)| Some((slot, codes.remove(&indexed.ordinal)?));
        self.tokens.insert(slots.iter().zip(&state.passages).filter_map(of_slot));
        delta.added.extend(&slots);
        if let Some((_, old)) = writer.documents.insert(loaded.id, (version, slots)) {
            delta.removed.extend(old);
        }
        Ok(())
    }

    fn insert_passages(
        &self,
        document: &Arc<IndexedDocument>,
        passages: &[IndexedPassage],
        keywords: &mut Vec<KeywordChange>,
    ) -> Result<Vec<u32>> {
        let mut table = self.slots.write();
        let entries = passages.iter().map(|indexed| SlotEntry {
            document: document.clone(),
            ordinal: indexed.ordinal,
            order: order_of(&document.id, indexed.ordinal),
            lines: indexed.passage.location.lines,
            text_hash: TextHash::of(&indexed.passage.text),
            embed_hash: indexed.passage.embed_hash,
            sketch: Sketch::of(indexed.passage.searched()),
        });
        let slots: Vec<u32> = entries.map(|entry| table.insert(entry)).collect();
        drop(table);
        let points: Vec<(u32, &[f32])> =
            slots.iter().zip(passages).map(|(&slot, indexed)| (slot, indexed.vector.as_slice())).collect();
        self.vectors
            .insert_batch(&points)
            .map_err(|error| Error::corrupt("index a document's vectors").caused_by(error))?;
        self.columns.write().put_all(&slots, &filter_fields(document));
        for (&slot, indexed) in slots.iter().zip(passages) {
            keywords.push(KeywordChange::Put { slot, fields: keyword_fields(document, indexed) });
        }
        Ok(slots)
    }

    fn publish(&self, writer: &mut Writer, delta: Delta, version: Version) {
        let old = self.view();
        let mut live = old.live.clone();
        delta.removed.iter().for_each(|&slot| {
            live.remove(slot);
        });
        live.extend(&delta.added);
        let new = View { live, version: version.max(old.version) };
        *self.view.write() = Arc::new(new);
        writer.retired.push((old, delta.removed));
    }

    /// Whether [`CollectionIndex::tidy`] has nothing to do.
    pub(super) fn is_tidy(&self) -> bool {
        !self.has_retired() && self.keywords.is_compact()
    }

    /// Gives back what writing took: slots that searches held back, and small segments. Blocking.
    pub(super) fn tidy(&self) -> Result<()> {
        if self.has_retired() {
            self.apply(Vec::new(), self.view().version)?;
        }
        self.keywords.release_idle().map_err(|error| Error::internal("compact keywords").caused_by(error))
    }

    /// Whether slots wait for searches to end before they can be freed.
    fn has_retired(&self) -> bool {
        self.writer.lock().retired.iter().any(|(_, slots)| !slots.is_empty())
    }
}

fn keyword_fields(document: &IndexedDocument, indexed: &IndexedPassage) -> PassageFields {
    PassageFields {
        title: document.head.title.clone(),
        headings: indexed.passage.location.heading_path.join("\n"),
        text: indexed.passage.searched().to_owned(),
        path: document.head.source.clone(),
        language: document.head.language.clone().unwrap_or_default(),
    }
}

/// The fields that filters see.
pub(super) fn filter_fields(document: &IndexedDocument) -> Fields<'_> {
    let head = &document.head;
    Fields {
        document_id: Some(document.id.as_str()),
        kind: Some(&head.kind),
        language: head.language.as_deref(),
        title: Some(&head.title),
        source: Some(&head.source),
        path: Some(&head.source),
        created_at: Some(head.created_at),
        updated_at: Some(head.updated_at),
        metadata: Some(&document.metadata),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use jiff::Timestamp;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::documents::read::Whole;
    use crate::model::{
        CollectionHead, CollectionId, DocumentHead, DocumentId, EmbedderInfo, Generation, Passage, PassageLocation,
        SearchSettings,
    };
    use crate::recall::{Sample, check};
    use crate::vector::{Hit, Quantization, VectorQuery};

    const DIMENSION: usize = 16;
    const PASSAGES: u32 = 50;

    fn index() -> CollectionIndex {
        let embedder = EmbedderInfo { id: "e".into(), model: "m".into(), dimension: DIMENSION as u32 };
        let head = CollectionHead {
            id: CollectionId(uuid::Uuid::nil()),
            description: String::new(),
            embedder,
            tokens: None,
            quantization: Quantization::default(),
            search: SearchSettings::default(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        CollectionIndex::new(head, std::env::temp_dir().into()).unwrap()
    }

    fn version(number: u8) -> Version {
        Version::from_bytes([number; 10])
    }

    /// A document whose passages point to where `vector` says.
    fn document(number: usize, at: Version, mut vector: impl FnMut() -> Vec<f32>) -> Loaded {
        let passages = (0..PASSAGES).map(|ordinal| {
            let text = format!("passage {ordinal} of {number} in {at}");
            let location = PassageLocation { heading_path: Vec::new(), bytes: 0..1, lines: (1, 1) };
            let passage = Passage { embed_hash: TextHash::of(&text), text, index_text: None, location };
            IndexedPassage { ordinal, passage, vector: vector() }
        });
        let head = DocumentHead {
            kind: "documentation".into(),
            language: None,
            title: String::new(),
            source: String::new(),
            metadata: "{}".into(),
            content_hash: String::new(),
            generation: Generation(uuid::Uuid::nil()),
            passages: PASSAGES,
            bytes: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let state = Whole { head, version: at, passages: passages.collect(), codes: HashMap::new() };
        Loaded { id: DocumentId::new(number.to_string()).unwrap(), state: Some(state) }
    }

    fn nearest(index: &CollectionIndex, view: &View, query: &[f32]) -> Vec<Hit> {
        let how = VectorQuery { allowed: Some(&view.live), exact: true, ..VectorQuery::default() };
        index.vectors().search(query, 40, &how).unwrap()
    }

    #[test]
    fn recall_is_that_of_the_view_whatever_is_written_since() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut random = || (0..DIMENSION).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let query = random();
        let index = Arc::new(index());
        let documents = (0..20).map(|number| document(number, version(1), &mut random)).collect();
        index.apply(documents, version(1)).unwrap();
        let view = index.view();
        let true_hits = nearest(&index, &view, &query);
        let sample = |found: Vec<Hit>| Sample {
            index: index.clone(),
            view: view.clone(),
            vector: query.clone(),
            allowed: None,
            found,
            effort: index.effort().present(),
        };
        let worse =
            true_hits.iter().enumerate().map(|(n, hit)| if n < 10 { *hit } else { Hit { score: -1.0, ..*hit } });
        let samples = [sample(true_hits.clone()), sample(worse.collect())];

        // All passages give way to nearer ones, and nothing is left of them but what the view holds.
        for round in 2..5 {
            let near = || query.iter().map(|x| x + 0.001 * f32::from(round)).collect();
            let documents = (0..20).map(|number| document(number, version(round), near)).collect();
            index.apply(documents, version(round)).unwrap();
        }
        let now = nearest(&index, &index.view(), &query);
        assert!(now.iter().all(|hit| hit.score > true_hits[0].score), "what was written since would be in the way");
        for (sample, recall) in samples.iter().zip([1.0, 0.625]) {
            check(sample, &CancellationToken::new());
            assert_eq!(index.effort().report().recall, Some(recall));
        }
        let stopped = CancellationToken::new();
        stopped.cancel();
        check(&samples[0], &stopped);
        assert_eq!(index.effort().report().samples, 2, "a check that is stopped says nothing");

        assert!(index.vectors().len() > 2 * 20 * PASSAGES as usize, "the view holds them");
        drop((samples, view));
        index.apply(Vec::new(), version(6)).unwrap();
        assert_eq!(index.vectors().len(), 20 * PASSAGES as usize, "and nothing else does");
    }
}
