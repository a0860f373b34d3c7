//! The kernels for x86-64. Each expands a passage token's signs to one byte a dimension, once, and multiplies them with every
//! query token.
#![allow(unsafe_code, reason = "vector instructions need it")]

use std::arch::x86_64::*;

/// Largest dimension whose expanded signs are kept on the stack.
const STACK: usize = 1_024;

/// See [`Kernel::sums`](super::kernel::Kernel::sums). For processors with AVX2 alone.
pub(super) fn sums_avx2(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32]) {
    with_room(dimension, |room| {
        // SAFETY: the kernel is chosen only where AVX2 was detected; slices have the lengths that `Kernel::sums` states.
        unsafe { avx2(values, dimension, signs, sums, room) }
    });
}

/// See [`Kernel::sums`](super::kernel::Kernel::sums). For processors with AVX-512 BW and VNNI alone.
pub(super) fn sums_vnni(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32]) {
    with_room(dimension, |room| {
        // SAFETY: the kernel is chosen only where these features were detected; slices have the lengths that `Kernel::sums` states.
        unsafe { vnni(values, dimension, signs, sums, room) }
    });
}

/// Lends a byte for each dimension.
fn with_room(dimension: usize, work: impl FnOnce(&mut [u8])) {
    if dimension <= STACK {
        work(&mut [0; STACK][..dimension]);
    } else {
        work(&mut vec![0; dimension]);
    }
}

#[target_feature(enable = "avx2")]
unsafe fn avx2(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32], room: &mut [u8]) {
    // Sums of 16 bits hold 2 * 127 for each of this many steps.
    const STEPS: usize = 64;
    let ones = _mm256_set1_epi16(1);
    let row = values.len() / dimension;
    for (signs, sums) in signs.chunks_exact(dimension / 8).zip(sums.chunks_exact_mut(row.max(1))) {
        for (bits, bytes) in signs.as_chunks::<4>().0.iter().zip(room.as_chunks_mut::<32>().0) {
            // SAFETY: `bytes` has 32 bytes.
            unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), expanded(u32::from_le_bytes(*bits))) };
        }
        for (into, values) in sums.iter_mut().zip(values.chunks_exact(dimension)) {
            let mut sum = _mm256_setzero_si256();
            for (values, set) in values.chunks(32 * STEPS).zip(room.chunks(32 * STEPS)) {
                let mut part = _mm256_setzero_si256();
                for (values, set) in values.as_chunks::<32>().0.iter().zip(set.as_chunks::<32>().0) {
                    // SAFETY: both have 32 bytes.
                    let (values, set) = unsafe {
                        (_mm256_loadu_si256(values.as_ptr().cast()), _mm256_loadu_si256(set.as_ptr().cast()))
                    };
                    part = _mm256_add_epi16(part, _mm256_maddubs_epi16(set, values));
                }
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(part, ones));
            }
            *into = total(sum);
        }
    }
}

/// A byte of 0 or 1 for each bit.
#[target_feature(enable = "avx2")]
fn expanded(bits: u32) -> __m256i {
    let byte_of_bit = _mm256_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
    );
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let spread = _mm256_shuffle_epi8(_mm256_set1_epi32(bits as i32), byte_of_bit);
    let set = _mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit);
    _mm256_and_si256(set, _mm256_set1_epi8(1))
}

/// The sum of eight numbers.
#[target_feature(enable = "avx2")]
fn total(sum: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn vnni(values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32], room: &mut [u8]) {
    let row = values.len() / dimension;
    for (signs, sums) in signs.chunks_exact(dimension / 8).zip(sums.chunks_exact_mut(row.max(1))) {
        for (bits, bytes) in signs.as_chunks::<8>().0.iter().zip(room.as_chunks_mut::<64>().0) {
            let set = _mm512_maskz_set1_epi8(u64::from_le_bytes(*bits), 1);
            // SAFETY: `bytes` has 64 bytes.
            unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), set) };
        }
        for (into, values) in sums.iter_mut().zip(values.chunks_exact(dimension)) {
            let mut sum = _mm512_setzero_si512();
            for (values, set) in values.as_chunks::<64>().0.iter().zip(room.as_chunks::<64>().0) {
                // SAFETY: both have 64 bytes.
                let (values, set) =
                    unsafe { (_mm512_loadu_si512(values.as_ptr().cast()), _mm512_loadu_si512(set.as_ptr().cast())) };
                sum = _mm512_dpbusd_epi32(sum, set, values);
            }
            *into = _mm512_reduce_add_epi32(sum);
        }
    }
}
