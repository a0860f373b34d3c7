//! Collections: what is stored about one, and what callers see of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{CollectionId, CollectionName};
use super::version::Version;
use crate::error::{Error, Result};
use crate::limits;
use crate::vector::Quantization;
use crate::vector::limits::MAX_EF;

/// The embedder that made a collection's vectors. Two fingerprints with different `id` never mix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderInfo {
    /// Stable text of everything that decides a vector's meaning (provider, model, weights, prefixes).
    pub id: String,
    /// The model's name, for people.
    pub model: String,
    /// Length of a vector.
    pub dimension: u32,
}

/// What a new collection is made with.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionSpec {
    /// The embedder whose vectors it will hold.
    pub embedder: EmbedderInfo,
    /// The model whose token codes it will hold for late interaction; `None` for none.
    pub tokens: Option<EmbedderInfo>,
    /// Free text for people; may be empty.
    pub description: String,
    /// In which form walks compare its vectors; for good.
    pub quantization: Quantization,
    /// How its vectors are searched.
    pub search: SearchSettings,
}

/// How a collection's vectors are searched where a search does not say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchSettings {
    /// Recall that approximate searches shall have against exact ones, in [`limits::RECALL_TARGETS`]: the effort follows it.
    pub recall_target: f64,
    /// An effort (`ef`) that is kept to whatever recall comes of it, 1 to [`MAX_EF`]; chosen automatically when `None`.
    pub ef: Option<u32>,
    /// The least effort that is chosen automatically, 1 to [`MAX_EF`]; the index's own when `None`.
    pub ef_min: Option<u32>,
}

impl Default for SearchSettings {
    fn default() -> Self {
        Self { recall_target: limits::RECALL_TARGET, ef: None, ef_min: None }
    }
}

impl SearchSettings {
    /// Refuses what is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let targets = limits::RECALL_TARGETS;
        if !targets.contains(&self.recall_target) {
            let (least, most) = (targets.start(), targets.end());
            return Err(Error::invalid("/search/recall_target", format!("a recall target is {least} to {most}")));
        }
        for (field, ef) in [("ef", self.ef), ("ef_min", self.ef_min)] {
            if ef.is_some_and(|ef| !(1..=MAX_EF).contains(&(ef as usize))) {
                return Err(Error::invalid(format!("/search/{field}"), format!("{field} is 1 to {MAX_EF}")));
            }
        }
        Ok(())
    }
}

/// What of a collection is to be another; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CollectionChange {
    /// Free text for people; may be empty.
    pub description: Option<String>,
    /// How its vectors are searched.
    pub search: SearchChange,
}

/// What of [`SearchSettings`] is to be another. The outer `None` leaves a setting as it is, the inner one takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SearchChange {
    /// Another recall target.
    pub recall_target: Option<Option<f64>>,
    /// Another fixed effort.
    pub ef: Option<Option<u32>>,
    /// Another least effort.
    pub ef_min: Option<Option<u32>>,
}

impl SearchChange {
    /// `settings` with the change.
    #[must_use]
    pub fn applied(&self, settings: SearchSettings) -> SearchSettings {
        let recall_target = self.recall_target.map(|target| target.unwrap_or(limits::RECALL_TARGET));
        SearchSettings {
            recall_target: recall_target.unwrap_or(settings.recall_target),
            ef: self.ef.unwrap_or(settings.ef),
            ef_min: self.ef_min.unwrap_or(settings.ef_min),
        }
    }
}

/// A collection's record in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CollectionHead {
    /// Identity; never used again after deletion.
    pub id: CollectionId,
    /// Free text for people.
    pub description: String,
    /// The embedder that writes and searches must use.
    pub embedder: EmbedderInfo,
    /// The model that makes token codes of its passages; `None` when it holds none.
    #[serde(default)]
    pub tokens: Option<EmbedderInfo>,
    /// In which form walks compare its vectors.
    #[serde(default)]
    pub quantization: Quantization,
    /// How its vectors are searched.
    #[serde(default)]
    pub search: SearchSettings,
    /// When it was made.
    pub created_at: Timestamp,
}

impl CollectionHead {
    /// What another collection of this kind is made with.
    pub(crate) fn spec(&self) -> CollectionSpec {
        CollectionSpec {
            embedder: self.embedder.clone(),
            tokens: self.tokens.clone(),
            description: self.description.clone(),
            quantization: self.quantization,
            search: self.search,
        }
    }
}

/// What callers see of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionInfo {
    /// Its name within the tenant.
    pub name: CollectionName,
    /// Free text for people.
    pub description: String,
    /// Documents that are visible.
    pub documents: u64,
    /// Passages of these documents.
    pub passages: u64,
    /// The embedder that writes and searches must use.
    pub embedder: EmbedderInfo,
    /// The model that makes token codes of its passages; `None` when it holds none.
    pub tokens: Option<EmbedderInfo>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The newest version that this replica's indexes of the collection show.
    pub version: Version,
    /// In which form walks compare its vectors.
    pub quantization: Quantization,
    /// How its vectors are searched, and with what recall.
    pub search: SearchInfo,
}

/// How a collection's vectors are searched, and what is known of it on this replica since its start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SearchInfo {
    /// What is set.
    pub settings: SearchSettings,
    /// The effort (`ef`) of searches that do not say: of one for [`limits::LEG_DEPTH`] passages, where it is chosen automatically.
    pub effort: usize,
    /// Recall of searches with this effort, 0 to 1: the mean of the last samples. `None` without a sample.
    pub recall: Option<f64>,
    /// How many samples that is the mean of, at most [`limits::RECALL_WINDOW`].
    pub samples: usize,
    /// Searches that were answered exactly as well.
    pub checked: u64,
    /// Searches that were to be, and for which there was no time.
    pub dropped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::record;

    /// A record as it was before collections had search settings.
    #[derive(Serialize)]
    struct Older {
        id: CollectionId,
        description: String,
        embedder: EmbedderInfo,
        created_at: Timestamp,
    }

    #[test]
    fn records_without_search_settings_have_the_usual_ones() {
        let embedder = EmbedderInfo { id: "e".into(), model: "m".into(), dimension: 3 };
        let older = Older {
            id: CollectionId(uuid::Uuid::nil()),
            description: "old".into(),
            embedder,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let head: CollectionHead = record::decode(&record::encode(&older).unwrap(), "a record").unwrap();
        assert_eq!((head.search, &head.tokens), (SearchSettings::default(), &None));
        let newer = CollectionHead { search: SearchSettings { ef: Some(7), ..head.search }, ..head };
        let again: CollectionHead = record::decode(&record::encode(&newer).unwrap(), "a record").unwrap();
        assert_eq!(again.search, newer.search);
    }
}
