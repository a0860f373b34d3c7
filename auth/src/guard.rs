//! The guard: from a bearer token to a [`Caller`]. Nothing of it is cached, so that what is ended is refused at the next request, on every replica.

use coditect_store::{RunOptions, Transaction};
use jiff::Timestamp;

use crate::auth::{Auth, Inner};
use crate::caller::{Actor, Caller};
use crate::error::{ErrorKind, Refusal, Result};
use crate::ids::{SessionId, UserId};
use crate::keys::TenantKeys;
use crate::limits;
use crate::service;
use crate::session::Session;
use crate::users::User;
use crate::{sessions, users};

impl Auth {
    /// Who sends this bearer token: a JWT whose session may be used, or a service token. Takes one trip to the store, for the session and its user together.
    ///
    /// # Errors
    /// `Unauthenticated` for whatever is not one of ours and in force; `Unavailable` when the store does not answer.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let auth = &*self.inner;
        let found = match bearer.starts_with(service::PREFIX) {
            true => auth.by_service_token(bearer).await,
            false => auth.by_session(bearer).await,
        };
        let result = match &found {
            Ok(_) => "granted",
            Err(error) => error.refusal().map_or("failed", Refusal::label),
        };
        metrics::counter!("auth_requests_total", "result" => result).increment(1);
        found
    }
}

/// The token of an `authorization` header (RFC 6750, section 2.1).
///
/// # Errors
/// `Malformed` for another scheme, or something that is no token.
pub fn bearer(header: &[u8]) -> Result<&str, Refusal> {
    let text = std::str::from_utf8(header).map_err(|_| Refusal::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refusal::Malformed)?;
    let token = token.trim_start_matches(' ');
    let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    match scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.bytes().all(is_token) {
        true => Ok(token),
        false => Err(Refusal::Malformed),
    }
}

impl Inner {
    async fn by_session(&self, token: &str) -> Result<Caller> {
        let claims = self.jwt.verify(token)?;
        let (keys, id, user) = (&self.keys.tenant(&claims.tenant_id), &claims.session_id, &claims.user_id);
        let both = self
            .look(|tx| async move { tokio::try_join!(sessions::read(&tx, keys, id), users::read(&tx, keys, user)) });
        let now = self.clock.now();
        let (session, user) = judge(both.await, keys, &claims.user_id, id, now)?;
        self.toucher.used(keys, &session, now);
        let scopes = user.map_or(claims.scopes(), |user| claims.scopes().common(user.role.scopes()));
        let actor = Actor::User { user: claims.user_id, session: Some(claims.session_id) };
        Ok(Caller { tenant: claims.tenant_id, actor, scopes, collections: None })
    }

    /// Reads in a transaction of its own, which therefore never conflicts.
    pub(crate) async fn look<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        self.store.run_with(RunOptions::deadline(limits::GUARD_WAIT), f).await
    }
}

/// A session and its user as they were read, unless the session may not be used by `user` now.
pub(crate) fn judge(
    found: Result<(Option<Session>, Option<User>)>,
    keys: &TenantKeys,
    user_id: &UserId,
    id: &SessionId,
    now: Timestamp,
) -> Result<(Session, Option<User>)> {
    let (session, user) = match found {
        // Nobody gets in by a record that cannot be read.
        Err(error) if *error.kind() == ErrorKind::Corrupt => {
            tracing::error!(tenant = %keys.tenant(), session = %id, "the record of a session or its user cannot be read");
            return Err(Refusal::NoSession.into());
        }
        both => both?,
    };
    let session = session.filter(|session| session.user_id == *user_id).ok_or(Refusal::NoSession)?;
    session.check(now)?;
    // Other services make sessions too, also of users of their own. Those of ours are what they are by now.
    if user.as_ref().is_some_and(|user| user.disabled) {
        return Err(Refusal::Terminated.into());
    }
    Ok((session, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_one_token() {
        for fine in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c"] {
            assert_eq!(bearer(fine.as_bytes()), Ok("a.b.c"), "{fine}");
        }
        for bad in
            ["", "Bearer", "Bearer ", "a.b.c", "Basic a.b.c", "Bearer a b", "Bearer a,b", "Bearer\ta", "Bearer ü"]
        {
            assert_eq!(bearer(bad.as_bytes()), Err(Refusal::Malformed), "{bad}");
        }
        assert_eq!(bearer(b"Bearer \xff"), Err(Refusal::Malformed));
    }
}
