//! Sketches of texts: a few bytes by which passages that say nearly the same are told.

use serde::{Deserialize, Serialize};

/// Bytes of a sketch.
const SIZE: usize = 64;
/// Words of a shingle.
const SHINGLE: usize = 3;

/// A text's sketch: the lowest byte of the smallest hash of its shingles, for each of 64 hash functions. The share of equal bytes
/// of two sketches estimates which share of the shingles of both texts they have in common, with a deviation of at most .06
/// (b-bit minwise hashing; Broder, SEQUENCES 1997; Li and König, WWW 2010).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sketch(#[serde(with = "words")] [u8; SIZE]);

mod words {
    //! Eight numbers, as serde knows no arrays of 64.
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::SIZE;

    type Words = [u64; SIZE / 8];

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; SIZE], serializer: S) -> Result<S::Ok, S::Error> {
        let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        words.collect::<Vec<u64>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; SIZE], D::Error> {
        let mut bytes = [0; SIZE];
        let words = Words::deserialize(deserializer)?;
        bytes.as_chunks_mut::<8>().0.iter_mut().zip(words).for_each(|(place, word)| *place = word.to_le_bytes());
        Ok(bytes)
    }
}

impl Sketch {
    /// The sketch of `text`. Case, white space and punctuation do not matter. O(length).
    pub(crate) fn of(text: &str) -> Self {
        let words: Vec<u64> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| word.chars().flat_map(char::to_lowercase).fold(0xCBF2_9CE4_8422_2325, combined))
            .collect();
        let mut smallest = [u64::MAX; SIZE];
        for shingle in words.windows(SHINGLE.min(words.len()).max(1)) {
            let hash = mixed(shingle.iter().fold(0, |hash, &word| mixed(hash ^ word)));
            for (function, smallest) in (1..).zip(&mut smallest) {
                *smallest = (*smallest).min(mixed(hash ^ u64::wrapping_mul(function, 0x9E37_79B9_7F4A_7C15)));
            }
        }
        Self(smallest.map(|hash| hash as u8))
    }

    /// The share of shingles that both texts have in common, as it is estimated: 0 to 1.
    pub(crate) fn similarity(&self, other: &Self) -> f32 {
        let equal = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        // One byte in 256 is equal by accident.
        ((equal as f32 / SIZE as f32 - 1.0 / 256.0) / (1.0 - 1.0 / 256.0)).max(0.0)
    }
}

/// One step of FNV-1a over characters.
fn combined(hash: u64, character: char) -> u64 {
    (hash ^ u64::from(u32::from(character))).wrapping_mul(0x0100_0000_01B3)
}

/// The finaliser of SplitMix64: every bit of the input changes half of the output's.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn exact(a: &[u32], b: &[u32]) -> f32 {
        let shingles = |words: &[u32]| words.windows(SHINGLE).map(<[u32]>::to_vec).collect::<HashSet<_>>();
        let (a, b) = (shingles(a), shingles(b));
        a.intersection(&b).count() as f32 / a.union(&b).count() as f32
    }

    fn text(words: &[u32]) -> String {
        words.iter().map(|word| format!("w{word} ")).collect()
    }

    proptest! {
        #[test]
        fn similarity_is_near_the_exact_one(
            words in prop::collection::vec(0_u32..500, 40..200),
            changes in prop::collection::vec((0_usize..200, 500_u32..600), 0..20),
        ) {
            let mut other = words.clone();
            changes.iter().for_each(|&(at, word)| {
                let place = at % other.len();
                other[place] = word;
            });
            let estimate = Sketch::of(&text(&words)).similarity(&Sketch::of(&text(&other)));
            // Five deviations.
            prop_assert!((estimate - exact(&words, &other)).abs() < 0.32, "{} {}", estimate, exact(&words, &other));
        }
    }

    #[test]
    fn what_says_the_same_is_alike() {
        let sketch = Sketch::of("Call `open()` first, then read the file.");
        assert_eq!(sketch.similarity(&Sketch::of("call open first — then READ the file")), 1.0);
        assert!(sketch.similarity(&Sketch::of("Nothing of this has anything to do with it at all.")) < 0.1);
        for short in ["", "one", "one two"] {
            assert_eq!(Sketch::of(short).similarity(&Sketch::of(short)), 1.0);
        }
        assert!(Sketch::of("one").similarity(&Sketch::of("two")) < 0.1);
    }
}
