//! Whether a collection's indexes hold what the documents say.

use super::collection::CollectionIndex;
use crate::documents::read::Whole;
use crate::model::{DocumentId, TextHash, TokenCodes, Version};
use crate::vector::Metric;

/// Two numbers of a vector that differ by less are the same: each is computed in one way alone, so this allows for other processors only.
const TOLERANCE: f32 = 1e-5;

impl CollectionIndex {
    /// What the indexes say of a document that is not so.
    pub(crate) fn faults(&self, id: &DocumentId, whole: &Whole) -> Vec<String> {
        let writer = self.writer.lock();
        let Some((version, slots)) = writer.documents.get(id) else { return vec!["it is not indexed".into()] };
        if *version != whole.version {
            return vec![format!("it is indexed as of {version}, it is of {}", whole.version)];
        }
        if slots.len() != whole.passages.len() {
            return vec![format!("{} of its {} passages are indexed", slots.len(), whole.passages.len())];
        }
        let view = self.view();
        let mut faults = Vec::new();
        for (&slot, indexed) in slots.iter().zip(&whole.passages) {
            let mut fault = |what: &str| faults.push(format!("passage {}: {what}", indexed.ordinal));
            let entry = self.entry(slot);
            let is_its = entry.is_some_and(|entry| {
                entry.document.id == *id
                    && entry.ordinal == indexed.ordinal
                    && entry.text_hash == TextHash::of(&indexed.passage.text)
                    && entry.embed_hash == indexed.passage.embed_hash
            });
            if !is_its {
                fault("its slot is another's");
            }
            if !view.live.contains(slot) {
                fault("it is not visible");
            }
            if !self.has_vector(slot, &indexed.vector) {
                fault("its indexed vector is another");
            }
            if !self.has_codes(slot, whole.codes.get(&indexed.ordinal)) {
                fault("its indexed token codes are others");
            }
        }
        faults
    }

    fn has_vector(&self, slot: u32, vector: &[f32]) -> bool {
        let Some(held) = self.vectors.get(slot) else { return false };
        let expected = Metric::Cosine.prepare(vector, vector.len());
        expected.is_ok_and(|expected| held.iter().zip(&expected).all(|(a, b)| (a - b).abs() < TOLERANCE))
    }

    fn has_codes(&self, slot: u32, codes: Option<&TokenCodes>) -> bool {
        let is_held = self.head.tokens.is_some();
        self.tokens.get(slot).as_ref() == codes.filter(|_| is_held)
    }

    /// What the legs together lack.
    pub(crate) fn faults_of_legs(&self) -> Vec<String> {
        let _writer = self.writer.lock();
        let live = self.view().live.len() as usize;
        let legs = [("vector", self.vectors.len()), ("keyword", self.keywords.len())];
        let short = legs.into_iter().filter(|(_, held)| *held < live);
        short.map(|(leg, held)| format!("the {leg} leg holds {held} of {live} visible passages")).collect()
    }

    /// The version of a document that is indexed.
    pub(crate) fn version_of(&self, id: &DocumentId) -> Option<Version> {
        self.writer.lock().documents.get(id).map(|(version, _)| *version)
    }

    /// The documents that are indexed.
    pub(crate) fn documents(&self) -> Vec<DocumentId> {
        self.writer.lock().documents.keys().cloned().collect()
    }
}
