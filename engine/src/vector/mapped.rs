//! Files that are read as memory: the system keeps the parts that are used, and takes the memory back when it is short.
#![allow(unsafe_code, reason = "memory maps need it")]

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The bytes of a file that nobody else can write: a temporary one that has no name, or no longer. The file lives until the last part of the
/// bytes is dropped.
///
/// # Errors
/// When the system cannot map the file, as when the process has too many maps.
pub(crate) fn map_unnamed(file: File) -> io::Result<Bytes> {
    // SAFETY: the callers hand over the only handle of a file that this process made in a folder of its own and that has no name, so its bytes cannot
    // change or go away while they are mapped.
    let map = unsafe { Mmap::map(&file) }?;
    Ok(Bytes::from_owner(map))
}
