//! The kernel in plain Rust: the reference for all others.

/// See [`Kernel::sums`](super::kernel::Kernel::sums).
pub(super) fn sums(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32]) {
    let mut masks = vec![0_i8; dimension];
    let row = values.len() / dimension;
    for (signs, sums) in signs.chunks_exact(dimension / 8).zip(sums.chunks_exact_mut(row.max(1))) {
        for (mask, place) in masks.iter_mut().zip(0..) {
            let bit: usize = place;
            *mask = -i8::from(signs[bit / 8] >> (bit % 8) & 1 == 1);
        }
        for (into, values) in sums.iter_mut().zip(values.chunks_exact(dimension)) {
            *into = values.iter().zip(&masks).map(|(&value, &mask)| i32::from(value & mask)).sum();
        }
    }
}
