//! Refresh tokens: each is used once, for the next and a new JWT (RFC 9700, section 4.14.2). A session has one family of them.
//!
//! The tokens of a family are numbered, and each is an authentication code over its number, made with the server's secret: nothing of a token is kept, and
//! whoever uses one at the same time as others gets the same next one. When one is used that was followed long ago, somebody has a copy: the session ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coditect_store::tuple::{pack, unpack};
use coditect_store::{TenantId, Transaction, record};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::auth::{Auth, Inner, Tried};
use crate::error::{Refusal, Result};
use crate::ids::SessionId;
use crate::keyring::{Key, KeyRing};
use crate::keys::TenantKeys;
use crate::limits;
use crate::login::Granted;
use crate::session::{Session, SessionStatus, to_millis};
use crate::{sessions, users};

const PREFIX: &str = "coditect_refresh_";

/// How far a session's refresh tokens are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Family {
    /// Number of the token that is to be used next.
    pub(crate) number: u64,
    /// When the one before it was used.
    pub(crate) rotated_at: Timestamp,
}

/// A refresh token, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RefreshToken {
    tenant: TenantId,
    session: SessionId,
    number: u64,
}

impl RefreshToken {
    fn message(&self) -> Vec<u8> {
        pack(&(self.tenant.as_str(), self.session.as_str(), self.number))
    }

    fn show(&self, key: &Key) -> SecretString {
        let code = key.refresh_code(&self.message());
        let all = (&key.id, self.tenant.as_str(), self.session.as_str(), self.number, &code.as_bytes()[..]);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(pack(&all))).into()
    }

    /// Takes apart what one of the ring's keys has made, and nothing else.
    fn read(keys: &KeyRing, text: &str) -> Option<Self> {
        if text.len() > limits::BEARER_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, tenant, session, number, code): (String, String, String, u64, Vec<u8>) = unpack(&bytes).ok()?;
        let token = Self { tenant: TenantId::new(tenant).ok()?, session: SessionId::new(session).ok()?, number };
        let key = keys.find(&id)?;
        let is_ours = key.refresh_code(&token.message()) == blake3::Hash::from_bytes(code.try_into().ok()?);
        // Numbers could be spelled in other ways: one spelling is minted.
        (is_ours && token.show(key).expose_secret() == text).then_some(token)
    }
}

/// The first token of a new session's family.
pub(crate) fn begin(tx: &Transaction, keys: &TenantKeys, session: &Session) -> Result<()> {
    let family = Family { number: 0, rotated_at: session.created_at };
    tx.set(&keys.family(&session.session_id), &record::encode(&family)?);
    Ok(())
}

/// The token of a family that is to be used next.
pub(crate) fn token(keys: &KeyRing, session: &Session, number: u64) -> SecretString {
    let (tenant, session) = (session.tenant_id.clone(), session.session_id.clone());
    RefreshToken { tenant, session, number }.show(keys.signing())
}

/// What became of a refresh token that was used.
enum Outcome {
    /// The session goes on; the family's next token has this number.
    Next { session: Box<Session>, user: Box<users::User>, number: u64 },
    /// The session was ended.
    Reused,
}

impl Auth {
    /// Takes a refresh token for the next one and a new JWT.
    ///
    /// Within [`limits::REFRESH_GRACE`] of its first use a token works again, and gives the same next one; so does that next one itself.
    ///
    /// # Errors
    /// `Unauthenticated`: for what is no such token, for a session that is over, and with [`Refusal::Reused`] for a token that was used before.
    pub async fn refresh(&self, token: &SecretString, request_id: &str) -> Result<Granted> {
        let auth = &*self.inner;
        let used = RefreshToken::read(auth.jwt.keys(), token.expose_secret()).ok_or(Refusal::Malformed)?;
        match auth.rotate(&used, request_id).await? {
            Outcome::Next { session, user, number } => auth.grant(*session, &user, number),
            Outcome::Reused => {
                metrics::counter!("auth_refresh_reuse_total").increment(1);
                tracing::warn!(tenant = %used.tenant, session = %used.session, "a refresh token was used again: its session was ended");
                Err(Refusal::Reused.into())
            }
        }
    }
}

