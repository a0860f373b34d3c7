//! One immutable segment of the index: built from a batch of passages, or merged from others.
//!
//! Each is a tantivy index of its own in memory. tantivy's `IndexWriter` is left out: it keeps threads and an arena of
//! 15 MB for every collection and takes milliseconds for a commit of one passage, and which documents are deleted is
//! better known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roaring::RoaringBitmap;
use tantivy::directory::{OwnedBytes, RamDirectory};
use tantivy::fastfield::{AliveBitSet, write_alive_bitset};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::indexer::merge_filtered_segments;
use tantivy::store::Compressor;
use tantivy::{BitSet, Index, IndexSettings, Segment, SegmentReader, SingleSegmentIndexWriter};

use super::analysis::tokenizers;
use super::error::KeywordError;
use super::limits::{ARENA_BYTES, FIRST_ARENA_BYTES};
use super::options::KeywordOptions;
use super::schema::{Fields, PassageFields};

/// Words in each text field.
pub(crate) type Lengths = [u64; Fields::TEXTS];

/// Names a segment for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentKey(u64);

impl SegmentKey {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A segment and what is read from it once.
pub(crate) struct SegmentData {
    pub(crate) key: SegmentKey,
    pub(crate) reader: SegmentReader,
    /// The slot of each document.
    pub(crate) slots: Box<[u32]>,
    /// Length norms of each text field, in the order of [`Fields::texts`].
    pub(crate) norms: Vec<FieldNormReader>,
    pub(super) segment: Segment,
    pub(super) directory: RamDirectory,
}

impl SegmentData {
    pub(super) fn open(
        key: SegmentKey,
        index: &Index,
        fields: &Fields,
        directory: RamDirectory,
    ) -> tantivy::Result<Self> {
        let segment = index.searchable_segments()?.pop();
        let segment = segment.ok_or_else(|| tantivy::TantivyError::SystemError("segment is missing".to_owned()))?;
        let reader = SegmentReader::open(&segment)?;
        let column = reader.fast_fields().u64("slot")?;
        let slots = (0..reader.max_doc()).map(|doc| column.first(doc).unwrap_or(u64::from(u32::MAX)) as u32).collect();
        let texts = fields.texts(&KeywordOptions::default());
        let norms = texts.iter().map(|&(field, _)| reader.get_fieldnorms_reader(field));
        let norms = norms.collect::<tantivy::Result<_>>()?;
        Ok(Self { key, reader, slots, norms, segment, directory })
    }

    /// Documents, deleted ones included.
    pub(crate) fn documents(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Words of one document in each text field.
    pub(crate) fn lengths(&self, document: u32) -> Lengths {
        std::array::from_fn(|place| u64::from(self.norms[place].fieldnorm(document)))
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.directory.total_mem_usage() + self.slots.len() * size_of::<u32>()
    }
}

/// A segment that passages are being added to.
pub(crate) struct SegmentBuilder {
    pub(crate) key: SegmentKey,
    writer: SingleSegmentIndexWriter,
    directory: RamDirectory,
    fields: Fields,
    documents: u32,
}

impl SegmentBuilder {
    pub(crate) fn new(fields: Fields) -> Result<Self, KeywordError> {
        let directory = RamDirectory::create();
        let (schema, _) = Fields::schema();
        // Nothing is stored, so nothing needs a compressor or a thread for one.
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let builder = Index::builder().schema(schema).settings(settings).tokenizers(tokenizers());
        let writer = builder.single_segment_index_writer(directory.clone(), FIRST_ARENA_BYTES);
        let writer = writer.map_err(KeywordError::during("begin a segment"))?;
        Ok(Self { key: SegmentKey::next(), writer, directory, fields, documents: 0 })
    }

    /// Adds a passage; returns its document number.
    pub(crate) fn add(&mut self, slot: u32, passage: &PassageFields) -> Result<u32, KeywordError> {
        let document = self.fields.document(slot, passage);
        self.writer.add_document(document).map_err(KeywordError::during("add a passage"))?;
        self.documents += 1;
        Ok(self.documents - 1)
    }

    /// Whether it has grown to where it should be finished and another begun.
    pub(crate) fn is_full(&self) -> bool {
        self.writer.mem_usage() > ARENA_BYTES
    }

    pub(crate) fn finish(self) -> Result<SegmentData, KeywordError> {
        let index = self.writer.finalize().map_err(KeywordError::during("finish a segment"))?;
        SegmentData::open(self.key, &index, &self.fields, self.directory)
            .map_err(KeywordError::during("open a segment"))
    }
}

/// A part of a merge: a segment and its deleted documents when the merge began.
#[derive(Clone)]
pub(crate) struct MergePart {
    pub(crate) data: Arc<SegmentData>,
    pub(crate) dead: RoaringBitmap,
}

impl MergePart {
    /// Where each document of the merged segment comes from, for this part: its live documents, in order.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (SegmentKey, u32)> + '_ {
        (0..self.data.documents())
            .filter(|&document| !self.dead.contains(document))
            .map(|document| (self.data.key, document))
    }

    fn alive(&self) -> std::io::Result<AliveBitSet> {
        let mut alive = BitSet::with_max_value_and_full(self.data.documents());
        self.dead.iter().for_each(|document| alive.remove(document));
        let mut bytes = Vec::new();
        write_alive_bitset(&alive, &mut bytes)?;
        Ok(AliveBitSet::open(OwnedBytes::new(bytes)))
    }
}

/// Merges the live documents of `parts`, in their order, into one segment.
pub(crate) fn merge(parts: &[MergePart], fields: &Fields) -> Result<SegmentData, KeywordError> {
    let directory = RamDirectory::create();
    let segments: Vec<Segment> = parts.iter().map(|part| part.data.segment.clone()).collect();
    let alive: Vec<Option<AliveBitSet>> = parts
        .iter()
        .map(|part| if part.dead.is_empty() { Ok(None) } else { part.alive().map(Some) })
        .collect::<std::io::Result<_>>()
        .map_err(KeywordError::during("list live documents"))?;
    let settings = parts.first().map(|part| part.data.segment.index().settings().clone()).unwrap_or_default();
    let index = merge_filtered_segments(&segments, settings, alive, directory.clone());
    let index = index.map_err(KeywordError::during("merge segments"))?;
    let data = SegmentData::open(SegmentKey::next(), &index, fields, directory);
    let data = data.map_err(KeywordError::during("open a segment"))?;
    let expected = parts.iter().flat_map(|part| part.sources().map(|(_, document)| part.data.slots[document as usize]));
    if !expected.eq(data.slots.iter().copied()) {
        let order = tantivy::TantivyError::SystemError("documents came out in another order".to_owned());
        return Err(KeywordError::during("merge segments")(order));
    }
    Ok(data)
}
