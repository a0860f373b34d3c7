//! Images of a keyword index: each segment as the files that tantivy wrote, with the documents that are deleted in it.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use tantivy::directory::RamDirectory;
use tantivy::index::SegmentComponent;
use tantivy::{Directory as _, Index, TantivyError};

use super::analysis::tokenizers;
use super::error::KeywordError;
use super::schema::Fields;
use super::segment::{SegmentData, SegmentKey};
use super::snapshot::SegmentView;
use super::writer::{Writer, view_of};
use super::{KeywordIndex, KeywordOptions};

/// What the first record of an image says: the version of the format, which changes with tantivy's, and of the analysis.
const FORMAT: u32 = 1;

/// The file in which tantivy says what segments an index has.
const META: &str = "meta.json";
/// The files of a segment without deletes of tantivy's own.
const COMPONENTS: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::Terms,
    SegmentComponent::Store,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
];

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    format: u32,
    tantivy: String,
    segments: u32,
}

#[derive(Serialize, Deserialize)]
struct SegmentImage {
    files: Vec<(String, Bytes)>,
    dead: Bytes,
}

impl KeywordIndex {
    /// Writes what searches see to `into`. Changes that wait for a commit are not in it.
    ///
    /// # Errors
    /// When a segment cannot be read or written.
    pub fn save(&self, into: &mut impl Write) -> Result<(), KeywordError> {
        let snapshot = self.snapshot.read().clone();
        let head = Head { segments: snapshot.segments.len() as u32, ..head() };
        write(into, &head)?;
        snapshot.segments.iter().try_for_each(|view| write(into, &image(view)?))
    }

    /// The index of an image.
    ///
    /// # Errors
    /// When the bytes are no image, or one that another version wrote.
    pub fn load(options: KeywordOptions, mut image: &[u8]) -> Result<Self, KeywordError> {
        let index = Self::new(options)?;
        let found: Head = read(&mut image)?;
        let segments = found.segments;
        if found != (Head { segments, ..head() }) {
            return Err(corrupt("the image of another version"));
        }
        let mut writer = index.writer.lock();
        for _ in 0..segments {
            writer.take_in(open(&read(&mut image)?, &index.fields)?);
        }
        if !image.is_empty() {
            return Err(corrupt("something behind its end"));
        }
        index.publish(&writer);
        drop(writer);
        Ok(index)
    }
}

impl Writer {
    /// Adds a finished segment of an image.
    fn take_in(&mut self, view: SegmentView) {
        let live = (0..view.data.documents()).filter(|&document| !view.dead.contains(document));
        let places = live.map(|document| (view.data.slots[document as usize], (view.data.key, document)));
        self.places.extend(places);
        self.segments.push(view.into());
    }
}

fn head() -> Head {
    Head { format: FORMAT, tantivy: tantivy::version_string().to_owned(), segments: 0 }
}

fn image(view: &SegmentView) -> Result<SegmentImage, KeywordError> {
    let read = |path: &Path| -> Result<(String, Bytes), KeywordError> {
        let bytes = view.data.directory.atomic_read(path).map_err(KeywordError::during("read a file of a segment"))?;
        Ok((path.to_string_lossy().into_owned(), bytes.into()))
    };
    let parts = COMPONENTS.into_iter().map(|part| view.data.segment.meta().relative_path(part));
    let files = parts.chain([META.into()]).map(|path| read(&path)).collect::<Result<_, _>>()?;
    let mut dead = Vec::new();
    view.dead.serialize_into(&mut dead).map_err(KeywordError::during("write deleted documents"))?;
    Ok(SegmentImage { files, dead: dead.into() })
}

fn open(image: &SegmentImage, fields: &Fields) -> Result<SegmentView, KeywordError> {
    let directory = RamDirectory::create();
    for (path, bytes) in &image.files {
        directory.atomic_write(Path::new(path), bytes).map_err(KeywordError::during("read a segment of an image"))?;
    }
    let mut index = Index::open(directory.clone()).map_err(KeywordError::during("open a segment of an image"))?;
    index.set_tokenizers(tokenizers());
    let data = SegmentData::open(SegmentKey::next(), &index, fields, directory);
    let data = data.map_err(KeywordError::during("open a segment of an image"))?;
    let dead = RoaringBitmap::deserialize_from(&*image.dead).map_err(KeywordError::during("read deleted documents"))?;
    if dead.max().is_some_and(|last| last >= data.documents()) {
        return Err(corrupt("more deleted documents than documents"));
    }
    Ok(view_of(data, dead))
}

fn write(into: &mut impl Write, record: &impl Serialize) -> Result<(), KeywordError> {
    rmp_serde::encode::write_named(into, record)
        .map_err(io::Error::other)
        .map_err(KeywordError::during("write an image"))
}

fn read<T: serde::de::DeserializeOwned>(image: &mut &[u8]) -> Result<T, KeywordError> {
    rmp_serde::from_read(image).map_err(io::Error::other).map_err(KeywordError::during("read an image"))
}

fn corrupt(what: &str) -> KeywordError {
    KeywordError::during("read an image")(TantivyError::InvalidArgument(format!("it has {what}")))
}
