//! Generated vectors: clusters of a low intrinsic dimension in 768, each vector made of its own number alone, so that a
//! larger set begins with the smaller ones.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use super::flat::Vectors;
use super::{Made, Metric, SEED};

const DIMENSION: usize = 768;
const CLUSTERS: usize = 1_000;
/// Dimensions of the space that the centres lie in, so that clusters have near and far ones.
const CENTRES: usize = 32;
/// Dimensions in which a cluster spreads.
const SPREAD: usize = 24;
/// Length of the noise in all dimensions, against a centre and a spread of length 1 each.
const NOISE: f32 = 0.15;
const QUERIES: usize = 1_000;

/// Numbers of the random streams: vectors have their own number, then come queries and shapes.
const QUERY_STREAM: u64 = 1 << 40;
const SHAPE_STREAM: u64 = 1 << 41;

/// What a cluster looks like: its centre, and the directions in which it spreads.
struct Cluster {
    centre: Vec<f32>,
    directions: Vec<f32>,
}

/// Makes `rows` vectors and the queries, which are of the same clusters.
pub(super) fn make(rows: usize) -> Made {
    let clusters = clusters();
    let base = vectors(&clusters, 0, rows);
    let queries = vectors(&clusters, QUERY_STREAM, QUERIES);
    let made = format!(
        "generated (ChaCha8): {CLUSTERS} clusters with centres in {CENTRES} dimensions, each spread in {SPREAD} of its own, \
         noise of length {NOISE}; {QUERIES} further ones are queries"
    );
    Made { made, metric: Metric::Cosine, base, queries }
}

fn random(stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(stream);
    random
}

/// Normally distributed numbers whose squares sum to `length` squared on average.
fn normal(random: &mut ChaCha8Rng, count: usize, length: f32) -> Vec<f32> {
    let scale = length / (count as f32).sqrt();
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // Box and Muller; 1 - u is never 0.
        let radius = (-2.0 * (1.0 - random.random::<f32>()).ln()).sqrt() * scale;
        let (sine, cosine) = (std::f32::consts::TAU * random.random::<f32>()).sin_cos();
        values.extend([radius * sine, radius * cosine]);
    }
    values.truncate(count);
    values
}

/// Adds the combination of rows of `directions` that `weights` say.
fn add(to: &mut [f32], weights: &[f32], directions: &[f32]) {
    for (weight, direction) in weights.iter().zip(directions.chunks_exact(to.len())) {
        to.iter_mut().zip(direction).for_each(|(value, part)| *value += weight * part);
    }
}

fn clusters() -> Vec<Cluster> {
    let unit_rows = |random: &mut ChaCha8Rng, count: usize| normal(random, count * DIMENSION, (count as f32).sqrt());
    let space = unit_rows(&mut random(SHAPE_STREAM), CENTRES);
    let cluster = |number: usize| {
        let mut random = random(SHAPE_STREAM + 1 + number as u64);
        let mut centre = vec![0.0; DIMENSION];
        add(&mut centre, &normal(&mut random, CENTRES, 1.0), &space);
        Cluster { centre, directions: unit_rows(&mut random, SPREAD) }
    };
    (0..CLUSTERS).into_par_iter().map(cluster).collect()
}

fn vectors(clusters: &[Cluster], first: u64, rows: usize) -> Vectors {
    let mut all = Vectors { dimension: DIMENSION, values: vec![0.0; rows * DIMENSION] };
    all.values.par_chunks_mut(DIMENSION).enumerate().for_each(|(at, vector)| {
        let mut random = random(first + at as u64);
        let cluster = &clusters[random.random_range(0..clusters.len())];
        vector.copy_from_slice(&cluster.centre);
        add(vector, &normal(&mut random, SPREAD, 1.0), &cluster.directions);
        let noise = normal(&mut random, DIMENSION, NOISE);
        vector.iter_mut().zip(noise).for_each(|(value, part)| *value += part);
    });
    all.normalise();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_set_begins_with_a_smaller_one() {
        let shapes = clusters();
        let (small, large) = (vectors(&shapes, 0, 3), vectors(&shapes, 0, 5));
        assert_eq!(small.values, large.values[..3 * DIMENSION]);
        assert_ne!(small.row(0), vectors(&shapes, QUERY_STREAM, 1).row(0));
        let length: f32 = small.row(2).iter().map(|it| it * it).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
}
