//! The writing side: changes wait for a commit, a commit makes them visible and keeps the number of segments down.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use roaring::RoaringBitmap;

use super::error::KeywordError;
use super::limits::{COMPACT_DOCS, INLINE_MERGE_DOCS, MAX_SEGMENTS};
use super::merge::{SegmentSize, choose};
use super::schema::{Fields, PassageFields};
use super::segment::{MergePart, SegmentBuilder, SegmentData, SegmentKey, merge};
use super::snapshot::{SegmentView, Snapshot};

/// A change to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeywordChange {
    /// Put a passage at a slot, replacing what was there.
    Put {
        /// The slot.
        slot: u32,
        /// The passage.
        fields: PassageFields,
    },
    /// Take the passage at a slot out.
    Remove {
        /// The slot.
        slot: u32,
    },
}

/// A merge that goes on beside commits.
struct Merging {
    parts: Vec<MergePart>,
    thread: JoinHandle<Result<SegmentData, KeywordError>>,
}

/// Everything that changes; searches see [`Writer::snapshot`].
pub(crate) struct Writer {
    fields: Fields,
    /// Finished segments. Their views are replaced, never changed, while a snapshot shares them.
    pub(super) segments: Vec<Arc<SegmentView>>,
    building: Option<SegmentBuilder>,
    /// Passages of the segment being built that are already replaced or removed.
    building_dead: RoaringBitmap,
    /// Where the passage of each slot is.
    pub(super) places: HashMap<u32, (SegmentKey, u32)>,
    merging: Option<Merging>,
}

impl Writer {
    pub(crate) fn new(fields: Fields) -> Self {
        Self {
            fields,
            segments: Vec::new(),
            building: None,
            building_dead: RoaringBitmap::new(),
            places: HashMap::new(),
            merging: None,
        }
    }

