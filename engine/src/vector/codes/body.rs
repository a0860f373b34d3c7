//! What settles the distances of a walk: vectors in eight bits a dimension, in sixteen, or as they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use simsimd::{SpatialSimilarity, f16};

use super::super::limits::SIGNS_FROM;
use super::super::rows::{Bytes, Rows};
use super::QueryCode;

/// In which form a walk compares vectors. Answers are always scored with the vectors as they were given; a finer form finds the same with
/// less effort where vectors lie closer together than their codes can tell, and takes more memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantization {
    /// [`Quantization::OneBit`] where there are enough dimensions for it, else [`Quantization::Int8`].
    #[default]
    Auto,
    /// One bit a dimension first, then eight bits for what that cannot rule out.
    OneBit,
    /// Eight bits a dimension.
    Int8,
    /// Half precision.
    Float16,
    /// The vectors as they are.
    Float32,
}

impl Quantization {
    /// What [`Quantization::Auto`] is for codes of so many numbers.
    pub(super) fn resolved(self, padded: usize) -> Self {
        match self {
            Self::Auto if padded >= SIGNS_FROM => Self::OneBit,
            Self::Auto => Self::Int8,
            chosen => chosen,
        }
    }

    /// Bytes of a row of the finer codes: none where those are the vectors.
    pub(super) fn row_bytes(self, padded: usize) -> usize {
        match self {
            Self::Auto | Self::OneBit | Self::Int8 => padded,
            Self::Float16 => padded * size_of::<f16>(),
            Self::Float32 => 0,
        }
    }
}

/// Four standard deviations of what rounding query and code does to an inner product, as a part of the query's length times the code's scale.
/// Each number is off by at most half a step, evenly: 1/12 of a step squared; twice that for both.
const BYTE_ERROR: f32 = 4.0 * 0.408;
/// The same for numbers of half precision, whose steps at the scale are 2^-11.
const HALF_ERROR: f32 = BYTE_ERROR / 2_048.0;

/// Rows of one of these forms.
#[derive(Debug)]
pub(in crate::vector) enum Body {
    /// Times 127 over the largest, plus 128.
    Bytes(Rows<u8>),
    /// Divided by the largest.
    Halves(Rows<f16>),
    Floats(Arc<Rows<f32>>),
}

impl Body {
    pub(super) fn new(quantization: Quantization, padded: usize, vectors: &Arc<Rows<f32>>) -> Self {
        match quantization {
            Quantization::Auto | Quantization::OneBit | Quantization::Int8 => Self::Bytes(Rows::new(padded)),
            Quantization::Float16 => Self::Halves(Rows::new(padded)),
            Quantization::Float32 => Self::Floats(Arc::clone(vectors)),
        }
    }

    /// Makes room for points below `count`; vectors have theirs.
    pub(super) fn ensure(&self, count: usize) {
        match self {
            Self::Bytes(rows) => rows.ensure(count),
            Self::Halves(rows) => rows.ensure(count),
            Self::Floats(_) => {}
        }
    }

    /// The scale for a turned vector whose largest number is `most`.
    pub(super) fn scale(&self, most: f32) -> f32 {
        if matches!(self, Self::Bytes(_)) { most / 127.0 } else { most }
    }

    /// By how much an inner product may be wrong, for a query of length 1 and a code of scale 1.
    pub(super) fn error(&self) -> f32 {
        match self {
            Self::Bytes(_) => BYTE_ERROR,
            Self::Halves(_) => HALF_ERROR,
            Self::Floats(_) => 0.0,
        }
    }

    /// Writes the code of a turned vector.
    ///
    /// # Safety
    /// As [`Rows::write`]: nobody may read the row meanwhile.
    #[allow(unsafe_code, reason = "rows are written in place")]
    pub(super) unsafe fn write(&self, point: u32, turned: &[f32], most: f32) {
        let over_most = if most > 0.0 { 1.0 / most } else { 0.0 };
        match self {
            Self::Bytes(rows) => {
                let bytes: Vec<u8> = turned.iter().map(|x| (x * over_most * 127.0 + 128.5) as i32 as u8).collect();
                // SAFETY: passed on to the caller.
                unsafe { rows.write(point, &bytes) }
            }
            Self::Halves(rows) => {
                let halves: Vec<f16> = turned.iter().map(|x| f16::from_f32(x * over_most)).collect();
                // SAFETY: passed on to the caller.
                unsafe { rows.write(point, &halves) }
            }
            Self::Floats(_) => {}
        }
    }

    /// Lets `query` stand for the code of a point, of that scale.
    pub(super) fn read_into(&self, point: u32, scale: f32, query: &mut QueryCode) {
        query.scale = scale;
        let squared = match self {
            Self::Bytes(rows) => {
                query.bytes.clear();
                query.bytes.extend(rows.row(point).iter().map(|&x| (x ^ 128) as i8));
                query.bytes_sum = query.bytes.iter().map(|&x| i32::from(x)).sum();
                query.bytes.iter().map(|&x| i32::from(x) * i32::from(x)).sum::<i32>() as f32
            }
            Self::Halves(rows) => {
                query.halves.clear();
                query.halves.extend(rows.row(point));
                half_dot(&query.halves, &query.halves)
            }
            Self::Floats(rows) => {
                query.floats.clear();
                query.floats.extend(rows.row(point));
                0.0
            }
        };
        query.norm = scale * squared.sqrt();
    }

    #[inline]
    pub(super) fn prefetch(&self, point: u32) {
        match self {
            Self::Bytes(rows) => rows.prefetch(point),
            Self::Halves(rows) => rows.prefetch(point),
            Self::Floats(rows) => rows.prefetch(point),
        }
    }

    /// Bytes of the codes of `count` points; vectors are counted elsewhere.
    pub(super) fn bytes(&self, count: usize) -> Bytes {
        match self {
            Self::Bytes(rows) => rows.bytes(count),
            Self::Halves(rows) => rows.bytes(count),
            Self::Floats(_) => Bytes::default(),
        }
    }
}

#[inline]
pub(super) fn half_dot(a: &[f16], b: &[f16]) -> f32 {
    f16::dot(a, b).map_or(0.0, |dot| dot as f32)
}
