//! The secrets that tokens are signed with: one signs, earlier ones still verify. A key's id is made of the key itself, so that all replicas and
//! services that share a secret call it the same.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};
use crate::limits;

/// The contexts of what is derived from a secret (BLAKE3's key derivation); other contexts give unrelated bytes.
const KEY_ID: &str = "coditect 2026-11 id of a signing key";
const REFRESH: &str = "coditect 2026-11 refresh tokens";
/// Bytes of a key's id: enough to tell keys apart, and far too few to learn anything of one.
const KEY_ID_BYTES: usize = 6;

/// Keys by their ids.
#[derive(Clone)]
pub struct KeyRing {
    /// The first signs.
    keys: Vec<Key>,
}

#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    refresh: [u8; 32],
}

impl KeyRing {
    /// A ring whose `signing` secret signs and verifies; those in `previous` verify what they signed before.
    ///
    /// # Errors
    /// `Invalid` for a secret of fewer than [`limits::SECRET_BYTES`] bytes, or one that is given twice.
    pub fn new(signing: &SecretString, previous: &[SecretString]) -> Result<Self> {
        let mut keys: Vec<Key> = Vec::with_capacity(1 + previous.len());
        for secret in std::iter::once(signing).chain(previous) {
            let key = Key::new(secret.expose_secret().as_bytes())?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(Error::invalid("/secret", "a secret is given twice"));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }

    pub(crate) fn signing(&self) -> &Key {
        &self.keys[0]
    }

    /// The key of this id. A ring has a few keys, so that unknown ids cost nothing.
    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl Key {
    fn new(secret: &[u8]) -> Result<Self> {
        if secret.len() < limits::SECRET_BYTES {
            let (given, least) = (secret.len(), limits::SECRET_BYTES);
            return Err(Error::invalid(
                "/secret",
                format!("a secret has at least {least} bytes, this one has {given}"),
            ));
        }
        let id = URL_SAFE_NO_PAD.encode(&blake3::derive_key(KEY_ID, secret)[..KEY_ID_BYTES]);
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Ok(Self { id, encoding, decoding, refresh: blake3::derive_key(REFRESH, secret) })
    }

    /// The key's authentication code of `message`, for refresh tokens. Comparing two of them takes the same time for all.
    pub(crate) fn refresh_code(&self, message: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.refresh, message)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.into()
    }

    #[test]
    fn short_and_repeated_secrets_are_refused_and_ids_stay() {
        let long = "0123456789abcdef0123456789abcdef";
        assert!(KeyRing::new(&secret(&long[1..]), &[]).is_err());
        assert!(KeyRing::new(&secret(long), &[secret(long)]).is_err());
        let ring = KeyRing::new(&secret(long), &[secret(&format!("{long}!"))]).unwrap();
        // Of the same secret, each release and each service makes the same id.
        assert_eq!(ring.signing().id, "Y-yAx33-");
        assert!(ring.find("Y-yAx33-").is_some() && ring.find("").is_none());
        assert!(!format!("{ring:?}").contains(long));
    }
}
