//! What can be wrong with an image.

use std::io;
use std::path::{Path, PathBuf};

use super::header::VERSION;

/// Why an image was not written or not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The system refused to read or write.
    #[error("{doing} image {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} does not begin as an image of a vector index does: check the path", path.display())]
    NotAnImage {
        /// The file.
        path: PathBuf,
    },
    /// The image is of another version of the format.
    #[error("image {} is of format version {found}, this program reads version {VERSION}: build the index anew from its vectors", path.display())]
    Version {
        /// The image.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is too short or too long.
    #[error("image {} has {found} bytes instead of {expected}, it was cut off or added to: copy it again or build the index anew", path.display())]
    Length {
        /// The image.
        path: PathBuf,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A checksum is wrong: the file is not as it was written.
    #[error("image {} is damaged in its {section}, at bytes {from} to {to}: copy it again or build the index anew", path.display())]
    Damaged {
        /// The image.
        path: PathBuf,
        /// The part of the image.
        section: &'static str,
        /// The first byte of what is damaged somewhere.
        from: u64,
        /// The byte after it.
        to: u64,
    },
    /// All checksums are right, but the contents cannot be: the program that wrote them was at fault, or they were made to do harm.
    #[error("image {} cannot be right in its {section}, {what}: build the index anew", path.display())]
    Content {
        /// The image.
        path: PathBuf,
        /// The part of the image.
        section: &'static str,
        /// What cannot be.
        what: String,
    },
}

impl ImageError {
    /// For `map_err`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }
}
