//! A content hash in 32 bytes, so that the hashes of a million documents fit in memory.

use coditect_ingest::wire::{self, DocumentInput};

/// Blake3 of a document's content, as [`wire::content_hash`] computes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a document.
    pub(crate) fn of(document: &DocumentInput) -> Self {
        Self::parse(&wire::content_hash(document)).unwrap_or(Self([0; 32]))
    }

    /// Reads 64 hexadecimal digits.
    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(hash))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_are_written() {
        let document = DocumentInput::new("a", "text");
        let hex = wire::content_hash(&document);
        assert_eq!(ContentHash::parse(&hex), Some(ContentHash::of(&document)));
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(ContentHash::parse(bad), None);
        }
        assert_ne!(ContentHash::of(&document), ContentHash([0; 32]));
    }
}
