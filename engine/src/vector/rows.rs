//! A flat array of rows of equal length that grows without moving: block after block, each as large as all before it.
#![allow(unsafe_code, reason = "arrays that are read while other parts of them are written need raw memory")]

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::PathBuf;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::limits::{FIRST_ROWS, LINE, MAX_SLOTS};
use super::memory::{Memory, populate};

/// Blocks that hold [`MAX_SLOTS`] rows.
const BLOCKS: usize = (MAX_SLOTS.ilog2() - FIRST_ROWS.ilog2() + 1) as usize;

/// Rows that all blocks together have.
pub(super) const MOST_ROWS: usize = (FIRST_ROWS << BLOCKS) - FIRST_ROWS;

/// What rows may consist of.
///
/// # Safety
/// Any bytes are a value, and values need no alignment beyond [`LINE`] and nothing to be done when they go.
pub(super) unsafe trait Plain: Sized {}
// SAFETY: a number of one byte.
unsafe impl Plain for u8 {}
// SAFETY: any four bytes are a number.
unsafe impl Plain for f32 {}
// SAFETY: two bytes that are any number of half precision.
unsafe impl Plain for simsimd::f16 {}
// SAFETY: as a number of four bytes, which it is in memory.
unsafe impl Plain for AtomicU32 {}

/// Rows of `stride` values each, addressed by number. Rows below the number last made room for can be read by anyone at any time;
/// what may be written, and when, is for [`Rows::write`] to say.
#[derive(Debug)]
pub(super) struct Rows<T> {
    stride: usize,
    folder: Option<PathBuf>,
    blocks: [OnceLock<Memory>; BLOCKS],
    /// Where each block begins, for those that look rows up; null for one that is not there yet.
    starts: [AtomicPtr<u8>; BLOCKS],
    values: PhantomData<T>,
}

impl<T: Plain> Rows<T> {
    pub(super) fn new(stride: usize) -> Self {
        let starts = [const { AtomicPtr::new(ptr::null_mut()) }; BLOCKS];
        Self { stride, folder: None, blocks: [const { OnceLock::new() }; BLOCKS], starts, values: PhantomData }
    }

