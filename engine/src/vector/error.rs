//! What can be wrong with a vector given to the index.

use super::limits;

/// Why a vector or an option was refused; nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The vector has another number of dimensions than the index.
    #[error("vector has {got} dimensions, the index holds {expected}")]
    Dimension {
        /// Dimensions of the index.
        expected: usize,
        /// Dimensions of the vector.
        got: usize,
    },
    /// A component is NaN or infinite.
    #[error("vector component {position} is not a finite number")]
    NotFinite {
        /// Position of the first such component, from 0.
        position: usize,
    },
    /// All components are zero (or too small to have a direction), which has no similarity to anything.
    #[error("vector is zero and has no direction")]
    Zero,
    /// The vector is so long that its distances overflow.
    #[error("vector is longer than {}", limits::MAX_NORM)]
    TooLong,
    /// The slot is beyond what the flat arrays may hold.
    #[error("slot {slot} is not below {}", limits::MAX_SLOTS)]
    Slot {
        /// The refused slot.
        slot: u32,
    },
    /// The index was asked for with options outside their range.
    #[error("{0}")]
    Options(&'static str),
}
