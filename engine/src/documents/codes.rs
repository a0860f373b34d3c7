//! Token codes in the store, beside the passages that they belong to: results are read without them.

use std::collections::HashMap;

use bytes::Bytes;

use super::Context;
use crate::error::{Error, Result};
use crate::model::{CollectionId, Generation, TokenCodes};
use crate::storage::{TenantKeys, parts};

/// The format this code writes, the first byte of a value.
const FORMAT: u8 = 1;

/// Encodes codes for the store.
pub(crate) fn encode(codes: &TokenCodes) -> Vec<u8> {
    [&[FORMAT][..], codes.as_bytes()].concat()
}

fn decode(value: Vec<u8>) -> Result<TokenCodes> {
    match value.first() {
        Some(&FORMAT) => TokenCodes::from_bytes(Bytes::from(value).slice(1..))
            .ok_or_else(|| Error::corrupt("decode a passage's token codes")),
        Some(format) => Err(Error::corrupt(format!(
            "a passage's token codes have format {format}, this version reads format {FORMAT}: they were written by a newer version"
        ))),
        None => Err(Error::corrupt("a passage's token codes are empty")),
    }
}

/// Reads the codes of a generation, by the ordinals of their passages.
pub(crate) async fn all(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    generation: Generation,
) -> Result<HashMap<u32, TokenCodes>> {
    let space = keys.codes(collection, generation);
    let values = parts::all(&context.store, &space, "a passage's token codes").await?;
    values.into_iter().map(|(ordinal, value)| Ok((ordinal, decode(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_format_is_read_for_ever() {
        let written = b"\x01\x01\x00\x02\x00\x01\x00\x07\x00\x08\x00\x00\x00\x05\x00\xaa\x55";
        let codes = TokenCodes::new(&[7, 8], &[5], &[0xaa, 0x55]).unwrap();
        assert_eq!(encode(&codes), written);
        assert_eq!(decode(written.to_vec()).unwrap(), codes);
        assert!(decode(vec![9]).unwrap_err().to_string().contains("format 9"));
        assert!(decode(vec![]).is_err() && decode(vec![FORMAT, 1]).is_err());
    }
}
