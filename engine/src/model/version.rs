//! The version of a change: the store's commit versionstamp, shown as 20 hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A commit's place in the total order of all commits: 8 bytes of commit version and 2 of batch order, big-endian.
///
/// Versions compare in commit order, also as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Version([u8; 10]);

impl Version {
    /// Before every commit.
    pub const ZERO: Self = Self([0; 10]);

    /// The version of a commit's 10-byte versionstamp.
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// The last version that a read at store version `read_version` can see.
    pub fn of_read(read_version: u64) -> Self {
        let mut bytes = [0xff; 10];
        bytes[..8].copy_from_slice(&read_version.to_be_bytes());
        Self(bytes)
    }

    /// The store's version at which it was committed.
    pub fn commit(&self) -> u64 {
        self.0.first_chunk().map_or(0, |commit| u64::from_be_bytes(*commit))
    }

    /// The versionstamp.
    pub const fn as_bytes(&self) -> &[u8; 10] {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = || Error::invalid("/min_version", "a version is 20 hexadecimal digits, as a write answered it");
        if text.len() != 20 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut bytes = [0; 10];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_keeps_the_order() {
        let older = Version::from_bytes([0, 0, 0, 0, 0, 0, 1, 0, 0, 9]);
        let newer = Version::from_bytes([0, 0, 0, 0, 0, 0, 1, 1, 0, 0]);
        assert_eq!(older.to_string().parse::<Version>().unwrap(), older);
        assert!(older < newer && older.to_string() < newer.to_string());
        assert_eq!((older.commit(), newer.commit()), (0x100, 0x101));
        assert!(Version::of_read(0x100) >= older && Version::of_read(0x100) < newer);
    }

    #[test]
    fn odd_text_is_refused() {
        for text in
            ["", "0", "zz000000000000000000", "+0000000000000000000", "000000000000000000000", "ü000000000000000000"]
        {
            assert!(text.parse::<Version>().is_err(), "{text:?}");
        }
    }
}
