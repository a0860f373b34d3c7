//! Taking a batch of changed documents into a collection's indexes, and making it visible at once.

use std::sync::Arc;

use super::collection::{CollectionIndex, View, Writer};
use super::load::Loaded;
use super::sketch::Sketch;
use super::slots::{IndexedDocument, SlotEntry};
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
    pub(super) fn apply(&self, batch: Vec<Loaded>, version: Version) -> Result<()> {
        let mut writer = self.writer.lock();
        let freed = self.free_unseen(&mut writer);
        let mut delta = Delta::default();
        let mut keywords: Vec<KeywordChange> = freed.iter().map(|&slot| KeywordChange::Remove { slot }).collect();
        for document in batch {
            self.take(&mut writer, document, &mut delta, &mut keywords)?;
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
        self.publish(&mut writer, delta, version);
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
fn filter_fields(document: &IndexedDocument) -> Fields<'_> {
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
