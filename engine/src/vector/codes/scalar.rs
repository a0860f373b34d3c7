//! The kernels in plain Rust: the reference for all others.

use super::kernel::{PLANES, SignSum};

/// See [`Kernel::sign_sums`](super::kernel::Kernel::sign_sums).
#[inline(always)]
pub(super) fn sign_sum(planes: &[u64], code: &[u8]) -> SignSum {
    let words = planes.len() / PLANES;
    let mut sum = SignSum::default();
    for (word, bits) in code.as_chunks::<8>().0[..words].iter().enumerate() {
        let bits = u64::from_le_bytes(*bits);
        sum.ones += bits.count_ones();
        for plane in 0..PLANES {
            sum.weighted += (bits & planes[plane * words + word]).count_ones() << plane;
        }
    }
    sum
}

/// See [`Kernel::byte_dots`](super::kernel::Kernel::byte_dots).
pub(super) fn byte_dot(query: &[i8], code: &[u8]) -> i32 {
    query.iter().zip(code).map(|(&q, &x)| (i32::from(x) - 128) * i32::from(q)).sum()
}

/// See [`Kernel::planes`](super::kernel::Kernel::planes).
pub(super) fn planes(numbers: &[u8], planes: &mut [u64]) {
    let words = numbers.len() / 64;
    for (word, numbers) in numbers.as_chunks::<64>().0.iter().enumerate() {
        for plane in 0..PLANES {
            let bit = |(place, number): (u32, &u8)| u64::from(number >> plane & 1) << place;
            planes[plane * words + word] = (0..).zip(numbers).map(bit).sum();
        }
    }
}
