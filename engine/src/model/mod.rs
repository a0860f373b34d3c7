//! The data model: tenant, collection, document, passage, and the versions that order their changes.

mod codes;
mod collection;
mod document;
mod ids;
mod version;

pub use coditect_store::TenantId;

pub use codes::{TokenCodes, short_id};
pub use collection::{
    CollectionChange, CollectionHead, CollectionInfo, CollectionSpec, EmbedderInfo, SearchChange, SearchInfo,
    SearchSettings,
};
pub use document::{
    DocumentHead, DocumentState, Failure, NewDocument, NewPassage, Passage, PassageLocation, StoredDocument, TextHash,
    WriteReceipt, WriteStatus,
};
pub use ids::{CollectionId, CollectionName, CollectionRef, DocumentId, Generation};
pub use version::Version;
