//! Flat files: rows of numbers, little-endian, without a header.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Bytes that are read or written at a time.
const BLOCK: usize = 1 << 20;

/// Vectors of one dimension, row after row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vectors {
    pub(crate) dimension: usize,
    pub(crate) values: Vec<f32>,
}

impl Vectors {
    /// How many there are.
    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.dimension.max(1)
    }

    /// One of them.
    pub(crate) fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.dimension..][..self.dimension]
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dimension)
    }

    /// Copies of some of them.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row).iter().copied()).collect();
        Self { dimension: self.dimension, values }
    }

    /// Keeps the rows of a rising list.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        for (to, &from) in rows.iter().enumerate() {
            self.values.copy_within(from * self.dimension..(from + 1) * self.dimension, to * self.dimension);
        }
        self.values.truncate(rows.len() * self.dimension);
    }

    /// Gives every vector the length 1; one of zeros stays as it is.
    pub(crate) fn normalise(&mut self) {
        for row in self.values.chunks_exact_mut(self.dimension) {
            let length = row.iter().map(|it| f64::from(*it) * f64::from(*it)).sum::<f64>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|it| *it = (f64::from(*it) / length) as f32);
            }
        }
    }

    /// Reads a file of rows and checks that it has as many as it should.
    pub(crate) fn read(path: &Path, dimension: usize, rows: usize) -> Result<Self> {
        let values = read(path, f32::from_le_bytes)?;
        ensure!(values.len() == rows * dimension, "{} does not hold {rows} rows of {dimension}", path.display());
        Ok(Self { dimension, values })
    }

    /// Writes them to a file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        write(path, &self.values, |it| it.to_le_bytes())
    }
}

/// Numbers as they lie in a file.
pub(super) fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// Reads row numbers.
pub(crate) fn read_u32(path: &Path) -> Result<Vec<u32>> {
    read(path, u32::from_le_bytes)
}

/// Writes row numbers.
pub(crate) fn write_u32(path: &Path, values: &[u32]) -> Result<()> {
    write(path, values, |it| it.to_le_bytes())
}

/// Reads distances.
pub(crate) fn read_f64(path: &Path) -> Result<Vec<f64>> {
    read(path, f64::from_le_bytes)
}

/// Writes distances.
pub(crate) fn write_f64(path: &Path, values: &[f64]) -> Result<()> {
    write(path, values, |it| it.to_le_bytes())
}

fn read<T, const SIZE: usize>(path: &Path, decode: fn([u8; SIZE]) -> T) -> Result<Vec<T>> {
    let failed = || format!("read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let bytes = file.metadata().with_context(failed)?.len() as usize;
    ensure!(bytes.is_multiple_of(SIZE), "{} ends within a number", path.display());
    let mut values = Vec::with_capacity(bytes / SIZE);
    let mut block = vec![0; BLOCK];
    for start in (0..bytes).step_by(BLOCK) {
        let now = &mut block[..BLOCK.min(bytes - start)];
        file.read_exact(now).with_context(failed)?;
        values.extend(now.as_chunks::<SIZE>().0.iter().map(|it| decode(*it)));
    }
    Ok(values)
}

fn write<T: Copy, const SIZE: usize>(path: &Path, values: &[T], encode: fn(T) -> [u8; SIZE]) -> Result<()> {
    let failed = || format!("write {}", path.display());
    let mut file = BufWriter::with_capacity(BLOCK, File::create(path).with_context(failed)?);
    for &value in values {
        file.write_all(&encode(value)).with_context(failed)?;
    }
    file.flush().with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_file_and_a_torn_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let vectors = Vectors { dimension: 3, values: vec![1.5, -2.0, f32::MIN_POSITIVE, 0.0, 7.0, 1e30] };
        vectors.write(&path).unwrap();
        assert_eq!(Vectors::read(&path, 3, 2).unwrap().values, vectors.values);
        assert!(Vectors::read(&path, 3, 3).is_err());
        std::fs::write(&path, [0; 7]).unwrap();
        assert!(Vectors::read(&path, 1, 1).is_err());
    }

    #[test]
    fn lengths_become_one() {
        let mut vectors = Vectors { dimension: 2, values: vec![3.0, 4.0, 0.0, 0.0] };
        vectors.normalise();
        assert_eq!(vectors.values, [0.6, 0.8, 0.0, 0.0]);
    }
}