    /// Rows whose memory is backed by files below `folder`, when there are many.
    pub(super) fn in_folder(stride: usize, folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::new(stride) }
    }

    /// Values of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Makes rows `0..count` addressable; new ones are zero.
    pub(super) fn ensure(&self, count: usize) {
        let Some(last) = count.checked_sub(1) else { return };
        for (number, block) in self.blocks.iter().enumerate().take(place(last).0 + 1) {
            let bytes = rows_of(number).saturating_mul(self.bytes_of_row());
            let block = block.get_or_init(|| Memory::zeroed(bytes, self.folder.as_deref()));
            self.starts[number].store(block.start(), Ordering::Release);
        }
    }

    /// # Panics
    /// When no room was made for the row.
    #[inline]
    pub(super) fn row(&self, index: u32) -> &[T] {
        // SAFETY: the row is within its block (see `start`), which lives as long as this and begins at a multiple of `LINE`; any bytes are values
        // (`Plain`). Numbers that are not atomic change in `write` alone, whose callers keep readers away.
        unsafe { std::slice::from_raw_parts(self.start(index), self.stride) }
    }

    /// Overwrites a row.
    ///
    /// # Safety
    /// Nobody may read or write the row meanwhile: it was not yet published to readers, or all that could see it are gone.
    pub(super) unsafe fn write(&self, index: u32, values: &[T])
    where
        T: Copy,
    {
        assert_eq!(values.len(), self.stride, "a row has a fixed length");
        // SAFETY: source and row have `stride` values, and a row that nobody reads is not what `values` borrows; the caller keeps others
        // away from the row.
        unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.start(index), self.stride) }
    }

    /// The bytes of `rows`, which room was made for, in pieces of whole rows.
    ///
    /// # Safety
    /// Nobody may write the rows while the pieces are used.
    pub(super) unsafe fn bytes_of(&self, rows: Range<usize>) -> impl Iterator<Item = &[u8]> {
        // SAFETY: each piece is within its block; the caller keeps writers away.
        self.pieces(rows).map(|(start, bytes)| unsafe { std::slice::from_raw_parts(start, bytes) })
    }

    /// The same to be written.
    ///
    /// # Safety
    /// Nobody else may read or write the rows while the pieces are used.
    pub(super) unsafe fn bytes_of_mut(&self, rows: Range<usize>) -> impl Iterator<Item = &mut [u8]> {
        // SAFETY: each piece is within its block, and they do not overlap; the caller keeps all others away.
        self.pieces(rows).map(|(start, bytes)| unsafe { std::slice::from_raw_parts_mut(start, bytes) })
    }

    /// Starts and lengths in bytes of the pieces that `rows` consist of.
    fn pieces(&self, rows: Range<usize>) -> impl Iterator<Item = (*mut u8, usize)> {
        let mut next = rows.start;
        std::iter::from_fn(move || {
            let (block, row) = place(next);
            let count = (rows_of(block) - row).min(rows.end.saturating_sub(next));
            let start = (count > 0).then(|| self.start(next as u32).cast::<u8>())?;
            next += count;
            Some((start, count * self.bytes_of_row()))
        })
    }

    /// Lets the first `count` rows, more than none, be those that `file` has from byte `offset` to its end. Rows beyond are zero; rows that
    /// are written later do not reach the file.
    ///
    /// # Errors
    /// When the system cannot map the file.
    ///
    /// # Safety
    /// Nobody may change the bytes of the file or cut it off as long as the rows live; it may lose its name.
    pub(super) unsafe fn map(&mut self, count: usize, file: &File, offset: u64) -> io::Result<()> {
        let sizes = (0..=place(count - 1).0).map(|number| rows_of(number) * self.bytes_of_row());
        let (sizes, length): (Vec<usize>, _) = (sizes.collect(), count * self.bytes_of_row());
        // SAFETY: as the caller says.
        let blocks = unsafe { Memory::over_file(&sizes, self.folder.as_deref(), (file, offset, length)) }?;
        for (number, block) in blocks.into_iter().enumerate() {
            self.starts[number] = AtomicPtr::new(block.start());
            self.blocks[number] = OnceLock::from(block);
        }
        Ok(())
    }

    /// Brings rows that [`Rows::map`] gave to memory; false when that is not possible.
    pub(super) fn populate(&self, rows: Range<usize>) -> bool {
        // SAFETY: rows are in memory of theirs, mapped or not: the call fails if not.
        self.pieces(rows).all(|(start, bytes)| unsafe { populate(start, bytes) })
    }

    /// Asks for a row to be brought to the nearest cache; any number is allowed.
    #[inline]
    pub(super) fn prefetch(&self, index: u32) {
        let (block, row) = place(index as usize);
        let bytes = self.bytes_of_row();
        // Where there is no block the hint is for an address that nothing lies at.
        let start = self.starts.get(block).map_or(ptr::null_mut(), |start| start.load(Ordering::Acquire));
        for line in (0..bytes).step_by(LINE) {
            prefetch(start.wrapping_add(row * bytes + line));
        }
    }

    #[inline]
    fn start(&self, index: u32) -> *mut T {
        let (block, row) = place(index as usize);
        let start = self.starts[block].load(Ordering::Acquire);
        if start.is_null() {
            missing(index);
        }
        // SAFETY: `starts` has the beginning of the block of this number, which lives as long as this; `row` is below `rows_of(block)`, and `ensure` and
        // `map` make blocks of that many rows, so this stays within it. `Acquire` meets the `Release` after the block was made.
        unsafe { start.cast::<T>().add(row * self.stride) }
    }

    pub(super) fn bytes_of_row(&self) -> usize {
        self.stride * size_of::<T>()
    }

    /// Bytes that the first `count` rows take, in memory and in files.
    pub(super) fn bytes(&self, count: usize) -> Bytes {
        let mut bytes = Bytes::default();
        for (number, block) in self.blocks.iter().enumerate() {
            let before = rows_of(number) - FIRST_ROWS;
            let rows = count.saturating_sub(before).min(rows_of(number));
            let is_in_file = block.get().is_some_and(Memory::is_in_file);
            *if is_in_file { &mut bytes.files } else { &mut bytes.memory } += rows * self.bytes_of_row();
        }
        bytes
    }
}

