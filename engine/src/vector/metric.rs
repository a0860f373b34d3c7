//! Similarity measures: checking, normalising and comparing vectors.

use simsimd::SpatialSimilarity;

use super::error::VectorError;
use super::limits::MAX_NORM;

/// How two vectors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metric {
    /// Cosine of the angle, -1 to 1; vectors are normalised when they come in.
    #[default]
    Cosine,
    /// Inner product of the vectors as they are.
    Dot,
    /// Euclidean distance; the score is its negative.
    Euclidean,
}

impl Metric {
    /// Checks `vector` and returns the form in which it is stored and compared.
    pub(crate) fn prepare(self, vector: &[f32], dimension: usize) -> Result<Vec<f32>, VectorError> {
        let mut prepared = Vec::with_capacity(dimension);
        self.prepare_into(vector, dimension, &mut prepared)?;
        Ok(prepared)
    }

    /// The same in room that is at hand.
    pub(crate) fn prepare_into(self, vector: &[f32], dimension: usize, into: &mut Vec<f32>) -> Result<(), VectorError> {
        into.clear();
        if vector.len() != dimension {
            return Err(VectorError::Dimension { expected: dimension, got: vector.len() });
        }
        if let Some(position) = vector.iter().position(|x| !x.is_finite()) {
            return Err(VectorError::NotFinite { position });
        }
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if norm == 0.0 && self != Self::Euclidean {
            return Err(VectorError::Zero);
        }
        match self {
            // Adding zero turns -0 into 0, so that equal vectors have equal bits.
            Self::Cosine => into.extend(vector.iter().map(|&x| (f64::from(x) / norm) as f32 + 0.0)),
            _ if norm > MAX_NORM => return Err(VectorError::TooLong),
            _ => into.extend(vector.iter().map(|&x| x + 0.0)),
        }
        Ok(())
    }

    /// Distance of two prepared vectors: smaller is nearer.
    #[inline]
    pub(crate) fn distance(self, a: &[f32], b: &[f32]) -> f32 {
        let value = match self {
            Self::Cosine | Self::Dot => f32::dot(a, b).map(|dot| -dot),
            Self::Euclidean => f32::l2sq(a, b),
        };
        value.map_or(f32::INFINITY, |distance| distance as f32)
    }

    /// What stands for the square of a Euclidean distance where spreads are compared: half of it for vectors of length 1.
    #[inline]
    pub(crate) fn squared(self, distance: f32) -> f32 {
        if self == Self::Cosine { 1.0 + distance } else { distance }
    }

    /// The score shown for a distance: larger is nearer.
    pub(crate) fn score(self, distance: f32) -> f32 {
        match self {
            Self::Cosine => (-distance).clamp(-1.0, 1.0),
            Self::Dot => -distance,
            Self::Euclidean => -distance.max(0.0).sqrt(),
        }
    }
}
