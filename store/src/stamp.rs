//! Versionstamps: the ten bytes that a commit puts into keys and values that asked for it.

use bytes::Bytes;

use crate::error::{Error, Result};

/// Eight bytes of commit version, then two of order within it, both big endian.
pub(crate) type Stamp = [u8; 10];

/// Length of a [`Stamp`].
pub(crate) const STAMP_BYTES: usize = 10;
const OFFSET_BYTES: usize = 4;

/// The versionstamp of a commit.
pub(crate) fn stamp(version: u64, order: u16) -> Stamp {
    let mut stamp = [0; STAMP_BYTES];
    stamp[..8].copy_from_slice(&version.to_be_bytes());
    stamp[8..].copy_from_slice(&order.to_be_bytes());
    stamp
}

/// Where in `template` the stamp goes: its last four bytes, little endian, which are no part of the result.
pub(crate) fn position(template: &[u8]) -> Result<usize> {
    let body = template.len().checked_sub(OFFSET_BYTES);
    let (body, suffix) = match body.and_then(|body| template.split_at_checked(body)) {
        Some((body, suffix)) => (body.len(), suffix),
        None => {
            return Err(Error::invalid("a versionstamped parameter ends in a 4-byte position"));
        }
    };
    let mut offset = [0; OFFSET_BYTES];
    offset.copy_from_slice(suffix);
    let offset = u32::from_le_bytes(offset) as usize;
    match offset.checked_add(STAMP_BYTES) {
        Some(end) if end <= body => Ok(offset),
        _ => Err(Error::invalid(format!("versionstamp position {offset} leaves no room for 10 of {body} bytes"))),
    }
}

/// The template without its suffix and with the stamp in place. The template has been checked by [`position`].
pub(crate) fn fill(template: &[u8], stamp: &Stamp) -> Result<Bytes> {
    let offset = position(template)?;
    let mut filled = template[..template.len() - OFFSET_BYTES].to_vec();
    filled[offset..offset + STAMP_BYTES].copy_from_slice(stamp);
    Ok(filled.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_at_the_position_that_the_suffix_names() {
        let mut template = b"ab----------cd".to_vec();
        template.extend_from_slice(&2u32.to_le_bytes());
        let filled = fill(&template, &stamp(0x0102, 0x0304)).unwrap();
        assert_eq!(&filled[..], b"ab\0\0\0\0\0\0\x01\x02\x03\x04cd");
    }

    #[test]
    fn refuses_positions_outside() {
        assert!(position(b"").is_err());
        assert!(position(b"\0\0\0").is_err());
        assert!(position(b"\0\0\0\0").is_err());
        assert!(position(b"0123456789\x01\0\0\0").is_err());
        assert!(position(b"0123456789\xff\xff\xff\xff").is_err());
        assert_eq!(position(b"0123456789\0\0\0\0").unwrap(), 0);
    }
}
