//! A collection's indexes as four files: what a snapshot is made of.
//!
//! Vectors, keywords and token codes have formats of their own; `documents` says what stands behind the slots of the three. Columns are made again of it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::apply::filter_fields;
use super::collection::{CollectionIndex, Parts, View, Writer};
use super::sketch::Sketch;
use super::slots::{IndexedDocument, SlotEntry, SlotTable, order_of};
use crate::error::{Error, Result};
use crate::filter::Columns;
use crate::keyword::{KeywordIndex, KeywordOptions};
use crate::model::{CollectionHead, DocumentHead, DocumentId, TextHash, Version};
use crate::tokens::TokenIndex;
use crate::vector::{VectorIndex, map_unnamed};

/// The version of the format of all four files together.
pub(crate) const FORMAT: u32 = 1;
/// The files' names.
pub(crate) const FILES: [&str; 4] = [VECTORS, KEYWORDS, TOKENS, DOCUMENTS];

const VECTORS: &str = "vectors";
const KEYWORDS: &str = "keywords";
const TOKENS: &str = "tokens";
const DOCUMENTS: &str = "documents";

/// The file `documents`.
#[derive(Serialize, Deserialize)]
struct Documents<D> {
    version: Version,
    /// Slots up to the last one that holds something.
    slots: u32,
    documents: Vec<D>,
    /// Documents without passages.
    empty: Vec<(DocumentId, Version)>,
}

#[derive(Serialize)]
struct DocumentOut<'a> {
    id: &'a DocumentId,
    head: &'a DocumentHead,
    version: Version,
    passages: Vec<PassageImage>,
    is_live: bool,
}

#[derive(Deserialize)]
struct DocumentIn {
    id: DocumentId,
    head: DocumentHead,
    version: Version,
    passages: Vec<PassageImage>,
    is_live: bool,
}

#[derive(Serialize, Deserialize)]
struct PassageImage {
    #[serde(rename = "s")]
    slot: u32,
    #[serde(rename = "o")]
    ordinal: u32,
    #[serde(rename = "l")]
    lines: (u32, u32),
    #[serde(rename = "t")]
    text: TextHash,
    #[serde(rename = "e")]
    embed: TextHash,
    #[serde(rename = "k")]
    sketch: Sketch,
}

impl CollectionIndex {
    /// Writes the indexes as they are now into `folder`, which must exist. Changes wait meanwhile, searches go on. Blocking. Answers the version up to
    /// which every change is in it.
    pub(crate) fn save(&self, folder: &Path) -> Result<Version> {
        let mut writer = self.writer.lock();
        // What no search sees any more need not be kept.
        let version = self.view().version;
        self.apply_locked(&mut writer, Vec::new(), version)?;
        let slots = self.slots.read();
        self.vectors.save(&folder.join(VECTORS)).map_err(|error| wrong("write the vectors").caused_by(error))?;
        write(folder, KEYWORDS, |file| {
            self.keywords.save(file).map_err(|error| wrong("write the keywords").caused_by(error))
        })?;
        write(folder, TOKENS, |file| {
            self.tokens.save(file).map_err(|error| wrong("write the token codes").caused_by(error))
        })?;
        let live = writer.documents.values().map(|(_, slots)| (slots.as_slice(), true));
        let retired = writer.retired.iter().map(|(_, slots)| (slots.as_slice(), false));
        let documents = live.chain(retired).flat_map(|(some, is_live)| images(&slots, some, is_live)).collect();
        let empty = writer.documents.iter().filter(|(_, (_, slots))| slots.is_empty());
        let empty = empty.map(|(id, (version, _))| (id.clone(), *version)).collect();
        let documents = Documents { version, slots: slots.len() as u32, documents, empty };
        write(folder, DOCUMENTS, |file| {
            rmp_serde::encode::write_named(file, &documents)
                .map_err(|error| wrong("write the documents").caused_by(error))
        })?;
        Ok(version)
    }

    /// The indexes whose files are in `folder`, from where they are taken away. Blocking.
    ///
    /// # Errors
    /// `Corrupt` when the files are not those of one image of this collection.
    pub(crate) fn load(head: CollectionHead, scratch: Arc<Path>, folder: &Path) -> Result<Self> {
        let vectors = || -> Result<VectorIndex> {
            let path = folder.join(VECTORS);
            let vectors = VectorIndex::load(&path, Some(scratch.to_path_buf()));
            let vectors = vectors.map_err(|error| Error::corrupt("load the vectors").caused_by(error))?;
            std::fs::remove_file(path).map_err(|error| wrong("take the vectors").caused_by(error))?;
            Ok(vectors)
        };
        let keywords = || -> Result<KeywordIndex> {
            let index = KeywordIndex::load(KeywordOptions::default(), &take(folder, KEYWORDS)?);
            index.map_err(|error| Error::corrupt("load the keywords").caused_by(error))
        };
        let (vectors, keywords, rest) = std::thread::scope(|scope| {
            let vectors = scope.spawn(vectors);
            let keywords = scope.spawn(keywords);
            let rest = rest(folder);
            (joined(vectors.join()), joined(keywords.join()), rest)
        });
        let (vectors, keywords, rest) = (vectors??, keywords??, rest?);
        let is_whole = vectors.options().dimension == head.embedder.dimension as usize
            && rest.taken.iter().all(|slot| vectors.contains(slot))
            && vectors.len() as u64 == rest.taken.len()
            && keywords.len() as u64 == rest.taken.len();
        if !is_whole {
            return Err(Error::corrupt("the files of the image do not belong together"));
        }
        let Rest { tokens, columns, slots, view, writer, .. } = rest;
        Ok(Self::of(head, scratch, Parts { vectors, keywords, tokens, columns, slots, view, writer }))
    }
}

