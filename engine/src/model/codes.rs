//! The token codes of a passage: for each token its number in the vocabulary, its place, and the signs of its vector.

use bytes::Bytes;

/// Bytes before the tokens: bytes of a token's signs, number of tokens, and how many of them stand before the passage, each a
/// little-endian `u16`.
const HEADER: usize = 6;
/// Bytes of a token besides its signs: its number and its place, each a little-endian `u16`.
const NUMBERS: usize = 4;

/// The tokens that a model saw of a passage, in one piece of bytes: header, numbers, places, signs. With 384 dimensions a token
/// takes 52 bytes. The first of them are of the title and headings that were put before the passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenCodes {
    bytes: Bytes,
}

impl TokenCodes {
    /// Codes from a model's output. `ids` are numbers in the vocabulary (see [`short_id`]). `places` are the beginnings of the
    /// tokens in the passage's shown text, bytes, of which those above 65,535 count as that; there are fewer than ids where the
    /// first tokens stand before the passage. `signs` are the same number of bytes for each token. `None` when the lengths do
    /// not fit together, or there are more than 65,535 tokens.
    #[must_use]
    pub fn new(ids: &[u32], places: &[usize], signs: &[u8]) -> Option<Self> {
        let count = u16::try_from(ids.len()).ok()?;
        let before = u16::try_from(ids.len().checked_sub(places.len())?).ok()?;
        let each = if ids.is_empty() { 0 } else { signs.len() / ids.len() };
        if each * ids.len() != signs.len() {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEADER + NUMBERS * ids.len() + signs.len());
        [u16::try_from(each).ok()?, count, before].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        ids.iter().for_each(|&id| bytes.extend(short_id(id).to_le_bytes()));
        bytes.resize(bytes.len() + 2 * usize::from(before), 0);
        places.iter().for_each(|&place| bytes.extend(u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes()));
        bytes.extend(signs);
        Some(Self { bytes: bytes.into() })
    }

    /// Codes as they were stored; `None` for bytes that are none.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>()?;
        let [each, count, before] = [0, 2, 4].map(|at| usize::from(u16::from_le_bytes([header[at], header[at + 1]])));
        (before <= count && bytes.len() == HEADER + count * (NUMBERS + each)).then_some(Self { bytes })
    }

    /// As they are stored.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Reads from `bytes`, which are equal to those read until now.
    pub(crate) fn move_to(&mut self, bytes: Bytes) {
        debug_assert_eq!(self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header(1)
    }

    /// Whether there are no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the tokens stand before the passage.
    #[must_use]
    pub fn before(&self) -> usize {
        self.header(2)
    }

    /// Bytes of a token's signs.
    #[must_use]
    pub fn sign_bytes(&self) -> usize {
        self.header(0)
    }

    /// The tokens' numbers in the vocabulary, as [`short_id`] makes them.
    pub fn ids(&self) -> impl Iterator<Item = u16> {
        self.numbers(0)
    }

    /// Where the passage's tokens begin in its shown text, bytes; those before the passage are left out.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.numbers(1).skip(self.before()).map(usize::from)
    }

    /// The signs of the tokens' vectors, one after the other.
    #[must_use]
    pub fn signs(&self) -> &[u8] {
        &self.bytes[HEADER + NUMBERS * self.len()..]
    }

    fn header(&self, place: usize) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[2 * place], self.bytes[2 * place + 1]]))
    }

    fn numbers(&self, column: usize) -> impl Iterator<Item = u16> {
        let length = 2 * self.len();
        let begin = HEADER + column * length;
        self.bytes[begin..begin + length].as_chunks::<2>().0.iter().map(|two| u16::from_le_bytes(*two))
    }
}

/// A number in a vocabulary in 16 bits. Of a vocabulary of more than 65,536 tokens some share a number.
#[must_use]
pub fn short_id(id: u32) -> u16 {
    (id ^ (id >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_they_were_made() {
        let codes = TokenCodes::new(&[7, 30_521, 70_000], &[5, 90_000], &[1, 2, 3, 4, 5, 6]).unwrap();
        let codes = TokenCodes::from_bytes(codes.as_bytes().clone()).unwrap();
        assert_eq!(codes.ids().collect::<Vec<_>>(), [7, 30_521, 4_465]);
        assert_eq!(codes.places().collect::<Vec<_>>(), [5, usize::from(u16::MAX)]);
        assert_eq!((codes.len(), codes.before(), codes.sign_bytes()), (3, 1, 2));
        assert_eq!(codes.signs(), [1, 2, 3, 4, 5, 6]);
        let none = TokenCodes::new(&[], &[], &[]).unwrap();
        assert!(none.is_empty() && none.signs().is_empty() && none.ids().next().is_none());
    }

    #[test]
    fn a_token_of_384_dimensions_takes_52_bytes() {
        let codes = TokenCodes::new(&[1; 200], &[0; 200], &[0; 200 * 48]).unwrap();
        assert_eq!(codes.as_bytes().len(), HEADER + 200 * 52);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        assert!(TokenCodes::new(&[1], &[0, 0], &[0]).is_none());
        assert!(TokenCodes::new(&[1, 2], &[0, 1], &[0; 3]).is_none());
        assert!(TokenCodes::new(&[], &[], &[0]).is_none());
        assert!(TokenCodes::new(&[0; 70_000], &[0; 70_000], &[0; 70_000]).is_none());
        let bad =
            [&b""[..], b"\x01\x00\x01\x00\x00", b"\x01\x00\x01\x00\x00\x00\x00", b"\x00\x00\x01\x00\x02\x00\0\0\0\0"];
        for bytes in bad {
            assert!(TokenCodes::from_bytes(Bytes::copy_from_slice(bytes)).is_none(), "{bytes:?}");
        }
    }
}