impl Inner {
    async fn rotate(&self, used: &RefreshToken, request_id: &str) -> Result<Outcome> {
        let (keys, now, reused) = (&self.keys.tenant(&used.tenant), self.clock.now(), &Tried::default());
        self.run(|tx| async move {
            let session = sessions::read(&tx, keys, &used.session).await?.ok_or(Refusal::NoSession)?;
            if reused.is_set() && session.status == SessionStatus::Terminated {
                return Ok(Outcome::Reused);
            }
            session.check(now)?;
            if is_longer(now, session.created_at, limits::SESSION_LIFE) {
                return Err(Refusal::Expired.into());
            }
            let user = users::read(&tx, keys, &session.user_id).await?.filter(|user| !user.disabled);
            let user = Box::new(user.ok_or(Refusal::NoSession)?);
            let family = read_family(&tx, keys, &used.session).await?.ok_or(Refusal::Terminated)?;
            let is_fresh = family.number > 0 && !is_longer(now, family.rotated_at, limits::REFRESH_GRACE);
            // While one token has just taken another's place, both give it: no tab is left behind by two others.
            if is_fresh && (used.number == family.number || used.number + 1 == family.number) {
                return Ok(Outcome::Next { session: Box::new(session), user, number: family.number });
            }
            if used.number == family.number {
                return next(&tx, keys, (session, user), family.number + 1, now);
            }
            reused.set();
            sessions::end(&tx, keys, &session, now)?;
            let actor = sessions::actor(&session.user_id, &session.session_id);
            let target = format!("session {}: a refresh token was used again", session.session_id);
            self.auditor(keys.tenant(), actor, request_id).note(&tx, 0, "session.reuse", &target)?;
            Ok(Outcome::Reused)
        })
        .await
    }
}

/// The family goes on to another token, and the session was used.
fn next(
    tx: &Transaction,
    keys: &TenantKeys,
    (session, user): (Session, Box<users::User>),
    number: u64,
    now: Timestamp,
) -> Result<Outcome> {
    let now = to_millis(now);
    let session = Session { last_access_at: now.max(session.last_access_at), ..session };
    tx.set(&keys.family(&session.session_id), &record::encode(&Family { number, rotated_at: now })?);
    sessions::write(tx, keys, &session)?;
    Ok(Outcome::Next { session: Box::new(session), user, number })
}

async fn read_family(tx: &Transaction, keys: &TenantKeys, session: &SessionId) -> Result<Option<Family>> {
    match tx.get(&keys.family(session)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, "the refresh tokens of a session")?)),
        None => Ok(None),
    }
}

fn is_longer(now: Timestamp, since: Timestamp, than: std::time::Duration) -> bool {
    now.duration_since(since) > SignedDuration::try_from(than).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(secret: &str, previous: &[&str]) -> KeyRing {
        let previous: Vec<SecretString> = previous.iter().map(|it| (*it).into()).collect();
        KeyRing::new(&secret.into(), &previous).unwrap()
    }

    #[test]
    fn a_token_is_believed_by_the_rings_that_have_its_key() {
        let (old, new) = ("an old secret of at least 32 bytes", "a new secret of at least 32 bytes!");
        let token =
            RefreshToken { tenant: TenantId::new("acme").unwrap(), session: SessionId::new("s-1").unwrap(), number: 7 };
        let shown = token.show(ring(old, &[]).signing());
        let text = shown.expose_secret();
        assert_eq!(RefreshToken::read(&ring(new, &[old]), text), Some(token.clone()));
        assert_eq!(RefreshToken::read(&ring(new, &[]), text), None);
        for end in 0..text.len() {
            assert_eq!(RefreshToken::read(&ring(old, &[]), &text[..end]), None);
        }
        let other = RefreshToken { number: 8, ..token };
        assert_ne!(other.show(ring(old, &[]).signing()).expose_secret(), text);
    }
}
