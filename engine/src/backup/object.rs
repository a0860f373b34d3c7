//! What is kept of collections and documents in the bucket: JSON, with a hash by which damage is noticed.
//!
//! An object is `{"format": 1, "blake3": "…", "content": {…}}`, where the hash is of the content's bytes as they stand. Vectors are little-endian `f32` and
//! token codes their stored bytes, both in base64: what is restored is what was there, without embedding it again.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::documents::read::Whole;
use crate::documents::write::Origin;
use crate::error::{Error, Result};
use crate::model::{
    CollectionHead, CollectionId, CollectionName, DocumentId, EmbedderInfo, NewDocument, NewPassage, PassageLocation,
    SearchSettings, TenantId, TokenCodes, Version,
};
use crate::vector::Quantization;

/// The format this code writes.
pub(super) const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Sealed {
    format: u32,
    blake3: String,
    content: Box<RawValue>,
}

/// Something that is kept in an object of its own.
pub(super) trait Kept: Serialize + DeserializeOwned {
    /// The commit that made it so.
    fn version(&self) -> Version;
}

/// A collection's record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CollectionObject {
    pub(super) tenant: TenantId,
    pub(super) name: CollectionName,
    /// The newest version at which it was known to be so when it was kept.
    pub(super) version: Version,
    description: String,
    embedder: EmbedderInfo,
    tokens: Option<EmbedderInfo>,
    quantization: Quantization,
    search: SearchSettings,
    created_at: Timestamp,
}

/// A document with all that was stored of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DocumentObject {
    pub(super) tenant: TenantId,
    pub(super) collection: CollectionName,
    pub(super) document_id: DocumentId,
    pub(super) version: Version,
    kind: String,
    language: Option<String>,
    title: String,
    source: String,
    metadata: Box<RawValue>,
    content_hash: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    text: String,
    passages: Vec<PassageObject>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PassageObject {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_text: Option<String>,
    heading_path: Vec<String>,
    bytes: [u64; 2],
    lines: [u32; 2],
    embed_hash: String,
    vector: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<String>,
}

/// The bytes of an object.
pub(super) fn seal(content: &impl Kept) -> Result<Bytes> {
    let failed = |error| Error::internal("encode an object of the backup").caused_by(error);
    let content = serde_json::value::to_raw_value(content).map_err(failed)?;
    let blake3 = hash(&content);
    Ok(serde_json::to_vec(&Sealed { format: FORMAT, blake3, content }).map_err(failed)?.into())
}

/// What an object holds.
///
/// # Errors
/// `Corrupt` when it is not what was written.
pub(super) fn open<T: Kept>(bytes: &[u8]) -> Result<T> {
    let sealed = sealed(bytes)?;
    serde_json::from_str(sealed.content.get()).map_err(|error| Error::corrupt("decode its content").caused_by(error))
}

/// The hash by which two objects are known to hold the same.
///
/// # Errors
/// As [`open`].
pub(super) fn hash_of(bytes: &[u8]) -> Result<String> {
    Ok(sealed(bytes)?.blake3)
}

fn sealed(bytes: &[u8]) -> Result<Sealed> {
    let sealed: Sealed =
        serde_json::from_slice(bytes).map_err(|error| Error::corrupt("decode the JSON").caused_by(error))?;
    if sealed.format != FORMAT {
        let format = sealed.format;
        return Err(Error::corrupt(format!("it has format {format}, this version reads format {FORMAT}")));
    }
    match hash(&sealed.content) {
        found if found == sealed.blake3 => Ok(sealed),
        found => Err(Error::corrupt(format!("the BLAKE3 of its content is {found} instead of {}", sealed.blake3))),
    }
}

fn hash(content: &RawValue) -> String {
    blake3::hash(content.get().as_bytes()).to_hex().to_string()
}

impl Kept for CollectionObject {
    fn version(&self) -> Version {
        self.version
    }
}

impl Kept for DocumentObject {
    fn version(&self) -> Version {
        self.version
    }
}