/// What is made of `tokens` and `documents`.
struct Rest {
    tokens: TokenIndex,
    columns: Columns,
    slots: SlotTable,
    view: View,
    writer: Writer,
    taken: RoaringBitmap,
}

fn rest(folder: &Path) -> Result<Rest> {
    let tokens = TokenIndex::load(take(folder, TOKENS)?).ok_or_else(|| Error::corrupt("load the token codes"))?;
    let documents: Documents<DocumentIn> = rmp_serde::from_slice(&take(folder, DOCUMENTS)?)
        .map_err(|error| Error::corrupt("load the documents").caused_by(error))?;
    let mut slots = SlotTable::with_room(documents.slots)?;
    let (mut columns, mut writer, mut taken) = (Columns::new(), Writer::default(), RoaringBitmap::new());
    let (mut live, mut retired) = (RoaringBitmap::new(), Vec::new());
    for document in documents.documents {
        let DocumentIn { id, head, version, passages, is_live } = document;
        let metadata = serde_json::from_str(&head.metadata)
            .map_err(|error| Error::corrupt("decode a document's metadata").caused_by(error))?;
        let document = Arc::new(IndexedDocument { id, head, metadata, version });
        let own: Vec<u32> = passages.iter().map(|passage| passage.slot).collect();
        for passage in passages {
            let slot = passage.slot;
            if !taken.insert(slot) || slot >= documents.slots {
                return Err(Error::corrupt("a slot of the image is out of range or used twice"));
            }
            slots.put(slot, entry(&document, passage));
        }
        columns.put_all(&own, &filter_fields(&document));
        if is_live {
            live.extend(&own);
            writer.documents.insert(document.id.clone(), (version, own));
        } else {
            retired.extend(own);
        }
    }
    slots.close();
    writer.documents.extend(documents.empty.into_iter().map(|(id, version)| (id, (version, Vec::new()))));
    writer.retired.push((Arc::default(), retired));
    let view = View { live, version: documents.version };
    Ok(Rest { tokens, columns, slots, view, writer, taken })
}

fn entry(document: &Arc<IndexedDocument>, passage: PassageImage) -> SlotEntry {
    SlotEntry {
        document: document.clone(),
        ordinal: passage.ordinal,
        order: order_of(&document.id, passage.ordinal),
        lines: passage.lines,
        text_hash: passage.text,
        embed_hash: passage.embed,
        sketch: passage.sketch,
    }
}

/// The documents behind some slots. Neighbours belong to one document.
fn images<'a>(slots: &'a SlotTable, some: &[u32], is_live: bool) -> Vec<DocumentOut<'a>> {
    let mut images: Vec<DocumentOut<'a>> = Vec::new();
    for &slot in some {
        let Some(entry) = slots.get(slot) else { continue };
        let passage = PassageImage {
            slot,
            ordinal: entry.ordinal,
            lines: entry.lines,
            text: entry.text_hash,
            embed: entry.embed_hash,
            sketch: entry.sketch,
        };
        match images.last_mut() {
            Some(last) if std::ptr::eq(last.head, &raw const entry.document.head) => last.passages.push(passage),
            _ => {
                let IndexedDocument { id, head, version, .. } = &*entry.document;
                images.push(DocumentOut { id, head, version: *version, passages: vec![passage], is_live });
            }
        }
    }
    images
}

fn write(folder: &Path, name: &str, content: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let failed = |error| wrong("write a file of a snapshot").caused_by(error);
    let mut file = BufWriter::new(File::create(folder.join(name)).map_err(failed)?);
    content(&mut file)?;
    file.flush().map_err(failed)
}

/// Maps a file and takes its name away.
fn take(folder: &Path, name: &str) -> Result<Bytes> {
    let path = folder.join(name);
    let map = || {
        let file = File::open(&path)?;
        std::fs::remove_file(&path)?;
        map_unnamed(file)
    };
    map().map_err(|error| wrong("read a file of a snapshot").caused_by(error))
}

fn joined<T>(joined: std::thread::Result<T>) -> Result<T> {
    joined.map_err(|_| Error::internal("loading an image panicked"))
}

fn wrong(action: &str) -> Error {
    Error::internal(action)
}
