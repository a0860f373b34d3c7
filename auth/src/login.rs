//! Logging in and out.

use std::net::IpAddr;
use std::sync::Arc;

use coditect_store::TenantId;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::acting::Acting;
use crate::auth::{Auth, Inner};
use crate::caller::Actor;
use crate::email::Email;
use crate::error::{Refusal, Result};
use crate::ids::SessionId;
use crate::session::Session;
use crate::sessions::SessionDetails;
use crate::users::{User, UserInfo};
use crate::{refresh, sessions, users};

/// Where a request without a caller comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The client's address, where it is known: attempts from it are limited.
    pub address: Option<IpAddr>,
    /// The request, as in the server's log.
    pub request_id: String,
}

/// Who wants to log in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The tenant.
    pub tenant: TenantId,
    /// E-mail address.
    pub email: String,
    /// Password.
    pub password: SecretString,
}

/// What a login or a refresh gives.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The JWT: `authorization: Bearer …`.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
    /// For the next JWT; used once.
    pub refresh_token: SecretString,
    /// The session's record.
    pub session: Session,
    /// Whose it is.
    pub user: UserInfo,
}

impl Auth {
    /// Logs in: makes a session, and a token for it.
    ///
    /// # Errors
    /// `Unauthenticated` with [`Refusal::Credentials`], in the same time and the same words for a tenant, an address or a password that is wrong;
    /// `Throttled` after too many attempts; `Busy`; `Invalid` for details that are too long.
    pub async fn login(&self, given: &Credentials, details: &SessionDetails, origin: &Origin) -> Result<Granted> {
        details.check()?;
        let auth = &self.inner;
        auth.throttle.address(origin.address)?;
        // An address that could never be one is nobody's, and costs as much.
        let email = Email::new(&given.email).ok();
        let name = email.as_ref().map_or("", Email::as_str);
        auth.throttle.account(&given.tenant, name, origin.address)?;
        let keys = &auth.keys.tenant(&given.tenant);
        let user = auth.run(|tx| async move { users::by_email(&tx, keys, name).await }).await?;
        let hash = user.as_ref().map(|user| user.password_hash.as_str());
        let is_right = auth.hasher.verify(&given.password, hash).await?;
        match user {
            Some(user) if is_right && !user.disabled => auth.begin_session(user, given, details, origin).await,
            user => {
                metrics::counter!("auth_logins_total", "result" => "refused").increment(1);
                if let Some(user) = user {
                    tell_of_failure(auth.clone(), given.tenant.clone(), user, origin.clone());
                }
                Err(Refusal::Credentials.into())
            }
        }
    }
}

/// Writes into the audit log, beside the answer: that this takes time must not tell that there is such an account.
fn tell_of_failure(auth: Arc<Inner>, tenant: TenantId, user: User, origin: Origin) {
    let tracker = auth.beside.clone();
    tracker.spawn(async move {
        let actor = Actor::User { user: user.user_id.clone(), session: None };
        let auditor = &auth.auditor(&tenant, actor, &origin.request_id);
        let address = origin.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let target = &format!("user {} from {address}", user.user_id);
        let noted = auth.run(|tx| async move { auditor.note(&tx, 0, "session.refuse", target) }).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "a failed login is missing in the audit log");
        }
    });
}

impl Inner {
    async fn begin_session(
        &self,
        user: User,
        given: &Credentials,
        details: &SessionDetails,
        origin: &Origin,
    ) -> Result<Granted> {
        let user = self.rehashed(user, given).await?;
        let (keys, now) = (&self.keys.tenant(&given.tenant), self.clock.now());
        let session = details.session(keys, SessionId::made(&self.clock), user.user_id.clone(), now);
        let auditor =
            &self.auditor(&given.tenant, sessions::actor(&user.user_id, &session.session_id), &origin.request_id);
        let (session, verified) = (&session, &user);
        let user = self
            .run(|tx| async move {
                // Disabled, or given another password, while this one was compared.
                let user = users::read(&tx, keys, &verified.user_id).await?;
                let user = user.filter(|user| !user.disabled && user.password_hash == verified.password_hash);
                let user = user.ok_or(Refusal::Credentials)?;
                if sessions::read(&tx, keys, &session.session_id).await?.is_some() {
                    return Ok(user);
                }
                sessions::make_room(&tx, keys, &user.user_id, now).await?;
                sessions::write(&tx, keys, session)?;
                tx.set(&keys.session_of(&user.user_id, &session.session_id), b"");
                refresh::begin(&tx, keys, session)?;
                auditor.note(&tx, 0, "session.login", &format!("session {}", session.session_id))?;
                Ok(user)
            })
            .await?;
        metrics::counter!("auth_logins_total", "result" => "granted").increment(1);
        self.grant(session.clone(), &user, 0)
    }

    /// The tokens of a session whose family of refresh tokens is at `number`.
    pub(crate) fn grant(&self, session: Session, user: &User, number: u64) -> Result<Granted> {
        let named = (session.tenant_id.clone(), session.user_id.clone(), session.session_id.clone());
        let (token, claims) = self.jwt.mint(named, user.role.scopes())?;
        Ok(Granted {
            token: token.into(),
            expires_at: claims.expires_at(),
            refresh_token: refresh::token(self.jwt.keys(), &session, number),
            user: UserInfo::from(user),
            session,
        })
    }

    /// Hashes a password anew that was hashed at another cost than today's. Answers the user as it is then.
    async fn rehashed(&self, user: User, given: &Credentials) -> Result<User> {
        if !self.hasher.is_outdated(&user.password_hash) {
            return Ok(user);
        }
        let (old, keys) = (&user, &self.keys.tenant(&given.tenant));
        let new = &User { password_hash: self.hasher.hash(&given.password).await?, ..user.clone() };
        self.run(|tx| async move {
            match users::read(&tx, keys, &old.user_id).await? {
                Some(user) if user.password_hash == old.password_hash => {
                    users::write(&tx, keys, &User { password_hash: new.password_hash.clone(), ..user })?;
                    Ok(new.clone())
                }
                // An attempt whose result was unknown has done it.
                Some(user) if user.password_hash == new.password_hash => Ok(user),
                _ => Ok(old.clone()),
            }
        })
        .await
    }
}

impl Acting {
    /// Ends the session that the request belongs to.
    ///
    /// # Errors
    /// `Forbidden` for a service token.
    pub async fn logout(&self) -> Result<()> {
        self.terminate(self.own_session()?).await
    }
}
