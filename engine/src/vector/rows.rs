//! A flat array of rows of equal length, in blocks, so that growing never copies what is already there.

use super::limits::BLOCK_ROWS;

/// Rows of `stride` values each, addressed by number.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    stride: usize,
    blocks: Vec<Vec<T>>,
}

impl<T: Copy + Default> Rows<T> {
    pub(crate) fn new(stride: usize) -> Self {
        Self { stride, blocks: Vec::new() }
    }

    /// Makes rows `0..count` addressable; new ones are filled with the default value.
    pub(crate) fn ensure(&mut self, count: usize) {
        let blocks = count.div_ceil(BLOCK_ROWS);
        for block in self.blocks.len().saturating_sub(1)..blocks {
            let rows = (count - block * BLOCK_ROWS).min(BLOCK_ROWS);
            if block == self.blocks.len() {
                // The first block grows as needed (most collections are small); later ones come whole.
                let capacity = if block == 0 { 0 } else { BLOCK_ROWS * self.stride };
                self.blocks.push(Vec::with_capacity(capacity));
            }
            if self.blocks[block].len() < rows * self.stride {
                self.blocks[block].resize(rows * self.stride, T::default());
            }
        }
    }

    #[inline]
    pub(crate) fn row(&self, index: u32) -> &[T] {
        let (block, start) = self.place(index);
        &self.blocks[block][start..start + self.stride]
    }

    #[inline]
    pub(crate) fn row_mut(&mut self, index: u32) -> &mut [T] {
        let (block, start) = self.place(index);
        &mut self.blocks[block][start..start + self.stride]
    }

    #[inline]
    fn place(&self, index: u32) -> (usize, usize) {
        let index = index as usize;
        (index / BLOCK_ROWS, (index % BLOCK_ROWS) * self.stride)
    }

    /// Bytes held, spare capacity included.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.capacity() * size_of::<T>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_values_while_growing() {
        let mut rows = Rows::<u32>::new(3);
        for count in [1, 2, 1_000, 1_024, 1_025, 5_000] {
            rows.ensure(count);
            let last = count as u32 - 1;
            rows.row_mut(last).copy_from_slice(&[last, 1, 2]);
        }
        for last in [0, 1, 999, 1_023, 1_024, 4_999] {
            assert_eq!(rows.row(last), [last, 1, 2]);
        }
        assert_eq!(rows.row(3_000), [0, 0, 0]);
    }
}
