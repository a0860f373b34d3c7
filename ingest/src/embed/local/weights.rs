//! Reads tensors out of a safetensors file one at a time, so that the file is never in memory twice.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::error::EmbedError;
use super::super::limits::MAX_WEIGHTS_HEADER_BYTES;
use super::invalid;

/// An open safetensors file with its table of contents
/// (<https://github.com/huggingface/safetensors#format>).
pub(super) struct Weights {
    path: PathBuf,
    file: File,
    data_start: u64,
    data_len: u64,
    tensors: HashMap<String, TensorInfo>,
}

#[derive(Deserialize)]
struct TensorInfo {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl Weights {
    pub(super) fn open(path: &Path) -> Result<Self, EmbedError> {
        let fail = |error: std::io::Error| invalid(format!("read {}: {error}", path.display()));
        let path = path.canonicalize().map_err(fail)?;
        let mut file = File::open(&path).map_err(fail)?;
        let file_len = file.metadata().map_err(fail)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(fail)?;
        let header_len = u64::from_le_bytes(length);
        if header_len > MAX_WEIGHTS_HEADER_BYTES || header_len + 8 > file_len {
            return Err(invalid(format!("{} is not a safetensors file or is cut short", path.display())));
        }
        let mut header = vec![0; header_len as usize];
        file.read_exact(&mut header).map_err(fail)?;
        let tensors =
            parse_header(&header).map_err(|error| invalid(format!("header of {}: {error}", path.display())))?;
        let data_start = header_len + 8;
        Ok(Self { path, file, data_start, data_len: file_len - data_start, tensors })
    }

    /// SHA-256 of the whole file, in hex.
    pub(super) fn sha256(&mut self) -> Result<String, EmbedError> {
        let fail = |error: std::io::Error| invalid(format!("read the weights: {error}"));
        self.file.seek(SeekFrom::Start(0)).map_err(fail)?;
        let mut digest = Sha256::new();
        let mut block = vec![0; 1 << 20];
        loop {
            let read = self.file.read(&mut block).map_err(fail)?;
            if read == 0 {
                return Ok(super::super::fingerprint::hex(&digest.finalize()));
            }
            digest.update(&block[..read]);
        }
    }

    /// The file itself, with every link resolved.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The values of `name` as f32, row by row, which must have exactly `shape`.
    pub(super) fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EmbedError> {
        let (decoder, bytes) = self.locate(name, shape)?;
        let mut raw = vec![0; (bytes.end - bytes.start) as usize];
        self.file
            .seek(SeekFrom::Start(bytes.start))
            .and_then(|_| self.file.read_exact(&mut raw))
            .map_err(|error| invalid(format!("read `{name}`: {error}")))?;
        Ok(raw.chunks_exact(decoder.width).map(decoder.value).collect())
    }

    /// Where the file holds `name`, if its values are f32 and so can be used in place.
    pub(super) fn in_place(&self, name: &str, shape: &[usize]) -> Result<Option<Range<u64>>, EmbedError> {
        let (decoder, bytes) = self.locate(name, shape)?;
        Ok((decoder.width == 4).then_some(bytes))
    }

    fn locate(&self, name: &str, shape: &[usize]) -> Result<(Decoder, Range<u64>), EmbedError> {
        let info = self.tensors.get(name).ok_or_else(|| invalid(format!("the weights have no `{name}`")))?;
        if info.shape != shape {
            return Err(invalid(format!("`{name}` has shape {:?}, the configuration says {shape:?}", info.shape)));
        }
        let decoder = decoder(&info.dtype)
            .ok_or_else(|| invalid(format!("`{name}` has unsupported number format {}", info.dtype)))?;
        let (begin, end) = info.data_offsets;
        let expected = (shape.iter().product::<usize>() * decoder.width) as u64;
        if end > self.data_len || end.checked_sub(begin) != Some(expected) {
            return Err(invalid(format!("`{name}` lies outside of the weights file")));
        }
        Ok((decoder, self.data_start + begin..self.data_start + end))
    }
}

fn parse_header(header: &[u8]) -> Result<HashMap<String, TensorInfo>, serde_json::Error> {
    let mut entries: HashMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    entries.remove("__metadata__");
    entries.into_iter().map(|(name, value)| Ok((name, serde_json::from_value(value)?))).collect()
}

struct Decoder {
    width: usize,
    value: fn(&[u8]) -> f32,
}

fn decoder(dtype: &str) -> Option<Decoder> {
    let decoder = match dtype {
        "F32" => Decoder { width: 4, value: |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]) },
        "BF16" => Decoder { width: 2, value: |b| f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16) },
        "F16" => Decoder { width: 2, value: |b| half_to_f32(u16::from_le_bytes([b[0], b[1]])) },
        _ => return None,
    };
    Some(decoder)
}

/// IEEE 754 binary16 to binary32, exact.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_values_are_exact() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(half_to_f32(bits), value, "{bits:#06x}");
        }
        assert!(half_to_f32(0x7e00).is_nan());
        assert_eq!(half_to_f32(0xfc00), f32::NEG_INFINITY);
    }
}
