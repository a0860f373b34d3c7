//! One collection's indexes: vectors, keywords and columns over the same slots, seen through an immutable view.
//!
//! A document's replacement becomes visible in all legs at once: its new passages enter every index while they are not
//! yet live, then the view is swapped, and the old passages leave the indexes when no search holds an older view.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;

use super::slots::{SlotEntry, SlotTable};
use crate::error::{Error, Result};
use crate::filter::{Columns, Filter};
use crate::keyword::{KeywordIndex, KeywordOptions};
use crate::model::{CollectionHead, CollectionId, DocumentId, TextHash, TokenCodes, Version};
use crate::recall::Effort;
use crate::tokens::TokenIndex;
use crate::vector::{Metric, VectorIndex, VectorOptions};

/// What searches see: taken once per search, never changed.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// The slots of visible passages.
    pub(crate) live: RoaringBitmap,
    /// The newest change that is visible.
    pub(crate) version: Version,
}

/// What the one writer of a collection's indexes keeps.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) documents: HashMap<DocumentId, (Version, Vec<u32>)>,
    /// Slots to remove once nobody holds the view that showed them, or an older one.
    pub(super) retired: Vec<(Arc<View>, Vec<u32>)>,
}

/// What the indexes of a collection are made of.
pub(super) struct Parts {
    pub(super) vectors: VectorIndex,
    pub(super) keywords: KeywordIndex,
    pub(super) tokens: TokenIndex,
    pub(super) columns: Columns,
    pub(super) slots: SlotTable,
    pub(super) view: View,
    pub(super) writer: Writer,
}

/// The indexes of one collection.
pub(crate) struct CollectionIndex {
    pub(crate) id: CollectionId,
    /// The record as it was when this process took the collection up; what of it can change is kept elsewhere.
    pub(crate) head: CollectionHead,
    pub(super) vectors: VectorIndex,
    pub(super) keywords: KeywordIndex,
    pub(super) tokens: TokenIndex,
    pub(super) columns: RwLock<Columns>,
    pub(super) slots: RwLock<SlotTable>,
    pub(super) view: RwLock<Arc<View>>,
    pub(super) writer: Mutex<Writer>,
    pub(super) scratch: Arc<Path>,
    effort: Effort,
}

impl CollectionIndex {
    /// Empty indexes for a collection, with their files in `scratch`.
    pub(crate) fn new(head: CollectionHead, scratch: Arc<Path>) -> Result<Self> {
        let folder = Some(scratch.to_path_buf());
        let dimension = head.embedder.dimension as usize;
        let quantization = head.quantization;
        let options = VectorOptions { metric: Metric::Cosine, quantization, folder, ..VectorOptions::new(dimension) };
        let vectors =
            VectorIndex::new(options).map_err(|error| Error::internal("open a vector index").caused_by(error))?;
        let keywords = KeywordIndex::new(KeywordOptions::default())
            .map_err(|error| Error::internal("open a keyword index").caused_by(error))?;
        let (tokens, columns, slots, view, writer) = Default::default();
        Ok(Self::of(head, scratch, Parts { vectors, keywords, tokens, columns, slots, view, writer }))
    }

    /// Indexes of parts that belong together.
    pub(super) fn of(head: CollectionHead, scratch: Arc<Path>, parts: Parts) -> Self {
        let Parts { vectors, keywords, tokens, columns, slots, view, writer } = parts;
        Self {
            effort: Effort::new(head.search, vectors.options().ef_search),
            id: head.id,
            head,
            vectors,
            keywords,
            tokens,
            columns: RwLock::new(columns),
            slots: RwLock::new(slots),
            view: RwLock::new(Arc::new(view)),
            writer: Mutex::new(writer),
            scratch,
        }
    }

    /// The view as of now.
    pub(crate) fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    /// Whether the legs hold nothing but what `view` shows: then neither needs a filter for it. Both always hold at least
    /// that, so counting is enough. What changes right after the answer was not visible in `view` either.
    pub(crate) fn holds_only(&self, view: &View) -> bool {
        let live = view.live.len() as usize;
        self.vectors.len() == live && self.keywords.len() == live
    }

    /// The visible slots that `filter` lets through.
    pub(crate) fn allowed(&self, view: &View, filter: &Filter) -> RoaringBitmap {
        self.columns.read().eval(filter) & &view.live
    }

    /// Lends the slots of documents in a programming language; `read` must be short, writes wait for it.
    pub(crate) fn with_code(&self, read: impl FnOnce(&RoaringBitmap)) {
        if let Some(code) = self.columns.read().having("language") {
            read(code);
        }
    }

    /// By what passages with equal scores are put in order, see [`SlotEntry::order`].
    pub(crate) fn orders(&self, slots: impl Iterator<Item = u32>) -> Vec<u64> {
        let table = self.slots.read();
        slots.map(|slot| table.get(slot).map_or(u64::MAX, |entry| entry.order)).collect()
    }

    /// What stands behind a slot that a view shows.
    pub(crate) fn entry(&self, slot: u32) -> Option<SlotEntry> {
        self.slots.read().get(slot).cloned()
    }

    /// The visible copies of a text, in an order that does not depend on slots.
    pub(crate) fn copies(&self, view: &View, text: TextHash) -> Vec<SlotEntry> {
        let slots = self.slots.read();
        let live = slots.copies(text).iter().filter(|&&slot| view.live.contains(slot));
        let mut copies: Vec<SlotEntry> = live.filter_map(|&slot| slots.get(slot).cloned()).collect();
        copies.sort_by_key(|copy| copy.order);
        copies
    }

    /// The vector of a passage with the same embedded text, if one is indexed, and its token codes, if it shows the same text too.
    pub(crate) fn known_embedding(&self, embed: TextHash, text: TextHash) -> Option<(Vec<f32>, Option<TokenCodes>)> {
        let slots = self.slots.read();
        let is_same = |slot: &&u32| slots.get(**slot).is_some_and(|entry| entry.embed_hash == embed);
        let same = slots.copies(text).iter().find(is_same).copied();
        let slot = same.or_else(|| slots.embedded(embed))?;
        let codes = same.and_then(|slot| self.tokens.get(slot));
        Some((self.vectors.get(slot)?, codes))
    }

    /// The effort of searches in the vector leg.
    pub(crate) fn effort(&self) -> &Effort {
        &self.effort
    }

    /// The vector leg.
    pub(crate) fn vectors(&self) -> &VectorIndex {
        &self.vectors
    }

    /// The token codes, for late interaction.
    pub(crate) fn tokens(&self) -> &TokenIndex {
        &self.tokens
    }

    /// The keyword leg.
    pub(crate) fn keywords(&self) -> &KeywordIndex {
        &self.keywords
    }
}
