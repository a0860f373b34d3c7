//! The kernels for 64-bit ARM.
#![allow(unsafe_code, reason = "vector instructions need it")]

use std::arch::aarch64::*;

/// See [`Kernel::byte_dots`](super::kernel::Kernel::byte_dots).
pub(super) fn byte_dots<'a>(query: &[i8], points: &[u32], code: impl Fn(u32) -> &'a [u8], dots: &mut Vec<i32>) {
    // SAFETY: every 64-bit ARM processor has NEON.
    dots.extend(points.iter().map(|&point| unsafe { byte_dot(query, code(point)) }));
}

#[inline]
#[target_feature(enable = "neon")]
unsafe fn byte_dot(query: &[i8], code: &[u8]) -> i32 {
    let middle = vdupq_n_u8(128);
    let mut sum = vdupq_n_s32(0);
    for (query, code) in query.as_chunks::<16>().0.iter().zip(code.as_chunks::<16>().0) {
        // SAFETY: both have 16 bytes.
        let (query, code) = unsafe { (vld1q_s8(query.as_ptr()), vld1q_u8(code.as_ptr())) };
        let code = vreinterpretq_s8_u8(veorq_u8(code, middle));
        sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(code), vget_low_s8(query)));
        sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(code), vget_high_s8(query)));
    }
    vaddvq_s32(sum)
}
