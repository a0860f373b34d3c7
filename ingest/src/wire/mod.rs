//! The JSON shapes that the gateway and `coditect-ingest` exchange about documents.

mod document;
mod hash;
mod outcome;

pub use document::{BatchRequest, DEFAULT_COLLECTION, DocumentInput, DocumentSummary, kind};
pub use hash::{HashedFields, content_hash, hash_fields};
pub use outcome::{BatchResponse, Problem, WriteOutcome, WriteStatus};
