//! The writing side: changes wait for a commit, a commit makes them visible and keeps the number of segments down.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use roaring::RoaringBitmap;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::{IndexWriterOptions, NoMergePolicy};
use tantivy::{FutureResult, Index, IndexWriter, Term};

use super::error::KeywordError;
use super::limits::{ARENA_BYTES, INLINE_MERGE_DOCS, MAX_SEGMENTS};
use super::merge::{SegmentSize, choose};
use super::schema::{Fields, PassageFields};

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
    segments: Vec<SegmentId>,
    result: FutureResult<Option<SegmentMeta>>,
}

/// tantivy's writer, opened when there is something to write and kept until [`Writer::release`]:
/// dropping it after each commit would abandon merges.
pub(crate) struct Writer {
    index: Index,
    fields: Fields,
    open: Option<IndexWriter>,
    /// Slots that hold a passage, waiting changes included.
    pub(crate) live: RoaringBitmap,
    is_dirty: bool,
    merging: Option<Merging>,
}

impl Writer {
    pub(crate) fn new(index: Index, fields: Fields) -> Self {
        Self { index, fields, open: None, live: RoaringBitmap::new(), is_dirty: false, merging: None }
    }

    fn open(&mut self) -> Result<&mut IndexWriter, KeywordError> {
        if self.open.is_none() {
            let options = IndexWriterOptions::builder()
                .memory_budget_per_thread(ARENA_BYTES)
                .num_worker_threads(1)
                .num_merge_threads(1)
                .build();
            let writer = self.index.writer_with_options(options).map_err(KeywordError::during("open the writer"))?;
            // Merges are chosen here, so that a commit can wait for them.
            writer.set_merge_policy(Box::new(NoMergePolicy));
            self.open = Some(writer);
        }
        self.open.as_mut().ok_or_else(|| KeywordError::during("open the writer")(tantivy::TantivyError::Poisoned))
    }

    pub(crate) fn apply(&mut self, change: &KeywordChange) -> Result<(), KeywordError> {
        let (KeywordChange::Put { slot, .. } | KeywordChange::Remove { slot }) = *change;
        let fields = self.fields;
        let was_live = self.live.contains(slot);
        if was_live {
            self.is_dirty = true;
            self.open()?.delete_term(Term::from_field_u64(fields.slot, u64::from(slot)));
            self.live.remove(slot);
        }
        if let KeywordChange::Put { fields: passage, .. } = change {
            self.is_dirty = true;
            self.open()?.add_document(fields.document(slot, passage)).map_err(KeywordError::during("add a passage"))?;
            self.live.insert(slot);
        }
        Ok(())
    }

    /// Commits waiting changes; false when there are none.
    pub(crate) fn commit(&mut self) -> Result<bool, KeywordError> {
        if !self.is_dirty {
            return Ok(false);
        }
        self.open()?.commit().map_err(KeywordError::during("commit"))?;
        self.is_dirty = false;
        Ok(true)
    }

    /// Merges what should be merged: small segments at once, large ones beside what follows, unless there are
    /// too many segments already. True when the segments have changed.
    pub(crate) fn merge(&mut self) -> Result<bool, KeywordError> {
        if self.open.is_none() {
            return Ok(false);
        }
        let mut has_changed = self.settle(false)?;
        loop {
            let sizes = self.sizes()?;
            let in_work = self.merging.as_ref().map_or(&[][..], |merging| &merging.segments);
            let free: Vec<SegmentSize> = sizes.iter().filter(|size| !in_work.contains(&size.id)).copied().collect();
            let chosen = choose(&free);
            if chosen.is_empty() && sizes.len() <= MAX_SEGMENTS {
                return Ok(has_changed);
            }
            let documents = chosen.iter().map(|size| size.live).sum::<u32>();
            if chosen.is_empty() || (documents > INLINE_MERGE_DOCS && self.merging.is_some()) {
                // One large merge at a time; it is waited for only when segments pile up behind it.
                if sizes.len() <= MAX_SEGMENTS || !self.settle(true)? {
                    return Ok(has_changed);
                }
                has_changed = true;
                continue;
            }
            let segments: Vec<SegmentId> = chosen.iter().map(|size| size.id).collect();
            let result = self.open()?.merge(&segments);
            if documents > INLINE_MERGE_DOCS {
                self.merging = Some(Merging { segments, result });
            } else {
                result.wait().map_err(KeywordError::during("merge segments"))?;
                has_changed = true;
            }
        }
    }

    /// Takes note of a finished merge, waiting for it if asked to; true when there was one.
    fn settle(&mut self, wait: bool) -> Result<bool, KeywordError> {
        let Some(mut merging) = self.merging.take() else {
            return Ok(false);
        };
        let outcome = if wait {
            merging.result.wait()
        } else {
            match Pin::new(&mut merging.result).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.merging = Some(merging);
                    return Ok(false);
                }
            }
        };
        outcome.map_err(KeywordError::during("merge segments"))?;
        Ok(true)
    }

    fn sizes(&self) -> Result<Vec<SegmentSize>, KeywordError> {
        let metas = self.index.searchable_segment_metas().map_err(KeywordError::during("list segments"))?;
        let size = |meta: &SegmentMeta| SegmentSize { id: meta.id(), live: meta.num_docs(), documents: meta.max_doc() };
        Ok(metas.iter().map(size).collect())
    }

    /// Closes tantivy's writer: its threads end and its memory goes. The next change opens it again.
    pub(crate) fn release(&mut self) -> Result<(), KeywordError> {
        self.commit()?;
        self.settle(true)?;
        self.merge()?;
        self.settle(true)?;
        match self.open.take() {
            Some(writer) => writer.wait_merging_threads().map_err(KeywordError::during("close the writer")),
            None => Ok(()),
        }
    }

    /// Whether tantivy's writer is open.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}
