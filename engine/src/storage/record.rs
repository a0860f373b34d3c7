//! Value encoding: one byte of format version, then MessagePack with named fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::model::Version;

/// The format this code writes.
pub(crate) const FORMAT: u8 = 1;

/// Encodes a record.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    rmp_serde::encode::write_named(&mut bytes, record)
        .map_err(|error| Error::internal("encode a record").caused_by(error))?;
    Ok(bytes)
}

/// Decodes a record of any format this code knows.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    match bytes.split_first() {
        Some((&FORMAT, record)) => {
            rmp_serde::from_slice(record).map_err(|error| Error::corrupt(format!("decode {what}")).caused_by(error))
        }
        Some((format, _)) => Err(Error::corrupt(format!(
            "{what} has format {format}, this version reads format {FORMAT}: it was written by a newer version"
        ))),
        None => Err(Error::corrupt(format!("{what} is empty"))),
    }
}

/// Encodes a record that the store will complete with its commit's version: the last 10 bytes, and their offset behind.
pub(crate) fn encode_stamped<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    let mut bytes = encode(record)?;
    let offset = u32::try_from(bytes.len()).map_err(|error| Error::internal("encode a record").caused_by(error))?;
    bytes.extend_from_slice(&[0xff; 10]);
    bytes.extend_from_slice(&offset.to_le_bytes());
    Ok(bytes)
}

/// Encodes a record whose version is known already.
pub(crate) fn encode_versioned<T: Serialize>(record: &T, version: Version) -> Result<Vec<u8>> {
    let mut bytes = encode(record)?;
    bytes.extend_from_slice(version.as_bytes());
    Ok(bytes)
}

/// Decodes a record written by [`encode_stamped`] or [`encode_versioned`], and its version.
pub(crate) fn decode_stamped<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<(T, Version)> {
    let Some((record, stamp)) = bytes.split_last_chunk::<10>() else {
        return Err(Error::corrupt(format!("{what} is too short")));
    };
    Ok((decode(record, what)?, Version::from_bytes(*stamp)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let mut bytes = encode(&"x").unwrap();
        assert_eq!(decode::<String>(&bytes, "a record").unwrap(), "x");
        bytes[0] = 9;
        let error = decode::<String>(&bytes, "a record").unwrap_err();
        assert!(error.to_string().contains("format 9"), "{error}");
        assert!(decode::<String>(&[], "a record").is_err());
    }
}