    /// The present state, for searches.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::over(self.segments.clone())
    }

    pub(crate) fn apply(&mut self, change: &KeywordChange) -> Result<(), KeywordError> {
        match change {
            KeywordChange::Remove { slot } => self.forget(*slot),
            KeywordChange::Put { slot, fields } => {
                self.forget(*slot);
                self.add(*slot, fields)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, slot: u32, passage: &PassageFields) -> Result<(), KeywordError> {
        let mut building = match self.building.take() {
            Some(building) => building,
            None => SegmentBuilder::new(self.fields)?,
        };
        let document = building.add(slot, passage)?;
        self.places.insert(slot, (building.key, document));
        let is_full = building.is_full();
        self.building = Some(building);
        if is_full { self.finish() } else { Ok(()) }
    }

    fn forget(&mut self, slot: u32) {
        let Some((key, document)) = self.places.remove(&slot) else { return };
        if let Some(view) = self.segments.iter_mut().find(|view| view.data.key == key) {
            bury(Arc::make_mut(view), document);
        } else {
            self.building_dead.insert(document);
        }
    }

    /// Turns what was added into a segment.
    fn finish(&mut self) -> Result<(), KeywordError> {
        let Some(building) = self.building.take() else { return Ok(()) };
        let dead = std::mem::take(&mut self.building_dead);
        self.segments.push(Arc::new(view_of(building.finish()?, dead)));
        Ok(())
    }

    /// Takes waiting changes into the segments.
    pub(crate) fn commit(&mut self) -> Result<(), KeywordError> {
        self.finish()?;
        self.segments.retain(|view| view.live() > 0);
        Ok(())
    }

    /// Merges what should be merged: small segments at once, large ones beside what follows, unless there are
    /// too many segments already. True when the segments have changed.
    pub(crate) fn merge(&mut self) -> Result<bool, KeywordError> {
        let mut has_changed = self.merging.as_ref().is_some_and(|merging| merging.thread.is_finished());
        if has_changed {
            self.settle()?;
        }
        loop {
            let parts = self.choose();
            let documents = parts.iter().map(|part| part.data.documents() - part.dead.len() as u32).sum::<u32>();
            if parts.is_empty() || (documents > INLINE_MERGE_DOCS && self.merging.is_some()) {
                // One large merge at a time; it is waited for only when segments pile up behind it.
                if self.segments.len() <= MAX_SEGMENTS || self.merging.is_none() {
                    return Ok(has_changed);
                }
                self.settle()?;
            } else if documents > INLINE_MERGE_DOCS {
                self.begin(parts)?;
                continue;
            } else {
                let merged = merge(&parts, &self.fields)?;
                self.replace(&parts, merged);
            }
            has_changed = true;
        }
    }

    /// Whether [`Writer::compact`] would change nothing.
    pub(crate) fn is_compact(&self) -> bool {
        self.building.is_none() && self.merging.is_none() && self.scattered().is_empty()
    }

    /// Commits, finishes all merges, and rewrites a small index into one segment.
    pub(crate) fn compact(&mut self) -> Result<(), KeywordError> {
        self.commit()?;
        self.settle()?;
        while self.merge()? {
            self.settle()?;
        }
        let parts = self.scattered();
        if !parts.is_empty() {
            let merged = merge(&parts, &self.fields)?;
            self.replace(&parts, merged);
        }
        Ok(())
    }

    /// The parts of a small index that would take less as one; none when it is large, or as small as can be.
    fn scattered(&self) -> Vec<MergePart> {
        let live: u64 = self.segments.iter().map(|view| u64::from(view.live())).sum();
        let is_whole = self.segments.len() <= 1 && self.segments.iter().all(|view| view.dead.is_empty());
        if live > COMPACT_DOCS || is_whole { Vec::new() } else { self.segments.iter().map(part_of).collect() }
    }

    /// The segments to merge next that are not being merged yet.
    fn choose(&self) -> Vec<MergePart> {
        let busy =
            |key: SegmentKey| self.merging.iter().flat_map(|merging| &merging.parts).any(|part| part.data.key == key);
        let free = self.segments.iter().filter(|view| !busy(view.data.key));
        let size = |view: &Arc<SegmentView>| SegmentSize {
            key: view.data.key,
            live: view.live(),
            documents: view.data.documents(),
        };
        let chosen = choose(&free.map(size).collect::<Vec<_>>());
        // In the order of the index, so that neighbours stay neighbours.
        let is_chosen = |view: &&Arc<SegmentView>| chosen.iter().any(|size| size.key == view.data.key);
        self.segments.iter().filter(is_chosen).map(part_of).collect()
    }

    fn begin(&mut self, parts: Vec<MergePart>) -> Result<(), KeywordError> {
        let (fields, input) = (self.fields, parts.clone());
        let thread = std::thread::Builder::new().name("keyword-merge".to_owned()).spawn(move || merge(&input, &fields));
        let thread = thread.map_err(KeywordError::during("begin a merge"))?;
        self.merging = Some(Merging { parts, thread });
        Ok(())
    }

    /// Waits for the merge that goes on, if any, and takes its result in.
    pub(crate) fn settle(&mut self) -> Result<(), KeywordError> {
        let Some(Merging { parts, thread }) = self.merging.take() else { return Ok(()) };
        let panicked = |_| KeywordError::during("merge segments")(tantivy::TantivyError::Poisoned);
        let merged = thread.join().map_err(panicked)??;
        self.replace(&parts, merged);
        Ok(())
    }

    /// Puts a merged segment in the place of its parts. Passages that went away since the merge began are dead in it.
    fn replace(&mut self, parts: &[MergePart], merged: SegmentData) {
        let mut dead = RoaringBitmap::new();
        for (document, source) in (0..).zip(parts.iter().flat_map(MergePart::sources)) {
            match self.places.get_mut(&merged.slots[document as usize]) {
                Some(place) if *place == source => *place = (merged.key, document),
                _ => {
                    dead.insert(document);
                }
            }
        }
        self.segments.retain(|view| parts.iter().all(|part| part.data.key != view.data.key));
        let view = view_of(merged, dead);
        if view.live() > 0 {
            self.segments.push(Arc::new(view));
        }
    }

    /// Bytes of the bookkeeping.
    pub(crate) fn bytes(&self) -> usize {
        self.places.capacity() * (size_of::<(u32, (SegmentKey, u32))>() + 1)
    }
}

fn part_of(view: &Arc<SegmentView>) -> MergePart {
    MergePart { data: Arc::clone(&view.data), dead: view.dead.clone() }
}

/// A segment with its deleted documents.
pub(super) fn view_of(data: SegmentData, dead: RoaringBitmap) -> SegmentView {
    let mut lengths = [0; Fields::TEXTS];
    for document in (0..data.documents()).filter(|&document| !dead.contains(document)) {
        for (total, length) in lengths.iter_mut().zip(data.lengths(document)) {
            *total += length;
        }
    }
    SegmentView { data: Arc::new(data), dead, lengths }
}

/// Marks a live document as deleted.
fn bury(view: &mut SegmentView, document: u32) {
    view.dead.insert(document);
    for (total, length) in view.lengths.iter_mut().zip(view.data.lengths(document)) {
        *total -= length;
    }
}