impl CollectionObject {
    pub(super) fn new(tenant: &TenantId, name: &CollectionName, head: &CollectionHead, version: Version) -> Self {
        let CollectionHead { description, embedder, tokens, .. } = head.clone();
        Self {
            tenant: tenant.clone(),
            name: name.clone(),
            version,
            description,
            embedder,
            tokens,
            quantization: head.quantization,
            search: head.search,
            created_at: head.created_at,
        }
    }

    /// Whether it says the same but for the version.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let said = |it: &Self| serde_json::to_value(Self { version: Version::ZERO, ..it.clone() }).ok();
        said(self) == said(other)
    }

    /// The record of a new collection like it.
    pub(super) fn head(self, id: CollectionId) -> CollectionHead {
        let Self { description, embedder, tokens, quantization, search, created_at, .. } = self;
        CollectionHead { id, description, embedder, tokens, quantization, search, created_at }
    }
}

impl DocumentObject {
    pub(super) fn new(
        tenant: &TenantId,
        collection: &CollectionName,
        id: &DocumentId,
        whole: Whole,
        text: String,
    ) -> Result<Self> {
        let Whole { head, version, passages, mut codes } = whole;
        let metadata = RawValue::from_string(head.metadata)
            .map_err(|error| Error::corrupt("decode a document's metadata").caused_by(error))?;
        let passages = passages.into_iter().map(|indexed| {
            let codes = codes.remove(&indexed.ordinal);
            let vector: Vec<u8> = indexed.vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            let PassageLocation { heading_path, bytes, lines } = indexed.passage.location;
            PassageObject {
                text: indexed.passage.text,
                index_text: indexed.passage.index_text,
                heading_path,
                bytes: [bytes.start, bytes.end],
                lines: lines.into(),
                embed_hash: indexed.passage.embed_hash.to_string(),
                vector: BASE64_STANDARD.encode(vector),
                codes: codes.map(|codes| BASE64_STANDARD.encode(codes.as_bytes())),
            }
        });
        Ok(Self {
            tenant: tenant.clone(),
            collection: collection.clone(),
            document_id: id.clone(),
            version,
            kind: head.kind,
            language: head.language,
            title: head.title,
            source: head.source,
            metadata,
            content_hash: head.content_hash,
            created_at: head.created_at,
            updated_at: head.updated_at,
            text,
            passages: passages.collect(),
        })
    }

    /// Number of passages.
    pub(super) fn passages(&self) -> usize {
        self.passages.len()
    }

    /// The document as it is written, and when it was.
    pub(super) fn into_new(self) -> Result<(NewDocument, Origin)> {
        let metadata = serde_json::from_str(self.metadata.get())
            .map_err(|error| Error::corrupt("decode its metadata").caused_by(error))?;
        let passages = self.passages.into_iter().map(PassageObject::into_new).collect::<Result<_>>()?;
        let origin = Origin { version: self.version, created_at: self.created_at, updated_at: self.updated_at };
        let document = NewDocument {
            id: self.document_id,
            kind: self.kind,
            language: self.language,
            title: self.title,
            source: self.source,
            metadata,
            content_hash: self.content_hash,
            text: self.text,
            passages,
        };
        Ok((document, origin))
    }
}

impl PassageObject {
    fn into_new(self) -> Result<NewPassage> {
        let vector = decoded(&self.vector, "vector")?;
        let (floats, rest) = vector.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(Error::corrupt("decode the vector of a passage"));
        }
        let codes = self.codes.map(|codes| decoded(&codes, "token codes")).transpose()?;
        let codes = codes.map(|bytes| TokenCodes::from_bytes(bytes.into()));
        Ok(NewPassage {
            index_text: self.index_text.unwrap_or_else(|| self.text.clone()),
            text: self.text,
            location: PassageLocation {
                heading_path: self.heading_path,
                bytes: self.bytes[0]..self.bytes[1],
                lines: self.lines.into(),
            },
            embed_hash: self.embed_hash.parse()?,
            vector: floats.iter().map(|x| f32::from_le_bytes(*x)).collect(),
            codes: codes
                .map(|codes| codes.ok_or_else(|| Error::corrupt("decode the token codes of a passage")))
                .transpose()?,
        })
    }
}

fn decoded(text: &str, what: &str) -> Result<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(text);
    bytes.map_err(|error| Error::corrupt(format!("decode the {what} of a passage")).caused_by(error))
}
