//! How a collection's vectors are searched, as it is set and as it is shown.

use coditect_engine::model::{SearchChange, SearchInfo as Info};
use coditect_engine::vector;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// How a collection's vectors are searched where a search does not say. What is absent stays as it is, `null` takes it back to the
/// default.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"recall_target": 0.97}))]
pub(super) struct SearchSettings {
    /// Recall that approximate vector searches shall have against exact ones, 0.5 to 0.999; 0.95 by default. The effort follows it.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<f64>, minimum = 0.5, maximum = 0.999)]
    recall_target: Option<Option<f64>>,
    /// An effort (`ef`) that is kept to whatever recall comes of it, 1 to 4096; chosen automatically by default.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 4096)]
    ef: Option<Option<u32>>,
    /// The least effort that is chosen automatically, 1 to 4096; 128 by default.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 4096)]
    ef_min: Option<Option<u32>>,
}

/// In which form a walk compares vectors; the answer is always scored with the vectors as they were given. A finer form finds the same with
/// less effort where vectors lie closer together than their codes can tell, and takes more memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quantization {
    /// `one_bit` where vectors are long enough for it, else `int8`.
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

impl From<Quantization> for vector::Quantization {
    fn from(chosen: Quantization) -> Self {
        match chosen {
            Quantization::Auto => Self::Auto,
            Quantization::OneBit => Self::OneBit,
            Quantization::Int8 => Self::Int8,
            Quantization::Float16 => Self::Float16,
            Quantization::Float32 => Self::Float32,
        }
    }
}

impl From<vector::Quantization> for Quantization {
    fn from(chosen: vector::Quantization) -> Self {
        match chosen {
            vector::Quantization::Auto => Self::Auto,
            vector::Quantization::OneBit => Self::OneBit,
            vector::Quantization::Int8 => Self::Int8,
            vector::Quantization::Float16 => Self::Float16,
            vector::Quantization::Float32 => Self::Float32,
        }
    }
}

/// A value that was given, if only as `null`.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl From<SearchSettings> for SearchChange {
    fn from(body: SearchSettings) -> Self {
        Self { recall_target: body.recall_target, ef: body.ef, ef_min: body.ef_min }
    }
}

/// How a collection's vectors are searched, and what is known of their recall since this server's start.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct SearchInfo {
    /// Recall that approximate vector searches shall have against exact ones.
    recall_target: f64,
    /// The effort that is set; `null` where it is chosen automatically.
    ef: Option<u32>,
    /// The least effort that is chosen automatically, where it is set.
    ef_min: Option<u32>,
    /// The effort (`ef`) of searches that do not say.
    effort: usize,
    /// Recall of searches with this effort, 0 to 1: the mean of the last samples. `null` before there is one.
    recall: Option<f64>,
    /// How many samples that is the mean of, at most 200.
    samples: usize,
}

impl From<Info> for SearchInfo {
    fn from(info: Info) -> Self {
        Self {
            recall_target: info.settings.recall_target,
            ef: info.settings.ef,
            ef_min: info.settings.ef_min,
            effort: info.effort,
            recall: info.recall,
            samples: info.samples,
        }
    }
}
