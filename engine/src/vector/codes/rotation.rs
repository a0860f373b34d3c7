//! A random rotation that is cheap: random signs and Hadamard transforms, which spread every vector evenly over its dimensions.
//!
//! Codes of one sign a dimension estimate inner products without bias, and codes of eight bits lose least, when no dimension stands
//! out (Gao & Long: "RaBitQ", SIGMOD 2024). A Hadamard transform takes a power of two; other lengths are done in two overlapping halves, with
//! rotations between the two ends of the vector in between, as Kac's random walk does.

use super::kernel::Kernel;
use crate::vector::graph::split_mix;

/// Rounds of signs and transforms.
const ROUNDS: u64 = 4;

/// Dimensions after turning.
pub(super) fn padded(dimension: usize) -> usize {
    dimension.next_multiple_of(64)
}

/// An orthogonal map to a multiple of 64 dimensions.
#[derive(Debug)]
pub(super) struct Rotation {
    dimension: usize,
    padded: usize,
    /// Signs of each round, one or minus one.
    signs: Vec<Vec<f32>>,
}

impl Rotation {
    pub(super) fn new(dimension: usize, seed: u64) -> Self {
        let padded = padded(dimension);
        let sign = |round: u64, place: u64| {
            let bits = split_mix(seed ^ round.wrapping_mul(0xA24B_AED4_963E_E407) ^ place);
            if bits & 1 == 0 { 1.0 } else { -1.0 }
        };
        let signs = (1..=ROUNDS).map(|round| (0..padded as u64).map(|place| sign(round, place)).collect()).collect();
        Self { dimension, padded, signs }
    }

    /// Turns `vector`, which becomes as long as [`padded`] says. Keeps lengths and angles.
    pub(super) fn turn(&self, vector: &mut Vec<f32>) {
        debug_assert_eq!(vector.len(), self.dimension);
        vector.resize(self.padded, 0.0);
        for (round, signs) in self.signs.iter().enumerate() {
            Kernel::detected().turn(vector, signs, round % 2 == 1);
        }
    }
}

/// One round: signs, then a transform of the first or the last part whose length is a power of two, then, if that is not all, a mix of the ends.
#[inline(always)]
pub(super) fn turn_round(vector: &mut [f32], signs: &[f32], is_last_part: bool) {
    let block = 1 << vector.len().ilog2();
    let rest = vector.len() - block;
    vector.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
    let start = if is_last_part { rest } else { 0 };
    transform(&mut vector[start..start + block]);
    if rest > 0 {
        mix_ends(vector);
    }
}

/// Turns pairs of the first and the second half by 45 degrees.
#[inline(always)]
fn mix_ends(vector: &mut [f32]) {
    let (first, second) = vector.split_at_mut(vector.len() / 2);
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = ((*a + *b) * std::f32::consts::FRAC_1_SQRT_2, (*a - *b) * std::f32::consts::FRAC_1_SQRT_2);
    }
}

/// The Walsh-Hadamard transform, scaled to keep lengths. The length is a power of two, 64 at least.
#[inline(always)]
fn transform(values: &mut [f32]) {
    let mut half = values.len() / 2;
    while half >= 16 {
        for pair in values.chunks_exact_mut(2 * half) {
            butterfly(pair, half);
        }
        half /= 2;
    }
    let scale = 1.0 / (values.len() as f32).sqrt();
    // The short steps, of known length, one small part after the other.
    for part in values.as_chunks_mut::<16>().0 {
        for half in [8, 4, 2, 1] {
            part.chunks_exact_mut(2 * half).for_each(|pair| butterfly(pair, half));
        }
        part.iter_mut().for_each(|value| *value *= scale);
    }
}

#[inline(always)]
fn butterfly(pair: &mut [f32], half: usize) {
    let (first, second) = pair.split_at_mut(half);
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = (*a + *b, *a - *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn lengths_and_angles_stay_and_single_dimensions_are_spread() {
        for dimension in [1, 2, 63, 64, 100, 384, 768, 784, 1_000, 4_096] {
            let rotation = Rotation::new(dimension, 7);
            let turned = |mut vector: Vec<f32>| {
                rotation.turn(&mut vector);
                vector
            };
            let a: Vec<f32> = (0..dimension).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..dimension).map(|i| (i as f32 * 0.11).cos()).collect();
            let (before, after) = (dot(&a, &b), dot(&turned(a.clone()), &turned(b.clone())));
            assert!((before - after).abs() <= 1e-3 * (1.0 + dimension as f32).sqrt(), "{dimension}: {before} {after}");
            let mut axis = vec![0.0; dimension];
            axis[dimension / 2] = 1.0;
            let axis = turned(axis);
            let most = axis.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            assert!((dot(&axis, &axis) - 1.0).abs() < 1e-4);
            assert!(most <= 7.0 / (axis.len() as f32).sqrt(), "{dimension}: {most}");
        }
    }
}
