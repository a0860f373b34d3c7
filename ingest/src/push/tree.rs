//! The tree that a run reads, as documents with the ids that they have on the server.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use coditect_ingest::walk::{self, SkipReason, WalkItem, WalkOptions, Walked};
use coditect_ingest::wire::DocumentInput;

/// A folder (or a single file) on this machine, and what its documents are called on the server.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    options: WalkOptions,
    prefix: String,
}

/// Something in the tree.
pub(crate) enum Entry {
    /// A document, ready to be sent.
    Document {
        /// With its id and collection on the server.
        document: Box<DocumentInput>,
        /// What is odd about it.
        warnings: Vec<String>,
    },
    /// A file that is no document.
    Skipped {
        /// Path below the root.
        path: String,
        /// The id of the document that it would be.
        id: String,
        /// Why.
        reason: SkipReason,
    },
}

impl Tree {
    /// A tree whose documents go into `collection`, their ids behind `prefix`; files above `max_bytes` are skipped.
    ///
    /// # Errors
    ///
    /// When there is no such folder or file.
    pub(crate) fn open(root: &Path, collection: String, prefix: String, max_bytes: u64) -> anyhow::Result<Self> {
        let canonical = root.canonicalize().with_context(|| format!("read {}", root.display()))?;
        Ok(Self { root: canonical, options: WalkOptions { collection, max_bytes }, prefix })
    }

    /// The folder or file, as an absolute path.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What the ids of all documents begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Shows everything in the tree to `visit`, one entry after the other, until it has seen enough.
    ///
    /// # Errors
    ///
    /// When the root cannot be read. Whatever is wrong further down is an entry.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(Entry) -> ControlFlow<()>) -> anyhow::Result<()> {
        for item in walk::walk(&self.root, &self.options)? {
            let entry = match item {
                WalkItem::Document(walked) => self.document(*walked),
                WalkItem::Skipped(skipped) => Entry::Skipped {
                    id: format!("{}{}", self.prefix, skipped.path),
                    path: skipped.path,
                    reason: skipped.reason,
                },
            };
            if visit(entry).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn document(&self, walked: Walked) -> Entry {
        let Walked { mut document, mut warnings } = walked;
        if document.collection != self.options.collection {
            let (named, ours) = (&document.collection, &self.options.collection);
            warnings.push(format!("names collection `{named}`; it goes into `{ours}`"));
            document.collection.clone_from(ours);
        }
        document.document_id.insert_str(0, &self.prefix);
        Entry::Document { document: Box::new(document), warnings }
    }
}
