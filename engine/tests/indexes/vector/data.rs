//! Seeded vectors to test with, the true answers, and recall.

use coditect_engine::vector::{VectorIndex, VectorOptions, VectorQuery};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

pub(crate) type Rng = ChaCha8Rng;

pub(crate) fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

/// A sample of the normal distribution (Box-Muller).
pub(crate) fn normal(rng: &mut Rng) -> f32 {
    let (a, b): (f64, f64) = (rng.random_range(f64::EPSILON..1.0), rng.random());
    ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
}

pub(crate) fn random(rng: &mut Rng, count: usize, dimension: usize) -> Vec<Vec<f32>> {
    (0..count).map(|_| (0..dimension).map(|_| normal(rng)).collect()).collect()
}

/// Points around `clusters` centres, in the order of their clusters.
pub(crate) fn clustered(rng: &mut Rng, count: usize, dimension: usize, clusters: usize) -> Vec<Vec<f32>> {
    let centres = random(rng, clusters, dimension);
    let point =
        |i: usize, rng: &mut Rng| centres[i * clusters / count].iter().map(|&x| x + 0.4 * normal(rng)).collect();
    (0..count).map(|i| point(i, rng)).collect()
}

pub(crate) fn options(dimension: usize) -> VectorOptions {
    VectorOptions { exact_below: 0, ..VectorOptions::new(dimension) }
}

pub(crate) fn build(options: VectorOptions, vectors: &[Vec<f32>]) -> VectorIndex {
    let index = VectorIndex::new(options).unwrap();
    let batch: Vec<(u32, &[f32])> = (0..).zip(vectors.iter().map(Vec::as_slice)).collect();
    index.insert_batch(&batch).unwrap();
    index
}

/// Share of the true `k` nearest that are found, over all queries; also checks the number and order of results.
pub(crate) fn recall(index: &VectorIndex, queries: &[Vec<f32>], k: usize, allowed: Option<&RoaringBitmap>) -> f64 {
    let possible = allowed.map_or(index.len(), |allowed| (allowed & index.slots()).len() as usize);
    let expected = k.min(possible);
    let mut found = 0;
    for query in queries {
        let truth = index.search(query, k, &VectorQuery { allowed, exact: true, ..VectorQuery::default() }).unwrap();
        let hits = index.search(query, k, &VectorQuery { allowed, ..VectorQuery::default() }).unwrap();
        assert_eq!((truth.len(), hits.len()), (expected, expected), "always as many results as there are");
        assert!(hits.windows(2).all(|pair| (-pair[0].score, pair[0].slot) < (-pair[1].score, pair[1].slot)));
        assert!(hits.iter().all(|hit| allowed.is_none_or(|allowed| allowed.contains(hit.slot))));
        let worst = truth.last().map_or(0.0, |hit| hit.score);
        found += hits.iter().filter(|hit| hit.score >= worst).count();
    }
    found as f64 / (queries.len() * expected).max(1) as f64
}
