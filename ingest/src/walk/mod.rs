//! Walks a tree of files and yields its documents one at a time: what is readable becomes a
//! [`DocumentInput`], and everything else is reported with the reason. Nothing stops a walk.

mod decode;
mod ids;
pub mod limits;
mod reason;
mod records;
mod tree;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use decode::{Decoded, decode};
pub use ids::{document_id, path_of};
pub use reason::SkipReason;

use self::records::Records;
use self::tree::{Entry, Tree};
use crate::split::{Format, kind_of};
use crate::wire::{DEFAULT_COLLECTION, DocumentInput};

/// What to walk and how.
#[derive(Clone, Debug)]
pub struct WalkOptions {
    /// Collection of documents that do not name one themselves.
    pub collection: String,
    /// Largest file, or line of a JSONL file of documents, that is read, in bytes.
    pub max_bytes: u64,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { collection: DEFAULT_COLLECTION.to_owned(), max_bytes: limits::FILE_BYTES }
    }
}

/// What the walk found.
#[derive(Clone, Debug, PartialEq)]
pub enum WalkItem {
    /// A readable file, or a record of a JSONL file.
    Document(Box<Walked>),
    /// Something that is not a document.
    Skipped(Skipped),
}

/// A document of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    /// The document, with `kind` set from its path.
    pub document: DocumentInput,
    /// What had to be replaced to make text of it.
    pub warnings: Vec<String>,
}

/// Something that was left out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Path below the root as a document id; for a record of a JSONL file followed by `:` and its line.
    pub path: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why a walk cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The root does not exist or cannot be read.
    #[error("open {path}")]
    Root {
        /// The root as it was given.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Walks the tree under `root`, or a single file.
///
/// Folders are walked depth first, in the byte order of their names, hidden ones included; the folders of
/// version control are left out, and so is what `.gitignore` (inside a repository or not) and
/// `.coditectignore` exclude. A symbolic link is read when it leads to a file of the tree, and is never
/// followed to a folder or out of the tree. Files are read one at a time, as the iterator is advanced.
///
/// # Errors
/// [`WalkError::Root`] when there is no such root. Whatever is wrong further down is an item of the walk.
pub fn walk(root: &Path, options: &WalkOptions) -> Result<Walk, WalkError> {
    let tree = Tree::open(root).map_err(|source| WalkError::Root { path: root.to_owned(), source })?;
    Ok(Walk { tree, options: options.clone(), records: None })
}

/// A walk under way. See [`walk`].
pub struct Walk {
    tree: Tree,
    options: WalkOptions,
    records: Option<Records>,
}

impl Iterator for Walk {
    type Item = WalkItem;

    fn next(&mut self) -> Option<WalkItem> {
        loop {
            if let Some(item) = self.records.as_mut().and_then(Records::next) {
                return Some(item);
            }
            self.records = None;
            let skipped = match self.tree.next()? {
                Entry::Skipped(skipped) => skipped,
                Entry::File { path, id } => match self.file(&path, &id) {
                    Ok(Some(walked)) => return Some(WalkItem::Document(Box::new(walked))),
                    Ok(None) => continue,
                    Err(reason) => Skipped { path: id, reason },
                },
            };
            return Some(WalkItem::Skipped(skipped));
        }
    }
}

impl Walk {
    /// Reads a file. Nothing means that it holds records, which come next.
    fn file(&mut self, path: &Path, id: &str) -> Result<Option<Walked>, SkipReason> {
        let mut file = File::open(path).map_err(|error| SkipReason::from_io(&error))?;
        if is_jsonl(id) {
            let opened = Records::open(file, id, self.options.max_bytes, &self.options.collection);
            match opened.map_err(|error| SkipReason::from_io(&error))? {
                Ok(records) => {
                    self.records = Some(records);
                    return Ok(None);
                }
                Err(plain) => file = plain,
            }
        }
        let bytes = read(&file, self.options.max_bytes)?;
        let Decoded { text, warnings } = decode(&bytes)?;
        let mut document = DocumentInput::new(id, text);
        document.collection.clone_from(&self.options.collection);
        document.kind = Some(kind_of(id, Format::detect(id, &document.text)).to_owned());
        Ok(Some(Walked { document, warnings }))
    }
}

fn is_jsonl(id: &str) -> bool {
    let ends_with = |ending: &str| {
        id.len() > ending.len() && id.as_bytes()[id.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
    };
    ends_with(".jsonl") || ends_with(".ndjson")
}

fn read(file: &File, limit: u64) -> Result<Vec<u8>, SkipReason> {
    let too_large = |size: u64| SkipReason::TooLarge { size, limit };
    let size = file.metadata().map_err(|error| SkipReason::from_io(&error))?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // The file may grow while it is read.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| SkipReason::from_io(&error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}
