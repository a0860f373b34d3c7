//! Documents and passages: as written, as stored, and as read back.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::codes::TokenCodes;
use super::ids::{DocumentId, Generation};
use super::version::Version;
use crate::error::Error;

/// A 128-bit BLAKE3 hash of a text: equal texts have equal hashes, and nothing else does in practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextHash(#[serde(with = "hash_bytes")] [u8; 16]);

mod hash_bytes {
    //! MessagePack stores the hash as 16 bytes instead of a list of numbers.
    use serde::{Deserializer, Serializer, de::Error, de::Visitor};

    pub(super) fn serialize<S: Serializer>(hash: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(hash)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = [u8; 16];
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl TextHash {
    /// The hash of `text`.
    pub fn of(text: &str) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Self(hash)
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for TextHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let number = number.ok_or_else(|| Error::corrupt("a hash of a text is 32 hexadecimal digits"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Where a passage stands in its document, and under which headings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageLocation {
    /// Headings from the outermost to the nearest.
    pub heading_path: Vec<String>,
    /// Byte range in the source text.
    pub bytes: Range<u64>,
    /// First and last line in the source text, 1-based, inclusive; `\n` alone ends a line.
    pub lines: (u32, u32),
}

/// A passage as a caller writes it.
#[derive(Debug, Clone)]
pub struct NewPassage {
    /// The text that is shown.
    pub text: String,
    /// The text that is searched: `text` without its markup.
    pub index_text: String,
    /// Where it stands.
    pub location: PassageLocation,
    /// Hash of the text that was embedded, by which copies share one embedding.
    pub embed_hash: TextHash,
    /// Its embedding.
    pub vector: Vec<f32>,
    /// Its tokens, where the collection holds them.
    pub codes: Option<TokenCodes>,
}

/// A document as a caller writes it, cut into passages and embedded.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// The caller's name for it.
    pub id: DocumentId,
    /// `documentation`, `code`, `agent_template`, or free.
    pub kind: String,
    /// Programming language, in small letters; `None` for prose.
    pub language: Option<String>,
    /// Title for people and for the keyword index.
    pub title: String,
    /// Path or URL.
    pub source: String,
    /// Free JSON object, filterable.
    pub metadata: Map<String, Value>,
    /// Hash over everything that decides what is stored; the same hash means nothing to do.
    pub content_hash: String,
    /// The whole source text.
    pub text: String,
    /// The passages, in order.
    pub passages: Vec<NewPassage>,
}

/// A document's record in the store. Its commit version stands behind the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentHead {
    /// `documentation`, `code`, `agent_template`, or free.
    pub kind: String,
    /// Programming language; `None` for prose.
    pub language: Option<String>,
    /// Title.
    pub title: String,
    /// Path or URL.
    pub source: String,
    /// Free JSON object, as text: MessagePack would not keep all numbers as they were written.
    pub metadata: String,
    /// Hash over everything that decides what is stored.
    pub content_hash: String,
    /// The visible generation of passages.
    pub generation: Generation,
    /// How many passages it has.
    pub passages: u32,
    /// Length of the source text in bytes.
    pub bytes: u64,
    /// First write of this document id since it last did not exist.
    pub created_at: Timestamp,
    /// Last write that changed something.
    pub updated_at: Timestamp,
}

/// A passage as read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// The text that is shown.
    pub text: String,
    /// The text that is searched; `None` when it equals `text`.
    pub index_text: Option<String>,
    /// Where it stands.
    pub location: PassageLocation,
    /// Hash of the text that was embedded.
    pub embed_hash: TextHash,
}

impl Passage {
    /// The text that is searched.
    pub fn searched(&self) -> &str {
        self.index_text.as_deref().unwrap_or(&self.text)
    }
}

/// A document as read back.
#[derive(Debug, Clone)]
pub struct StoredDocument {
    /// The caller's name for it.
    pub id: DocumentId,
    /// Its record.
    pub head: DocumentHead,
    /// The commit that made this state.
    pub version: Version,
}

/// Why the last write of a document failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error, for people.
    pub error: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Which documents a listing shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DocumentState {
    /// Documents that are stored.
    #[default]
    Stored,
    /// Documents whose last write failed.
    Failed,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStatus {
    /// The document is new.
    Created,
    /// The document replaced its earlier self.
    Updated,
    /// The same content was there already; nothing was written.
    Unchanged,
}

/// The answer to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteReceipt {
    /// What it did.
    pub status: WriteStatus,
    /// The version that shows it.
    pub version: Version,
    /// How many passages the document has.
    pub passages: u32,
}
