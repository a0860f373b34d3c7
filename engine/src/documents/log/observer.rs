//! Who wants to add something to the commit of a change, such as an audit log.

use std::fmt;
use std::sync::Arc;

use coditect_store::Transaction;

use super::{Change, Result};
use crate::model::{CollectionName, DocumentId};

/// A change that is about to be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted<'a> {
    /// A collection comes into being.
    CollectionCreated(&'a CollectionName),
    /// A collection's record is another.
    CollectionAltered(&'a CollectionName),
    /// A collection goes with all it holds.
    CollectionDropped(&'a CollectionName),
    /// A document is new, or another.
    DocumentPut(&'a CollectionName, &'a DocumentId),
    /// A document goes.
    DocumentDeleted(&'a CollectionName, &'a DocumentId),
}

type Note = dyn Fn(&Transaction, Noted<'_>) -> std::result::Result<(), coditect_store::Error> + Send + Sync;

/// Adds to the transaction of each change what belongs into the same commit. It is called in each attempt anew, and must not read.
#[derive(Clone)]
pub struct Observer(Arc<Note>);

impl Observer {
    /// An observer that does `note`.
    pub fn new(
        note: impl Fn(&Transaction, Noted<'_>) -> std::result::Result<(), coditect_store::Error> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(note))
    }

    pub(super) fn note(&self, tx: &Transaction, name: &CollectionName, change: &Change) -> Result<()> {
        let noted = match change {
            Change::Created { .. } => Noted::CollectionCreated(name),
            Change::Altered { .. } => Noted::CollectionAltered(name),
            Change::Dropped { .. } => Noted::CollectionDropped(name),
            Change::Put { document, .. } => Noted::DocumentPut(name, document),
            Change::Deleted { document } => Noted::DocumentDeleted(name, document),
        };
        Ok((self.0)(tx, noted)?)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
