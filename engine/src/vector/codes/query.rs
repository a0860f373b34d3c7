//! A query in the forms in which it meets codes.

use simsimd::f16;

use super::kernel::{Kernel, PLANES};

/// Largest number of a bit plane sum's query component.
const PLANE_MOST: f32 = ((1 << PLANES) - 1) as f32;

/// A vector, turned and quantised, to be compared with codes.
#[derive(Debug, Clone, Default)]
pub(in crate::vector) struct QueryCode {
    /// What every distance begins with.
    pub(super) base: f32,
    /// Length of the turned vector.
    pub(super) norm: f32,
    pub(super) bytes: Vec<i8>,
    pub(super) bytes_sum: i32,
    /// The turned vector in half precision, where codes are.
    pub(super) halves: Vec<f16>,
    /// The vector itself, where vectors are compared as they are.
    pub(super) floats: Vec<f32>,
    /// What a number of `bytes` or `halves` is worth.
    pub(super) scale: f32,
    /// The turned vector in four bits a dimension.
    pub(super) numbers: Vec<u8>,
    /// The same by bit.
    pub(super) planes: Vec<u64>,
    /// The smallest number of the turned vector, and the step from one four-bit number to the next.
    pub(super) least: f32,
    pub(super) step: f32,
    /// Sum of the turned vector.
    pub(super) total: f32,
}

impl QueryCode {
    /// Becomes the code of `turned`, which has a multiple of 64 numbers.
    pub(super) fn set(&mut self, turned: &[f32], base: f32) {
        self.base = base;
        Kernel::detected().quantise(turned, self);
        Kernel::detected().planes(&self.numbers, &mut self.planes);
    }

    /// The same for codes of half precision.
    pub(super) fn set_halves(&mut self, turned: &[f32], base: f32) {
        let most = turned.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let over_most = if most > 0.0 { 1.0 / most } else { 0.0 };
        (self.base, self.scale) = (base, most);
        self.norm = turned.iter().map(|x| x * x).sum::<f32>().sqrt();
        self.halves.clear();
        self.halves.extend(turned.iter().map(|x| f16::from_f32(x * over_most)));
    }
}

/// All of a code but its planes.
#[inline(always)]
pub(super) fn quantise(turned: &[f32], into: &mut QueryCode) {
    let (mut squared, mut least, mut largest) = ([0.0_f32; 16], [f32::MAX; 16], [f32::MIN; 16]);
    let mut total = [0.0_f32; 16];
    for part in turned.as_chunks::<16>().0 {
        for lane in 0..16 {
            let x = part[lane];
            squared[lane] += x * x;
            total[lane] += x;
            least[lane] = if x < least[lane] { x } else { least[lane] };
            largest[lane] = if x > largest[lane] { x } else { largest[lane] };
        }
    }
    let least = least.iter().fold(f32::MAX, |a, &b| a.min(b));
    let largest = largest.iter().fold(f32::MIN, |a, &b| a.max(b));
    let most = largest.max(-least).max(0.0);
    (into.norm, into.total) = (squared.iter().sum::<f32>().sqrt(), total.iter().sum());
    (into.least, into.step, into.scale) = (least, (largest - least) / PLANE_MOST, most / 127.0);
    let to_byte = if most > 0.0 { 127.0 / most } else { 0.0 };
    let to_number = if largest > least { PLANE_MOST / (largest - least) } else { 0.0 };
    into.bytes.clear();
    into.numbers.clear();
    // Adding 128 first makes rounding a matter of cutting off.
    into.bytes.extend(turned.iter().map(|x| ((x * to_byte + 128.5) as i32 - 128) as i8));
    into.numbers.extend(turned.iter().map(|x| ((x - least) * to_number + 0.5) as i32 as u8));
    into.bytes_sum = into.bytes.iter().map(|&x| i32::from(x)).sum();
}
