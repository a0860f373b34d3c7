//! The choice of the fastest kernel that the processor has.

use std::sync::LazyLock;

use super::scalar;

/// A way to compute inner products of a query's tokens with a passage's signs. All give the same integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// Plain Rust.
    Scalar,
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors with eight-bit products.
    #[cfg(target_arch = "x86_64")]
    Vnni,
    /// 128-bit vectors; every 64-bit ARM processor has them.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

static DETECTED: LazyLock<Kernel> = LazyLock::new(|| Kernel::available().last().copied().unwrap_or(Kernel::Scalar));

impl Kernel {
    /// The fastest kernel of this processor.
    pub(super) fn detected() -> Self {
        *DETECTED
    }

    /// All kernels of this processor, the fastest last.
    pub(super) fn available() -> Vec<Self> {
        let mut kernels = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
            let has_wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            if has_wide && is_x86_feature_detected!("avx512vnni") {
                kernels.push(Self::Vnni);
            }
        }
        #[cfg(target_arch = "aarch64")]
        kernels.push(Self::Neon);
        kernels
    }

    /// Sums each query token's numbers under each passage token's set signs: a row of `sums` for each passage token, with a number
    /// for each query token. `values` are `dimension` numbers a query token, `signs` `dimension / 8` bytes a passage token;
    /// `dimension` is a multiple of 64.
    pub(super) fn sums(self, values: &[i8], dimension: usize, signs: &[u8], sums: &mut [i32]) {
        debug_assert!(dimension.is_multiple_of(super::DIMENSION_STEP));
        debug_assert_eq!(sums.len(), values.len() / dimension * (signs.len() / (dimension / 8)));
        match self {
            Self::Scalar => scalar::sums(values, dimension, signs, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => super::x86::sums_avx2(values, dimension, signs, sums),
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => super::x86::sums_vnni(values, dimension, signs, sums),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => super::neon::sums(values, dimension, signs, sums),
        }
    }
}