/// How much room something takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) memory: usize,
    /// In files that are mapped: the system takes their memory back when it is short.
    pub(super) files: usize,
}

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let add = |a: Self, b: Self| Self { memory: a.memory + b.memory, files: a.files + b.files };
        all.fold(Self::default(), add)
    }
}

/// The bytes of numbers, as they are in memory.
pub(super) fn bytes_of(numbers: &[f32]) -> &[u8] {
    // SAFETY: the same memory, and any bytes are valid.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// Block of a row and its number there.
#[inline]
fn place(index: usize) -> (usize, usize) {
    let shifted = index + FIRST_ROWS;
    let block = shifted.ilog2() - FIRST_ROWS.ilog2();
    (block as usize, shifted - (FIRST_ROWS << block))
}

fn rows_of(block: usize) -> usize {
    FIRST_ROWS << block
}

#[cold]
fn missing(index: u32) -> ! {
    panic!("no room was made for row {index}")
}

#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which never faults whatever the address.
    unsafe {
        std::arch::x86_64::_mm_prefetch(address.cast(), std::arch::x86_64::_MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_values_while_growing() {
        let folder = tempfile::tempdir().unwrap();
        for rows in [Rows::<f32>::new(300), Rows::in_folder(300, Some(folder.path().to_owned()))] {
            for count in [1, 2, 63, 64, 65, 1_000, 5_000] {
                rows.ensure(count);
                let last = count as u32 - 1;
                // SAFETY: this thread alone knows the rows.
                unsafe { rows.write(last, &[last as f32; 300]) };
            }
            for last in [0, 1, 62, 63, 64, 999, 4_999] {
                assert_eq!(rows.row(last), [last as f32; 300]);
            }
            assert_eq!(rows.row(3_000), [0.0; 300]);
            assert!(rows.row(0).as_ptr().addr().is_multiple_of(LINE));
            rows.prefetch(u32::MAX);
        }
    }

    #[test]
    fn rows_begin_with_those_of_a_file_and_leave_it_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let old = vec![7_u8; 4_096 + 1_000 * 300 * 4];
        let path = folder.path().join("old");
        std::fs::write(&path, &old).unwrap();
        for folder in [None, Some(folder.path().to_owned())] {
            let mut rows = Rows::<f32>::in_folder(300, folder);
            // SAFETY: nobody else knows the file.
            unsafe { rows.map(1_000, &File::open(&path).unwrap(), 4_096) }.unwrap();
            rows.ensure(3_000);
            // SAFETY: this thread alone knows the rows.
            unsafe { [5, 999, 1_000, 2_999].into_iter().for_each(|row| rows.write(row, &[1.0; 300])) };
            let seven = f32::from_le_bytes([7; 4]);
            assert!([0, 4, 6, 998].into_iter().all(|row| rows.row(row) == [seven; 300]));
            assert!([5, 999, 1_000, 2_999].into_iter().all(|row| rows.row(row) == [1.0; 300]));
            assert!([1_001, 1_983, 1_984, 2_998].into_iter().all(|row| rows.row(row) == [0.0; 300]));
            // SAFETY: as above.
            let pieces: Vec<usize> = unsafe { rows.bytes_of(60..1_000) }.map(<[u8]>::len).collect();
            assert_eq!(pieces, [4, 128, 256, 512, 40].map(|rows| rows * 1_200));
            assert!(rows.bytes(1_000).files > 0);
        }
        assert!(std::fs::read(&path).unwrap() == old);
    }

    #[test]
    fn places_are_consecutive() {
        let all: Vec<(usize, usize)> = (0..10_000).map(place).collect();
        assert_eq!((all[0], all[63], all[64], all[191], all[192]), ((0, 0), (0, 63), (1, 0), (1, 127), (2, 0)));
        assert!(all.iter().all(|&(block, row)| row < rows_of(block)));
        assert_eq!(place(MAX_SLOTS as usize - FIRST_ROWS - 1).0, BLOCKS - 2);
        assert!(place(MAX_SLOTS as usize - 1).0 < BLOCKS);
        assert_eq!((place(MOST_ROWS - 1).0, place(MOST_ROWS).0), (BLOCKS - 1, BLOCKS));
    }
}
