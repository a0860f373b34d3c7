//! Secrets that are made here and shown once: service tokens and codes of invitations. What is kept of them is a hash.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coditect_store::{Clock, TenantId};
use secrecy::SecretString;
use uuid::Uuid;

/// Random bytes of a secret. So many cannot be guessed, so that a fast hash of them is safe to keep.
const SECRET_BYTES: usize = 32;

/// A secret and what it belongs to, taken apart.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) tenant: TenantId,
    pub(crate) id: Uuid,
    bytes: [u8; SECRET_BYTES],
}

/// What is kept of a secret.
pub(crate) type SecretHash = [u8; 32];

pub(crate) fn random_bytes<const N: usize>(clock: &Clock) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&clock.random().to_le_bytes()[..chunk.len()]));
    bytes
}

impl Secret {
    pub(crate) fn made(tenant: TenantId, id: Uuid, clock: &Clock) -> Self {
        Self { tenant, id, bytes: random_bytes(clock) }
    }

    /// As text: the prefix says what it is to whoever finds it, people and scanners for lost secrets alike.
    pub(crate) fn show(&self, prefix: &str) -> SecretString {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.bytes);
        bytes.extend_from_slice(self.tenant.as_str().as_bytes());
        format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
    }

    /// Takes apart what [`Secret::show`] made.
    pub(crate) fn read(prefix: &str, text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(prefix)?).ok()?;
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (secret, tenant) = rest.split_first_chunk::<SECRET_BYTES>()?;
        let tenant = TenantId::new(std::str::from_utf8(tenant).ok()?).ok()?;
        Some(Self { tenant, id: Uuid::from_bytes(*id), bytes: *secret })
    }

    pub(crate) fn hash(&self) -> SecretHash {
        *blake3::hash(&self.bytes).as_bytes()
    }

    /// Whether `hash` is kept of this secret, in a time that tells nothing.
    pub(crate) fn is_of(&self, hash: &SecretHash) -> bool {
        blake3::hash(&self.bytes) == blake3::Hash::from_bytes(*hash)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_shown() {
        let clock = Clock::system();
        let made = Secret::made(TenantId::new("acme").unwrap(), clock.uuid(), &clock);
        let shown = made.show("x_");
        let read = Secret::read("x_", shown.expose_secret()).unwrap();
        assert_eq!((read.tenant.as_str(), read.id), ("acme", made.id));
        assert!(read.is_of(&made.hash()));
        assert!(!Secret::made(made.tenant.clone(), made.id, &clock).is_of(&made.hash()));
        let text = shown.expose_secret();
        for bad in ["", "x_", "x_AAAA", &text[2..], &format!("{text}="), &text.replacen("x_", "y_", 1)] {
            assert!(Secret::read("x_", bad).is_none(), "{bad}");
        }
    }
}
