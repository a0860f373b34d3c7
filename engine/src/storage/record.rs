//! Records of the engine, and those that carry the version of their commit.

use coditect_store::record as stored;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::model::Version;

/// Encodes a record.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    stored::encode(record).map_err(|error| Error::internal("encode a record").caused_by(error))
}

/// Decodes a record of any format this code knows.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    stored::decode(bytes, what).map_err(|error| Error::corrupt(format!("read {what}")).caused_by(error))
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
