//! Why something in a tree is not a document.

use std::fmt;
use std::io;

use super::limits::REASON_BYTES;

/// Why a file, link or record was not taken. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// No bytes, or nothing but white space.
    Empty,
    /// Not text; the value says what gave it away.
    Binary(&'static str),
    /// Above the limit. Sizes in bytes.
    TooLarge {
        /// Size of the file or record.
        size: u64,
        /// Largest size that is read.
        limit: u64,
    },
    /// The operating system refuses to read it.
    Unreadable(String),
    /// A pipe, socket or device.
    NotAFile,
    /// A symbolic link that points at nothing, or at itself.
    BrokenLink,
    /// A symbolic link that leaves the tree, or points into a version control folder.
    LinkOutside,
    /// A symbolic link to a folder of the tree, which is walked under its own name.
    LinkToFolder,
    /// A line of a JSONL file that is not a document.
    BadRecord(String),
}

impl SkipReason {
    /// One word for counting: `empty`, `binary`, `too_large`, `unreadable`, `not_a_file`, `link`, `bad_record`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Binary(_) => "binary",
            Self::TooLarge { .. } => "too_large",
            Self::Unreadable(_) => "unreadable",
            Self::NotAFile => "not_a_file",
            Self::BrokenLink | Self::LinkOutside | Self::LinkToFolder => "link",
            Self::BadRecord(_) => "bad_record",
        }
    }

    /// Something readable may be missing from the result: a run that reports it should not end as if all were well.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::BadRecord(_))
    }

    pub(super) fn from_io(error: &io::Error) -> Self {
        Self::Unreadable(shortened(error.to_string()))
    }
}

pub(super) fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REASON_BYTES));
    text
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Binary(sign) => write!(f, "binary ({sign})"),
            Self::TooLarge { size, limit } => write!(f, "too large ({size} bytes, limit {limit})"),
            Self::Unreadable(error) => write!(f, "cannot be read ({error})"),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::BrokenLink => f.write_str("symbolic link to nothing"),
            Self::LinkOutside => f.write_str("symbolic link out of the tree"),
            Self::LinkToFolder => f.write_str("symbolic link to a folder that is walked under its own name"),
            Self::BadRecord(error) => write!(f, "not a document ({error})"),
        }
    }
}
