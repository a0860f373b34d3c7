//! The true nearest of every query: all vectors are compared.

use rayon::prelude::*;
use simsimd::SpatialSimilarity;

use super::Metric;
use super::flat::Vectors;

/// Queries that share a pass over the vectors.
const QUERIES: usize = 16;
/// Vectors that stay in the cache while those queries meet them.
const ROWS: usize = 256;
/// More are kept than are asked for, because the quick distances that choose them are rounded.
const SPARE: usize = 28;

/// Rows and distances of the `count` nearest of every query, nearest first and equal distances by row; fewer vectors
/// than that are made up by `u32::MAX` at infinity.
pub(super) fn nearest(metric: Metric, base: &Vectors, queries: &Vectors, count: usize) -> (Vec<u32>, Vec<f64>) {
    let found: Vec<(u32, f64)> = queries
        .values
        .par_chunks(QUERIES * queries.dimension)
        .flat_map_iter(|group| of_group(metric, base, group, count))
        .collect();
    found.into_iter().unzip()
}

fn of_group(metric: Metric, base: &Vectors, group: &[f32], count: usize) -> Vec<(u32, f64)> {
    let queries: Vec<&[f32]> = group.chunks_exact(base.dimension).collect();
    let mut best: Vec<Vec<(f64, u32)>> = vec![Vec::new(); queries.len()];
    let mut bound = vec![f64::INFINITY; queries.len()];
    let keep = count + SPARE;
    for (block, rows) in base.values.chunks(ROWS * base.dimension).enumerate() {
        for ((query, best), bound) in queries.iter().zip(&mut best).zip(&mut bound) {
            for (at, row) in rows.chunks_exact(base.dimension).enumerate() {
                let distance = quick(metric, query, row);
                if distance < *bound {
                    best.push((distance, (block * ROWS + at) as u32));
                }
            }
            if best.len() >= 2 * keep {
                best.select_nth_unstable_by(keep, by_distance);
                best.truncate(keep);
                *bound = best.iter().map(|it| it.0).fold(0.0, f64::max);
            }
        }
    }
    let sorted = queries.iter().zip(best).map(|(query, best)| in_order(metric, base, query, best, count));
    sorted.flatten().collect()
}

fn by_distance(one: &(f64, u32), other: &(f64, u32)) -> std::cmp::Ordering {
    one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))
}

/// The first of the kept ones by distances in double precision.
fn in_order(metric: Metric, base: &Vectors, query: &[f32], kept: Vec<(f64, u32)>, count: usize) -> Vec<(u32, f64)> {
    let mut exact: Vec<(f64, u32)> =
        kept.into_iter().map(|(_, row)| (distance(metric, query, base.row(row as usize)), row)).collect();
    exact.sort_unstable_by(by_distance);
    exact.resize(count, (f64::INFINITY, u32::MAX));
    exact.into_iter().map(|(distance, row)| (row, distance)).collect()
}

fn quick(metric: Metric, one: &[f32], other: &[f32]) -> f64 {
    let found = match metric {
        Metric::L2 => f32::l2sq(one, other),
        Metric::Cosine => f32::dot(one, other).map(|dot| 1.0 - dot),
    };
    found.unwrap_or(f64::INFINITY)
}

/// The distance that recall is judged by.
fn distance(metric: Metric, one: &[f32], other: &[f32]) -> f64 {
    let pairs = one.iter().zip(other).map(|(one, other)| (f64::from(*one), f64::from(*other)));
    match metric {
        Metric::L2 => pairs.map(|(one, other)| (one - other) * (one - other)).sum(),
        Metric::Cosine => 1.0 - pairs.map(|(one, other)| one * other).sum::<f64>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_those_of_a_sort() {
        let value = |at: usize| ((at * 7_919) % 1_009) as f32 / 1_009.0;
        let base = Vectors { dimension: 3, values: (0..3 * 2_000).map(value).collect() };
        let queries = Vectors { dimension: 3, values: (0..3 * 40).map(|at| value(at + 500_000)).collect() };
        for metric in [Metric::L2, Metric::Cosine] {
            let (ids, distances) = nearest(metric, &base, &queries, 10);
            for (at, query) in queries.iter().enumerate() {
                let mut all: Vec<(f64, u32)> =
                    base.iter().zip(0..).map(|(row, id)| (distance(metric, query, row), id)).collect();
                all.sort_by(by_distance);
                for (place, (expected, id)) in all[..10].iter().enumerate() {
                    assert_eq!((ids[at * 10 + place], distances[at * 10 + place]), (*id, *expected));
                }
            }
        }
    }
}
