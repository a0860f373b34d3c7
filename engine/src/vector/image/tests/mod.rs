//! Images of any index come back as they were; anything else is refused.

mod damage;
mod hostile;
mod mapped;
mod same;
mod versions;

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::super::{VectorIndex, VectorOptions};

/// Seeded vectors around a few centres.
pub(super) fn vectors(seed: u64, count: usize, dimension: usize) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut random =
        |spread: f32| -> Vec<f32> { (0..dimension).map(|_| spread * rng.random_range(-1.0..1.0)).collect() };
    let centres: Vec<Vec<f32>> = (0..8).map(|_| random(2.0)).collect();
    (0..count).map(|i| centres[i % 8].iter().zip(random(1.0)).map(|(a, b)| a + b).collect()).collect()
}

/// Few links, so that lists are full and there are upper layers.
pub(super) fn options(dimension: usize) -> VectorOptions {
    VectorOptions { m: 4, ef_construction: 20, ef_search: 30, exact_below: 0, ..VectorOptions::new(dimension) }
}

pub(super) fn build(options: VectorOptions, vectors: &[Vec<f32>]) -> VectorIndex {
    let index = VectorIndex::new(options).unwrap();
    let batch: Vec<(u32, &[f32])> = (0..).zip(vectors.iter().map(Vec::as_slice)).collect();
    index.insert_batch(&batch).unwrap();
    index
}

/// An index with a graph, several layers, copies, free points and empty slots.
pub(super) fn lived_in(dimension: usize) -> VectorIndex {
    let vectors = vectors(1, 1_100, dimension);
    let index = build(options(dimension), &vectors);
    (0..20).for_each(|slot| index.insert(2_000 + 3 * slot, &vectors[slot as usize]).unwrap());
    (30..60).for_each(|slot| assert!(index.remove(slot)));
    index
}

/// A folder with the image of an index.
pub(super) struct Saved {
    pub(super) folder: TempDir,
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Saved {
    pub(super) fn of(index: &VectorIndex) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.image");
        let info = index.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!((info.bytes, info.slots), (bytes.len() as u64, index.len()));
        Self { folder, path, bytes }
    }
}

pub(super) fn load(path: &Path) -> VectorIndex {
    VectorIndex::load(path, None).unwrap()
}

/// The bytes of an index's image.
pub(super) fn image_of(index: &VectorIndex) -> Vec<u8> {
    Saved::of(index).bytes
}
