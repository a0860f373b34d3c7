//! Images of an index: all of it in one flat file, written at once and read at the speed of the disk.
//!
//! [`VectorIndex::save`] writes the index as it is at one moment; [`VectorIndex::load`] makes the same index of the file again, which answers and
//! changes as the saved one would have. Images of equal indexes are equal byte by byte. Free space in them is zero, so nothing of a removed
//! vector stays.
//!
//! # Format, version 2
//!
//! All numbers are little-endian; `f32` is IEEE 754. The header is the first 4,096 bytes:
//!
//! | byte | type | |
//! |---:|---|---|
//! | 0 | 8 bytes | `89 43 56 49 0D 0A 1A 0A` (`\x89CVI\r\n\x1A\n`) |
//! | 8 | `u32` | version of the format: 2 |
//! | 12 | `u16` | metric: 0 cosine, 1 inner product, 2 Euclidean |
//! | 14 | `u16` | quantization: 0 chosen by the dimension, 1 one bit, 2 eight bits, 3 half precision, 4 none |
//! | 16 | `u64` | length of the file |
//! | 24 | `u64` | seed of the levels and of the codes' rotation |
//! | 32 | `u64` | levels drawn so far |
//! | 40 | `u64` | `exact_below` |
//! | 48 | `u64` | points that the codes' centre was taken of; 0 when there are no codes and no graph yet |
//! | 56 | `u32` | dimension |
//! | 60 | `u32` | `m` |
//! | 64 | `u32` | `ef_construction` |
//! | 68 | `u32` | `ef_search` |
//! | 72 | `u32` | points, free ones included |
//! | 76 | `u32` | slots, empty ones included |
//! | 80 | `u32` | slots that hold a vector |
//! | 84 | `u32` | rows above the ground, free ones included |
//! | 88 | `u32` | ranges of free rows above the ground |
//! | 92 | `u32` | the point where searches start, plus one; 0 when there is none |
//! | 96 | `u32` | its level |
//! | 100 | `u32` | the point whose turn to be looked for comes next |
//! | 104 | `u32` | number of sections: 11 |
//! | 108 | 24 bytes each | the sections: offset (`u64`), rows (`u64`), bytes of a row (`u32`), rows of a chunk (`u32`) |
//! | 372 | `u64` | number of chunks of all sections |
//! | 380 | `u64` | XXH3-64 of the checksums of the chunks |
//! | 388 | | zero |
//! | 4,088 | `u64` | XXH3-64 of the bytes before |
//!
//! From byte 4,096 on stand the checksums of the chunks, a `u64` each: XXH3-64 without a seed, of the chunks of the first section, of the second,
//! and so on. A chunk is as many rows as fit 256 KiB; the last one of a section has what is left. Sections begin at multiples of
//! 4,096 (the vectors, if they are 2 MiB or more, at a multiple of 65,536, so that they can be mapped whatever the size of a page), in this order, with zeros between:
//!
//! | section | rows | a row |
//! |---|---|---|
//! | centre | 1, or 0 without codes | `f32` a dimension: the centre of the codes |
//! | levels | points | `u8`: highest layer of the point, 255 for a free one |
//! | hashes | points | `u64`: XXH3-64 of the vector's bytes, 0 for a free point |
//! | slots | slots | `u32`: the point that the slot stands for, plus one; 0 for none |
//! | free rows | ranges of free rows | `u32` level, `u32` first row, ascending: as many rows as the level says belong to no point |
//! | upper starts | points | `u32`: the point's first row in *upper links*, plus one; 0 for none. A point has a row for each layer above the ground |
//! | upper links | rows above the ground | `m` links, each `u32`: a point plus one, and 2^31 more when the link lasts; the first 0 ends the list, all after it are 0 |
//! | ground links | points, or 0 without codes | `2 m` links of the same kind |
//! | signs | points, or 0 without codes | a bit a dimension of the turned vector (for one bit alone), then four `f32` (see `codes/mod.rs`), then zeros to 16 bytes, 32, or a multiple of 64 |
//! | codes | points, or 0 without codes or quantization | `u8` a dimension of the turned vector, or its half-precision number |
//! | vectors | points | `f32` a dimension: the vector as it is compared |
//!
//! Turned vectors have the dimension rounded up to a multiple of 64. The sections' places follow from the counts, and have to be what follows;
//! they are written out for programs that check an image without knowing its contents. The file ends with its last section.

mod content;
mod error;
mod header;
mod layout;
mod load;
mod read;
mod save;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use self::error::ImageError;
use super::VectorIndex;

const _: () = assert!(cfg!(target_endian = "little"), "arrays are written as they are in memory");

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageInfo {
    /// Length of the file.
    pub bytes: u64,
    /// XXH3-64 of the header, which has checksums of all else: equal for equal images, different for different ones.
    pub checksum: u64,
    /// Slots that hold a vector.
    pub slots: usize,
}

impl VectorIndex {
    /// Writes the index as it is now to `path`, replacing a file there only when all is written and synced: whoever opens `path` sees the old
    /// image or the new one, also after a crash (which may leave a file whose name begins with a dot and ends with `.tmp`). Searches go on
    /// meanwhile, changes wait. Uses rayon's pool, so it must not be called inside a rayon task.
    ///
    /// # Errors
    /// [`ImageError::Io`] when the file cannot be written; what was at `path` is still there then.
    pub fn save(&self, path: &Path) -> Result<ImageInfo, ImageError> {
        save::save(self, path)
    }

    /// Loads the image at `path`. All of it is read and checked; what walks need is copied to memory, and the vectors stay in the file, mapped: it may
    /// be removed or replaced by another while the index lives, but **must never be changed in place or cut off**, which would end the process.
    /// Vectors that come later are in files below `folder`, if it is given ([`VectorOptions::folder`](super::VectorOptions::folder)).
    ///
    /// The tables that only changes need are built by the first change, which takes longer for it.
    ///
    /// # Errors
    /// When the file cannot be read, is no image, is of another version, was cut off, or is damaged in any way. Whatever the file holds, this
    /// neither panics nor makes an index that could.
    pub fn load(path: &Path, folder: Option<PathBuf>) -> Result<Self, ImageError> {
        load::load(path, folder)
    }
}
