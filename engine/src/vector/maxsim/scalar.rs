//! The kernel in plain Rust: the reference for all others.

use super::kernel::raise;

/// See [`Kernel::best`](super::kernel::Kernel::best).
pub(super) fn best(values: &[i8], dimension: usize, signs: &[u8], best: &mut [(i32, u32)]) {
    let mut masks = vec![0_i8; dimension];
    for (token, signs) in (0..).zip(signs.chunks_exact(dimension / 8)) {
        for (mask, place) in masks.iter_mut().zip(0..) {
            let bit: usize = place;
            *mask = -i8::from(signs[bit / 8] >> (bit % 8) & 1 == 1);
        }
        for (entry, values) in best.iter_mut().zip(values.chunks_exact(dimension)) {
            let sum = values.iter().zip(&masks).map(|(&value, &mask)| i32::from(value & mask)).sum();
            raise(entry, sum, token);
        }
    }
}
