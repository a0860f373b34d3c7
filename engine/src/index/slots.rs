//! Slots: the small integers by which all indexes of a collection name a passage, and what stands behind each.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use twox_hash::XxHash3_64;

use super::sketch::Sketch;
use crate::error::{Error, Result};
use crate::model::{DocumentHead, DocumentId, TextHash, Version};
use crate::vector::limits::MAX_SLOTS;

/// The document of a slot, as results show it. One generation is one value.
#[derive(Debug)]
pub(crate) struct IndexedDocument {
    pub(crate) id: DocumentId,
    pub(crate) head: DocumentHead,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) version: Version,
}

/// What stands behind a slot.
#[derive(Debug, Clone)]
pub(crate) struct SlotEntry {
    pub(crate) document: Arc<IndexedDocument>,
    pub(crate) ordinal: u32,
    /// A number for the passage that every process gives it: by document in no order that means anything, and by place in the document.
    pub(crate) order: u64,
    pub(crate) lines: (u32, u32),
    /// Hash of the shown text: passages with equal hashes are copies.
    pub(crate) text_hash: TextHash,
    /// Hash of the embedded text: passages with equal hashes share a vector.
    pub(crate) embed_hash: TextHash,
    /// By which passages that say nearly the same are told.
    pub(crate) sketch: Sketch,
}

/// See [`SlotEntry::order`].
pub(crate) fn order_of(document: &DocumentId, ordinal: u32) -> u64 {
    XxHash3_64::oneshot(document.as_str().as_bytes()) << u32::BITS | u64::from(ordinal)
}

/// The table of slots, with the two ways back from a text to its slots.
#[derive(Debug, Default)]
pub(crate) struct SlotTable {
    entries: Vec<Option<SlotEntry>>,
    free: Vec<u32>,
    copies: HashMap<TextHash, Vec<u32>>,
    embedded: HashMap<TextHash, u32>,
}

impl SlotTable {
    /// A table for the entries of an image, in slots below `room`.
    pub(super) fn with_room(room: u32) -> Result<Self> {
        if room > MAX_SLOTS {
            return Err(Error::corrupt("an image has more slots than there can be"));
        }
        Ok(Self { entries: vec![None; room as usize], ..Self::default() })
    }

    /// Sets what stands behind a slot of a table that is being filled.
    pub(super) fn put(&mut self, slot: u32, entry: SlotEntry) {
        self.copies.entry(entry.text_hash).or_default().push(slot);
        self.embedded.insert(entry.embed_hash, slot);
        self.entries[slot as usize] = Some(entry);
    }

    /// The table is full: slots without an entry are free.
    pub(super) fn close(&mut self) {
        let is_free = |slot: &u32| self.entries[*slot as usize].is_none();
        self.free = (0..self.entries.len() as u32).rev().filter(is_free).collect();
    }

    /// Slots, free ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes a free slot for `entry`.
    pub(crate) fn insert(&mut self, entry: SlotEntry) -> u32 {
        let (text, embed) = (entry.text_hash, entry.embed_hash);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.entries[slot as usize] = Some(entry);
                slot
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as u32
            }
        };
        self.copies.entry(text).or_default().push(slot);
        self.embedded.insert(embed, slot);
        slot
    }

    /// Frees a slot.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::take) else { return };
        if let Some(copies) = self.copies.get_mut(&entry.text_hash) {
            copies.retain(|&copy| copy != slot);
            if copies.is_empty() {
                self.copies.remove(&entry.text_hash);
            }
        }
        if self.embedded.get(&entry.embed_hash) == Some(&slot) {
            self.embedded.remove(&entry.embed_hash);
        }
        self.free.push(slot);
    }

    /// What stands behind `slot`.
    pub(crate) fn get(&self, slot: u32) -> Option<&SlotEntry> {
        self.entries.get(slot as usize)?.as_ref()
    }

    /// Every slot whose shown text has this hash.
    pub(crate) fn copies(&self, text: TextHash) -> &[u32] {
        self.copies.get(&text).map_or(&[], Vec::as_slice)
    }

    /// A slot whose embedded text has this hash.
    pub(crate) fn embedded(&self, embed: TextHash) -> Option<u32> {
        self.embedded.get(&embed).copied()
    }
}
