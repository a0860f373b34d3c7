//! Rows as the model checker follows them, in the place of `engine/src/vector/rows.rs`: no raw memory, but it is noticed when a row is
//! read before the making of its room, or the writing of its values, is known to have happened.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use loom::cell::UnsafeCell;

use crate::sync::AtomicU32;

/// What rows may consist of.
pub(crate) trait Plain: Sized + Send + Sync + 'static {
    fn zero() -> Self;
}

impl Plain for f32 {
    fn zero() -> Self {
        0.0
    }
}

impl Plain for AtomicU32 {
    fn zero() -> Self {
        Self::new(0)
    }
}

/// One row. Rows and their values are never given back: a check lives for moments.
struct Row<T: 'static> {
    /// Changed when room is made for the row.
    made: UnsafeCell<()>,
    /// Changed when the row is written as a whole.
    written: UnsafeCell<()>,
    values: Mutex<&'static [T]>,
}

/// Rows of `stride` values each.
pub(crate) struct Rows<T: 'static> {
    stride: usize,
    rows: Mutex<Vec<&'static Row<T>>>,
}

impl<T> std::fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("stride", &self.stride).finish_non_exhaustive()
    }
}

/// Nothing here is shared between threads of the system: the checker runs its threads in turn, and never changes them within a lock.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Plain> Rows<T> {
    pub(crate) fn new(stride: usize) -> Self {
        Self { stride, rows: Mutex::default() }
    }

    pub(crate) fn in_folder(stride: usize, _folder: Option<PathBuf>) -> Self {
        Self::new(stride)
    }

    pub(crate) fn ensure(&self, count: usize) {
        let mut rows = open(&self.rows);
        while rows.len() < count {
            let values: Vec<T> = (0..self.stride).map(|_| T::zero()).collect();
            let row =
                Row { made: UnsafeCell::new(()), written: UnsafeCell::new(()), values: Mutex::new(values.leak()) };
            row.made.with_mut(|_| ());
            rows.push(Box::leak(Box::new(row)));
        }
    }

    fn made(&self, index: u32) -> &'static Row<T> {
        let row = open(&self.rows).get(index as usize).copied();
        let row = row.unwrap_or_else(|| panic!("no room was made for row {index}"));
        row.made.with(|_| ());
        row
    }

    pub(crate) fn row(&self, index: u32) -> &[T] {
        let row = self.made(index);
        row.written.with(|_| ());
        *open(&row.values)
    }

    pub(crate) fn write(&self, index: u32, values: &[T])
    where
        T: Copy,
    {
        assert_eq!(values.len(), self.stride, "a row has a fixed length");
        let row = self.made(index);
        row.written.with_mut(|_| ());
        *open(&row.values) = values.to_vec().leak();
    }

    pub(crate) fn prefetch(&self, _index: u32) {}

    pub(crate) fn bytes(&self, _count: usize) -> Bytes {
        Bytes::default()
    }
}

/// How much room something takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bytes(());

impl std::iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(_: I) -> Self {
        Self(())
    }
}

/// The bytes of numbers, to be hashed; never given back either.
pub(crate) fn bytes_of(numbers: &[f32]) -> &'static [u8] {
    Box::leak(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
}
