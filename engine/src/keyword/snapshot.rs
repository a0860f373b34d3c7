//! What searches see: the segments of one commit, and statistics over their live documents only.
//!
//! tantivy counts deleted documents in document frequencies and lengths until a merge removes them. Here both are
//! taken over live documents, so that scores do not depend on how an index came to hold what it holds.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::schema::Fields;
use super::segment::{Lengths, SegmentData};

/// One segment as of one commit.
#[derive(Clone)]
pub(crate) struct SegmentView {
    pub(crate) data: Arc<SegmentData>,
    /// Deleted documents.
    pub(crate) dead: RoaringBitmap,
    /// Words of live documents in each text field.
    pub(crate) lengths: Lengths,
}

impl SegmentView {
    /// Live documents.
    pub(crate) fn live(&self) -> u32 {
        self.data.documents() - self.dead.len() as u32
    }
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
    pub(crate) fn over(segments: Vec<Arc<SegmentView>>) -> Self {
        let documents = segments.iter().map(|view| u64::from(view.live())).sum::<u64>();
        let bound = segments.iter().map(|view| view.data.slots.len()).sum();
        let mean = |place: usize| {
            let total = segments.iter().map(|view| view.lengths[place]).sum::<u64>();
            if documents == 0 { 0.0 } else { total as f32 / documents as f32 }
        };
        let mean_lengths = std::array::from_fn(mean);
        Self { segments, documents, bound, mean_lengths }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.segments.iter().map(|view| view.data.bytes() + view.dead.serialized_size()).sum()
    }
}
