//! The kernel for 64-bit ARM.
#![allow(unsafe_code, reason = "vector instructions need it")]

use std::arch::aarch64::*;

/// See [`Kernel::sums`](super::kernel::Kernel::sums).
pub(super) fn sums(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32]) {
    let mut masks = vec![0_u8; dimension];
    // SAFETY: every 64-bit ARM processor has NEON; slices have the lengths that `Kernel::sums` states.
    unsafe { neon(values, dimension, signs, sums, &mut masks) }
}

#[target_feature(enable = "neon")]
unsafe fn neon(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32], masks: &mut [u8]) {
    const BIT: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    // SAFETY: 16 bytes are read from 16.
    let bit = unsafe { vld1q_u8(BIT.as_ptr()) };
    let row = values.len() / dimension;
    for (signs, sums) in signs.chunks_exact(dimension / 8).zip(sums.chunks_exact_mut(row.max(1))) {
        for (bits, bytes) in signs.as_chunks::<2>().0.iter().zip(masks.as_chunks_mut::<16>().0) {
            let spread = vcombine_u8(vdup_n_u8(bits[0]), vdup_n_u8(bits[1]));
            // SAFETY: `bytes` has 16 bytes.
            unsafe { vst1q_u8(bytes.as_mut_ptr(), vtstq_u8(spread, bit)) };
        }
        for (into, values) in sums.iter_mut().zip(values.chunks_exact(dimension)) {
            let mut sum = vdupq_n_s32(0);
            for (values, mask) in values.as_chunks::<16>().0.iter().zip(masks.as_chunks::<16>().0) {
                // SAFETY: both have 16 bytes.
                let (values, mask) = unsafe { (vld1q_s8(values.as_ptr()), vld1q_u8(mask.as_ptr())) };
                sum = vpadalq_s16(sum, vpaddlq_s8(vandq_s8(values, vreinterpretq_s8_u8(mask))));
            }
            *into = vaddvq_s32(sum);
        }
    }
}
