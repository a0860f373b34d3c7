//! What searches see: the segments of one commit, and statistics over their live documents only.
//!
//! tantivy counts deleted documents in document frequencies and lengths until a merge removes them. Here both are
//! taken over live documents, so that scores do not depend on how an index came to hold what it holds.

use std::sync::Arc;

use tantivy::directory::{Directory, META_LOCK};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentId;
use tantivy::{Index, SegmentReader};

use super::error::KeywordError;
use super::schema::Fields;

/// One segment.
pub(crate) struct SegmentView {
    pub(crate) reader: SegmentReader,
    /// The slot of each document.
    pub(crate) slots: Arc<[u32]>,
    /// Length norms of each text field, in the order of [`Fields::texts`].
    pub(crate) norms: Vec<FieldNormReader>,
    /// Words of live documents in each text field.
    lengths: [u64; Fields::TEXTS],
}

impl SegmentView {
    fn key(&self) -> (SegmentId, u32) {
        (self.reader.segment_id(), self.reader.num_deleted_docs())
    }

    fn open(reader: SegmentReader, fields: &Fields, slots: Option<Arc<[u32]>>) -> tantivy::Result<Self> {
        let slots = match slots {
            Some(slots) => slots,
            None => read_slots(&reader)?,
        };
        let texts = fields.texts(&super::KeywordOptions::default());
        let norms: Vec<FieldNormReader> =
            texts.iter().map(|&(field, _)| reader.get_fieldnorms_reader(field)).collect::<tantivy::Result<_>>()?;
        let mut lengths = [0; Fields::TEXTS];
        for doc in reader.doc_ids_alive() {
            for (length, norm) in lengths.iter_mut().zip(&norms) {
                *length += u64::from(norm.fieldnorm(doc));
            }
        }
        Ok(Self { reader, slots, norms, lengths })
    }
}

fn read_slots(reader: &SegmentReader) -> tantivy::Result<Arc<[u32]>> {
    let column = reader.fast_fields().u64("slot")?;
    Ok((0..reader.max_doc()).map(|doc| column.first(doc).unwrap_or(u64::from(u32::MAX)) as u32).collect())
}

/// All segments of one commit.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) segments: Vec<Arc<SegmentView>>,
    /// Live documents.
    pub(crate) documents: u64,
    /// Documents, deleted ones included: the bound of document numbers.
    pub(crate) bound: usize,
    /// Mean words of live documents in each text field.
    pub(crate) mean_lengths: [f32; Fields::TEXTS],
}

impl Snapshot {
    /// Opens what is committed, reusing unchanged segments of the snapshot before.
    pub(crate) fn open(index: &Index, fields: &Fields, before: &Self) -> Result<Self, KeywordError> {
        // The lock keeps the files of the listed segments from being removed while they are opened.
        let _lock = index.directory().acquire_lock(&META_LOCK).map_err(|error| {
            KeywordError::during("lock the segment list")(tantivy::TantivyError::LockFailure(error, None))
        })?;
        let listed = index.searchable_segments().map_err(KeywordError::during("list segments"))?;
        let mut segments = Vec::with_capacity(listed.len());
        for segment in &listed {
            let known = before.segments.iter().find(|view| view.reader.segment_id() == segment.id());
            let same = known.filter(|view| view.key() == (segment.id(), segment.meta().num_deleted_docs()));
            if let Some(view) = same {
                segments.push(Arc::clone(view));
                continue;
            }
            let reader = SegmentReader::open(segment).map_err(KeywordError::during("open a segment"))?;
            let slots = known.map(|view| Arc::clone(&view.slots));
            let view = SegmentView::open(reader, fields, slots).map_err(KeywordError::during("read a segment"))?;
            segments.push(Arc::new(view));
        }
        Ok(Self::over(segments))
    }

    fn over(segments: Vec<Arc<SegmentView>>) -> Self {
        let documents = segments.iter().map(|view| u64::from(view.reader.num_docs())).sum::<u64>();
        let bound = segments.iter().map(|view| view.slots.len()).sum();
        let mean = |place: usize| {
            let total = segments.iter().map(|view| view.lengths[place]).sum::<u64>();
            if documents == 0 { 0.0 } else { total as f32 / documents as f32 }
        };
        let mean_lengths = std::array::from_fn(mean);
        Self { segments, documents, bound, mean_lengths }
    }
}
