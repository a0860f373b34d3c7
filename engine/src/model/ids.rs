//! Identifiers as types: a collection's name, a document's id, and the generation of its passages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::limits;

/// A collection's name within its tenant. Same alphabet as [`TenantId`](coditect_store::TenantId).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectionName(String);

/// A collection as a tenant refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CollectionRef {
    /// One of its own.
    Own(CollectionName),
    /// One that is shared with all tenants; written with [`CollectionRef::SHARED`] in front.
    Shared(CollectionName),
}

/// The caller's stable name of a document within its collection; any text without NUL, 1 to 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(String);

/// The identity of a collection across renames and re-creation: a name can come back, an id never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CollectionId(pub(crate) Uuid);

/// One complete set of passages of a document. A document's head names the generation that is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub(crate) Uuid);

impl CollectionName {
    /// Checks and wraps a collection's name.
    ///
    /// # Errors
    /// `Invalid` at `/collection` for an empty, long, or oddly spelled name.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        coditect_store::check_name("a collection name", &name)
            .map_err(|error| Error::invalid("/collection", error.to_string()))?;
        Ok(Self(name))
    }
}

impl CollectionRef {
    /// What stands before the name of a shared collection. No collection's name has a colon.
    pub const SHARED: &str = "shared:";

    /// The name within its tenant.
    pub fn name(&self) -> &CollectionName {
        match self {
            Self::Own(name) | Self::Shared(name) => name,
        }
    }
}

impl FromStr for CollectionRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.strip_prefix(Self::SHARED) {
            Some(name) => CollectionName::new(name).map(Self::Shared),
            None => CollectionName::new(text).map(Self::Own),
        }
    }
}

impl fmt::Display for CollectionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(name) => name.fmt(f),
            Self::Shared(name) => write!(f, "{}{name}", Self::SHARED),
        }
    }
}

impl From<CollectionName> for CollectionRef {
    fn from(name: CollectionName) -> Self {
        Self::Own(name)
    }
}

impl DocumentId {
    /// Checks and wraps a document's id.
    ///
    /// # Errors
    /// `Invalid` at `/document_id` when it is empty, has a NUL, or is longer than 1,024 bytes.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        if id.is_empty() || id.len() > limits::DOCUMENT_ID_BYTES {
            let limit = limits::DOCUMENT_ID_BYTES;
            return Err(Error::invalid("/document_id", format!("a document id must be 1 to {limit} bytes long")));
        }
        if id.contains('\0') {
            return Err(Error::invalid("/document_id", "a document id must not contain NUL"));
        }
        Ok(Self(id))
    }
}

macro_rules! text_id {
    ($type:ty) => {
        impl $type {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(CollectionName);
text_id!(DocumentId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_paths_are_refused() {
        for name in ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "ü", "a\0", &"x".repeat(65)] {
            assert!(CollectionName::new(name).is_err(), "{name:?}");
        }
        for name in ["docs", "docs-2.1", "_shared", "A9"] {
            assert_eq!(CollectionName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn document_ids_take_any_text_but_nul() {
        for id in ["a/b.md", "a:b%20!", "日本語", "..", &"x".repeat(1_024)] {
            assert!(DocumentId::new(id).is_ok(), "{id:?}");
        }
        for id in ["", "a\0b", &"x".repeat(1_025)] {
            assert!(DocumentId::new(id).is_err(), "{id:?}");
        }
    }
}
