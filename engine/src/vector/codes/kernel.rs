//! The choice of the fastest kernels that the processor has for codes.

use std::sync::LazyLock;

use super::query::{QueryCode, quantise};
use super::rotation::turn_round;
use super::scalar;

/// Ways to compute with codes. All give the same integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Plain Rust.
    Scalar,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors with eight-bit products and counts of bits.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 128-bit vectors; every 64-bit ARM processor has them.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

static DETECTED: LazyLock<Kernel> = LazyLock::new(|| Kernel::available().last().copied().unwrap_or(Kernel::Scalar));

/// Bits that a query's numbers have where they meet signs.
pub(super) const PLANES: usize = 4;

/// The sum of a query's four-bit numbers where a code's bit is set, and the number of such bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SignSum {
    pub(super) weighted: u32,
    pub(super) ones: u32,
}

impl Kernel {
    /// The fastest kernel of this processor.
    #[inline]
    pub(super) fn detected() -> Self {
        *DETECTED
    }

    /// All kernels of this processor, the fastest last.
    pub(super) fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_avx2 = has_avx2 && is_x86_feature_detected!("popcnt");
            if has_avx2 {
                kernels.push(Self::Avx2);
            }
            let has_wide = has_avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            if has_wide && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512vpopcntdq") {
                kernels.push(Self::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self::Neon);
        kernels
    }

    /// The sums of the code of each of `points`, which begins the bytes that `code` gives, under the bit planes of a query: plane `j` has
    /// `planes.len() / PLANES` words, of bits worth `2^j`. One sum a point is put into `sums`.
    pub(super) fn sign_sums<'a>(
        self,
        planes: &[u64],
        points: &[u32],
        code: impl Fn(u32) -> &'a [u8],
        sums: &mut Vec<SignSum>,
    ) {
        sums.clear();
        match self {
            Self::Scalar => sums.extend(points.iter().map(|&point| scalar::sign_sum(planes, code(point)))),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::sign_sums_popcnt(planes, points, code, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::x86::sign_sums_avx512(planes, points, code, sums),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => sums.extend(points.iter().map(|&point| scalar::sign_sum(planes, code(point)))),
        }
    }

    /// See [`turn_round`].
    pub(super) fn turn(self, vector: &mut [f32], signs: &[f32], is_last_part: bool) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::turn_avx2(vector, signs, is_last_part),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::x86::turn_avx512(vector, signs, is_last_part),
            _ => turn_round(vector, signs, is_last_part),
        }
    }

    /// See [`quantise`].
    pub(super) fn quantise(self, turned: &[f32], into: &mut QueryCode) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::quantise_avx2(turned, into),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::x86::quantise_avx512(turned, into),
            _ => quantise(turned, into),
        }
    }

    /// The bit planes of four-bit `numbers`, a multiple of 64 of them, as [`Kernel::sign_sums`] reads them.
    pub(super) fn planes(self, numbers: &[u8], planes: &mut Vec<u64>) {
        planes.clear();
        planes.resize(numbers.len() / 64 * PLANES, 0);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::x86::planes_avx512(numbers, planes),
            _ => scalar::planes(numbers, planes),
        }
    }

    /// The inner product of the eight-bit code of each of `points`, less 128 each number, with `query`, which sums to `query_sum`.
    pub(super) fn byte_dots<'a>(
        self,
        query: &[i8],
        query_sum: i32,
        points: &[u32],
        code: impl Fn(u32) -> &'a [u8],
        dots: &mut Vec<i32>,
    ) {
        dots.clear();
        match self {
            Self::Scalar => dots.extend(points.iter().map(|&point| scalar::byte_dot(query, code(point)))),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::byte_dots_avx2(query, points, code, dots),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => super::x86::byte_dots_avx512(query, query_sum, points, code, dots),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => super::neon::byte_dots(query, points, code, dots),
        }
        let _ = query_sum;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn case() -> impl Strategy<Value = (Vec<u64>, Vec<i8>, Vec<Vec<u8>>)> {
        prop::sample::select(vec![64_usize, 128, 384, 832, 4_096]).prop_flat_map(|dimension| {
            (
                prop::collection::vec(any::<u64>(), dimension / 64 * PLANES),
                prop::collection::vec(-127_i8..=127, dimension),
                prop::collection::vec(prop::collection::vec(any::<u8>(), dimension), 0..5),
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_kernel_gives_the_same_sums((planes, query, codes) in case()) {
            let points: Vec<u32> = (0..codes.len() as u32).collect();
            let code = |point: u32| codes[point as usize].as_slice();
            let sum = query.iter().map(|&x| i32::from(x)).sum();
            let (mut sums, mut dots) = (Vec::new(), Vec::new());
            Kernel::Scalar.sign_sums(&planes, &points, code, &mut sums);
            Kernel::Scalar.byte_dots(&query, sum, &points, code, &mut dots);
            let (mut other_sums, mut other_dots) = (Vec::new(), Vec::new());
            for kernel in Kernel::available() {
                kernel.sign_sums(&planes, &points, code, &mut other_sums);
                kernel.byte_dots(&query, sum, &points, code, &mut other_dots);
                prop_assert_eq!(&sums, &other_sums, "{:?}", kernel);
                prop_assert_eq!(&dots, &other_dots, "{:?}", kernel);
            }
            let numbers: Vec<u8> = query.iter().map(|&x| (x as u8) & 15).collect();
            let (mut scalar, mut other) = (Vec::new(), Vec::new());
            Kernel::Scalar.planes(&numbers, &mut scalar);
            for kernel in Kernel::available() {
                kernel.planes(&numbers, &mut other);
                prop_assert_eq!(&scalar, &other, "{:?}", kernel);
            }
            for ((code, sum), dot) in codes.iter().zip(&sums).zip(&dots) {
                let expected: i32 = code.iter().zip(&query).map(|(&x, &q)| (i32::from(x) - 128) * i32::from(q)).sum();
                prop_assert_eq!(*dot, expected);
                let bit = |place: usize| code[place / 8] >> (place % 8) & 1 == 1;
                let words = planes.len() / PLANES;
                let number = |place: usize| (0..PLANES).map(|j| (planes[j * words + place / 64] >> (place % 64) & 1) << j).sum::<u64>();
                let set: Vec<usize> = (0..words * 64).filter(|&place| bit(place)).collect();
                prop_assert_eq!(sum.ones as usize, set.len());
                prop_assert_eq!(u64::from(sum.weighted), set.iter().map(|&place| number(place)).sum::<u64>());
            }
        }
    }
}
