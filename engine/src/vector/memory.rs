//! Zeroed memory for the flat arrays: from the heap while small, from the system with huge pages when large, or backed by a file without a
//! name, so that the system can take it back. Or the contents of a file that was written earlier.
#![allow(unsafe_code, reason = "arrays that are read while other parts of them are written need raw memory")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fs::File;
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions, MmapRaw};

use super::limits::{LINE, MAP_FROM};

/// A block of memory that never moves. All its bytes are zero at first, or those of a file.
#[derive(Debug)]
pub(super) enum Memory {
    /// On the heap, aligned to cache lines.
    Heap(NonNull<u8>, Layout),
    /// Mapped from the system.
    Mapped(MmapRaw),
    /// A file, mapped.
    File(MmapRaw),
    /// A part of a map that begins with the contents of a file, from a byte on.
    Part(Arc<MmapRaw>, usize),
}

// SAFETY: the memory belongs to this value alone and may be given back by any thread.
unsafe impl Send for Memory {}
// SAFETY: what is shared gives out its address and nothing else; who reads or writes there has to say why that is right (`Rows`).
unsafe impl Sync for Memory {}

impl Memory {
    /// `bytes` zeroed bytes, more than none; in a file below `folder` when there is one and they are many.
    pub(super) fn zeroed(bytes: usize, folder: Option<&Path>) -> Self {
        if bytes >= MAP_FROM {
            let file = folder.and_then(|folder| in_file(bytes, 0, folder));
            let map = file.map(|map| Self::File(map.into()));
            if let Some(map) = map.or_else(|| anonymous(bytes).map(|map| Self::Mapped(map.into()))) {
                return map;
            }
        }
        let Ok(layout) = Layout::from_size_align(bytes.max(1), LINE) else {
            panic!("a block of {bytes} bytes is beyond what memory can be");
        };
        // SAFETY: the layout has at least one byte.
        match NonNull::new(unsafe { alloc_zeroed(layout) }) {
            Some(start) => Self::Heap(start, layout),
            None => handle_alloc_error(layout),
        }
    }

    pub(super) fn start(&self) -> *mut u8 {
        match self {
            Self::Heap(start, _) => start.as_ptr(),
            Self::Mapped(map) | Self::File(map) => map.as_mut_ptr(),
            Self::Part(map, from) => map.as_mut_ptr().wrapping_add(*from),
        }
    }

    /// Whether the system can take the memory back.
    pub(super) fn is_in_file(&self) -> bool {
        matches!(self, Self::File(_) | Self::Part(..))
    }

    /// Blocks of `sizes` bytes that lie one after the other and begin with `length` bytes of `file` from `offset` on, up to its end; the
    /// rest is zero. What is written to the blocks does not reach the file. Whatever is beyond the file's contents is backed by a file
    /// below `folder` when there is one.
    ///
    /// # Errors
    /// When the system cannot map them, as when `offset` is not a multiple of its pages.
    ///
    /// # Safety
    /// Nobody may change the bytes of the file or cut it off while the blocks live; it may lose its name.
    pub(super) unsafe fn over_file(
        sizes: &[usize],
        folder: Option<&Path>,
        (file, offset, length): (&File, u64, usize),
    ) -> io::Result<Vec<Self>> {
        let total: usize = sizes.iter().sum();
        assert!(length <= total, "blocks have room for what they begin with");
        let map = match folder.and_then(|folder| in_file(total, length, folder)) {
            Some(map) => map,
            None => MmapOptions::new().len(total).no_reserve_swap().map_anon()?,
        };
        let map = Arc::new(MmapRaw::from(map));
        // SAFETY: the pages belong to `map`, nobody has seen them yet, and `length` is within it; unmapping `map` unmaps these too.
        unsafe { overlay(&map, file, offset, length) }?;
        let starts = sizes.iter().scan(0, |next, size| Some(std::mem::replace(next, *next + size)));
        Ok(starts.map(|start| Self::Part(Arc::clone(&map), start)).collect())
    }
}

/// Brings the pages of some mapped bytes to memory; false when the system cannot, or when a disk fails that the bytes come from: using them would
/// then end the process.
///
/// # Safety
/// The bytes are mapped.
pub(super) unsafe fn populate(start: *mut u8, bytes: usize) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{Advice, madvise};
        let before = start.addr() % rustix::param::page_size();
        let (first, length) = (start.wrapping_sub(before), bytes + before);
        // SAFETY: changes nothing in memory; the caller says that it is mapped, as whole pages always are.
        unsafe { madvise(first.cast(), length, Advice::LinuxPopulateRead) }.is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (start, bytes);
        false
    }
}

/// Puts a private map of a part of `file` in the place of the first `length` bytes of `map`.
///
/// # Safety
/// Nobody may have references into that part of `map`.
unsafe fn overlay(map: &MmapRaw, file: &File, offset: u64, length: usize) -> io::Result<()> {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    let (access, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED);
    #[cfg(target_os = "linux")]
    let private = private | MapFlags::NORESERVE;
    // SAFETY: the address range is within `map`, so nothing else is replaced; the caller says that nobody uses it.
    unsafe { mmap(map.as_mut_ptr().cast(), length, access, private, file, offset) }?;
    Ok(())
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Self::Heap(start, layout) = self {
            // SAFETY: allocated in `zeroed` with this layout; `Rows` lends what is in it for no longer than it keeps this.
            unsafe { dealloc(start.as_ptr(), *layout) }
        }
    }
}

/// Huge pages save a walk through the page tables for most of a search's random reads.
fn anonymous(bytes: usize) -> Option<MmapMut> {
    let map = MmapOptions::new().len(bytes).map_anon().ok()?;
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(map)
}

/// Nothing when the file cannot be made: the memory comes from the system then. The bytes before `from` are never used.
fn in_file(bytes: usize, from: usize, folder: &Path) -> Option<MmapMut> {
    let file = reserved(bytes as u64, from as u64, folder).ok()?;
    // SAFETY: the file has no name and its only handle is closed here, so nobody else can change it or cut it off. It is as long as the map.
    unsafe { MmapOptions::new().len(bytes).map_mut(&file) }.ok()
}

/// A file without a name that has its room from `from` on: a write to a map that finds the disk full would end the process.
fn reserved(bytes: u64, from: u64, folder: &Path) -> io::Result<File> {
    let file = tempfile::tempfile_in(folder)?;
    file.set_len(bytes)?;
    #[cfg(target_os = "linux")]
    if from < bytes {
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), from, bytes - from)?;
    }
    Ok(file)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn files_have_their_room_before_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = reserved(8 << 20, 6 << 20, folder.path()).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), 8 << 20);
        assert!((2 << 20..3 << 20).contains(&(metadata.blocks() * 512)), "{} blocks", metadata.blocks());
        assert!(reserved(1 << 60, 0, folder.path()).is_err(), "more than any disk has");
    }
}
