//! Values of records: one byte of format version, then MessagePack with named fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// The format this code writes.
pub const FORMAT: u8 = 1;

/// Encodes a record.
///
/// # Errors
/// `Invalid` for a type that MessagePack has no form for.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    rmp_serde::encode::write_named(&mut bytes, record)
        .map_err(|error| Error::with_source(ErrorKind::Invalid, "encode a record", error))?;
    Ok(bytes)
}

/// Decodes a record of any format this code knows; `what` names it in errors.
///
/// # Errors
/// `Corrupt` when it is none.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    match bytes.split_first() {
        Some((&FORMAT, record)) => rmp_serde::from_slice(record)
            .map_err(|error| Error::with_source(ErrorKind::Corrupt, format!("decode {what}"), error)),
        Some((format, _)) => Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "{what} has format {format}, this version reads format {FORMAT}: it was written by a newer version"
            ),
        )),
        None => Err(Error::new(ErrorKind::Corrupt, format!("{what} is empty"))),
    }
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
