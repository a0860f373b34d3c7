//! The kernels for x86-64.
#![allow(unsafe_code, reason = "vector instructions need it")]

use std::arch::x86_64::*;

use super::kernel::{PLANES, SignSum};
use super::query::{QueryCode, quantise};
use super::rotation::turn_round;
use super::scalar;

/// Words of 64 bits in a vector.
const WORDS: usize = 8;

/// For processors with POPCNT alone.
pub(super) fn sign_sums_popcnt<'a>(
    planes: &[u64],
    points: &[u32],
    code: impl Fn(u32) -> &'a [u8],
    sums: &mut Vec<SignSum>,
) {
    #[target_feature(enable = "popcnt")]
    fn one(planes: &[u64], code: &[u8]) -> SignSum {
        scalar::sign_sum(planes, code)
    }
    // SAFETY: the kernel is chosen only where POPCNT was detected.
    sums.extend(points.iter().map(|&point| unsafe { one(planes, code(point)) }));
}

/// For processors with AVX-512 VPOPCNTDQ alone.
pub(super) fn sign_sums_avx512<'a>(
    planes: &[u64],
    points: &[u32],
    code: impl Fn(u32) -> &'a [u8],
    sums: &mut Vec<SignSum>,
) {
    let bytes = planes.len() / PLANES * 8;
    for &point in points {
        let code = &code(point)[..bytes];
        // SAFETY: the kernel is chosen only where the features were detected; the code has as many words as each plane.
        sums.push(unsafe { sign_sum(planes, code) });
    }
}

/// # Safety
/// The processor has the features, and `planes` has [`PLANES`] words for each of the code's.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
unsafe fn sign_sum(planes: &[u64], code: &[u8]) -> SignSum {
    let words = code.len() / 8;
    let mut both = _mm512_setzero_si512();
    let mut first = 0;
    while first < words {
        let mask = if words - first >= WORDS { 0xFF } else { (1_u8 << (words - first)) - 1 };
        // SAFETY: `first` is below `words`, as many as there are behind the pointers below, and the mask leaves out what is beyond them.
        let load = |from: *const i64| unsafe { _mm512_maskz_loadu_epi64(mask, from.add(first)) };
        let plane = |number: usize| planes[number * words..].as_ptr().cast::<i64>();
        let bits = load(code.as_ptr().cast());
        let count = |number: usize| _mm512_popcnt_epi64(_mm512_and_si512(bits, load(plane(number))));
        let low = _mm512_add_epi64(count(0), _mm512_slli_epi64::<1>(count(1)));
        let high = _mm512_add_epi64(_mm512_slli_epi64::<2>(count(2)), _mm512_slli_epi64::<3>(count(3)));
        let ones = _mm512_slli_epi64::<32>(_mm512_popcnt_epi64(bits));
        both = _mm512_add_epi64(both, _mm512_add_epi64(_mm512_add_epi64(low, high), ones));
        first += WORDS;
    }
    let both = _mm512_reduce_add_epi64(both) as u64;
    SignSum { weighted: both as u32, ones: (both >> 32) as u32 }
}

/// For processors with AVX-512 VNNI alone.
pub(super) fn byte_dots_avx512<'a>(
    query: &[i8],
    query_sum: i32,
    points: &[u32],
    code: impl Fn(u32) -> &'a [u8],
    dots: &mut Vec<i32>,
) {
    for &point in points {
        let code = &code(point)[..query.len()];
        // SAFETY: the kernel is chosen only where the features were detected.
        dots.push(unsafe { byte_dot_avx512(query, code) } - 128 * query_sum);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn byte_dot_avx512(query: &[i8], code: &[u8]) -> i32 {
    let mut sums = [_mm512_setzero_si512(); 2];
    let pairs = query.as_chunks::<64>().0.iter().zip(code.as_chunks::<64>().0);
    for (number, (query, code)) in pairs.enumerate() {
        // SAFETY: both have 64 bytes.
        let (query, code) =
            unsafe { (_mm512_loadu_si512(query.as_ptr().cast()), _mm512_loadu_si512(code.as_ptr().cast())) };
        sums[number % 2] = _mm512_dpbusd_epi32(sums[number % 2], code, query);
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]))
}

/// For processors with AVX2 alone.
pub(super) fn byte_dots_avx2<'a>(query: &[i8], points: &[u32], code: impl Fn(u32) -> &'a [u8], dots: &mut Vec<i32>) {
    for &point in points {
        // SAFETY: the kernel is chosen only where AVX2 was detected.
        dots.push(unsafe { byte_dot_avx2(query, code(point)) });
    }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn byte_dot_avx2(query: &[i8], code: &[u8]) -> i32 {
    let middle = _mm256_set1_epi16(128);
    let mut sum = _mm256_setzero_si256();
    for (query, code) in query.as_chunks::<16>().0.iter().zip(code.as_chunks::<16>().0) {
        // SAFETY: both have 16 bytes.
        let (query, code) = unsafe { (_mm_loadu_si128(query.as_ptr().cast()), _mm_loadu_si128(code.as_ptr().cast())) };
        let code = _mm256_sub_epi16(_mm256_cvtepu8_epi16(code), middle);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(code, _mm256_cvtepi8_epi16(query)));
    }
    let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

/// For processors with AVX-512 BW alone.
pub(super) fn planes_avx512(numbers: &[u8], planes: &mut [u64]) {
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn masks(numbers: &[u8; 64]) -> [u64; PLANES] {
        // SAFETY: there are 64 bytes.
        let numbers = unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) };
        std::array::from_fn(|plane| _mm512_test_epi8_mask(numbers, _mm512_set1_epi8(1 << plane)))
    }
    let words = numbers.len() / 64;
    for (word, numbers) in numbers.as_chunks::<64>().0.iter().enumerate() {
        // SAFETY: the kernel is chosen only where the features were detected.
        let masks = unsafe { masks(numbers) };
        (0..PLANES).for_each(|plane| planes[plane * words + word] = masks[plane]);
    }
}

/// Plain code, compiled for wider vectors.
macro_rules! wider {
    ($name:ident, $features:literal, $plain:ident, $($argument:ident: $type:ty),*) => {
        pub(super) fn $name($($argument: $type),*) {
            #[target_feature(enable = $features)]
            fn wide($($argument: $type),*) {
                $plain($($argument),*);
            }
            // SAFETY: the kernel is chosen only where the features were detected.
            unsafe { wide($($argument),*) }
        }
    };
}

wider!(turn_avx2, "avx2,fma", turn_round, vector: &mut [f32], signs: &[f32], is_last_part: bool);
wider!(turn_avx512, "avx512f,avx512bw,avx2,fma", turn_round, vector: &mut [f32], signs: &[f32], is_last_part: bool);
wider!(quantise_avx2, "avx2,fma", quantise, turned: &[f32], into: &mut QueryCode);
wider!(quantise_avx512, "avx512f,avx512bw,avx2,fma", quantise, turned: &[f32], into: &mut QueryCode);
