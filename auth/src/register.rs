//! Making accounts: by invitation, by founding a tenant where that is open, and by the operator.

use coditect_store::{TenantId, Transaction};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::acting::Acting;
use crate::auth::{Auth, Inner, Registration};
use crate::caller::Actor;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::ids::{InvitationId, UserId};
use crate::invitations;
use crate::keys::TenantKeys;
use crate::limits;
use crate::login::Origin;
use crate::scope::Role;
use crate::session::to_millis;
use crate::users::{User, UserInfo};
use crate::{password, tenants, users};

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// E-mail address, the name of the account within its tenant.
    pub email: String,
    /// Password.
    pub password: SecretString,
    /// Name to show; the address when empty.
    pub name: String,
}

/// By what right an account is made.
enum Right {
    Invitation(InvitationId),
    Founding,
}

impl Auth {
    /// Takes an attempt off those that an address has: what is asked of strangers begins with this.
    ///
    /// # Errors
    /// `Throttled`.
    pub fn attempt(&self, origin: &Origin) -> Result<()> {
        self.inner.throttle.address(origin.address)
    }

    /// Makes an account by invitation (then the invitation says in which tenant), or founds `tenant`.
    ///
    /// # Errors
    /// `Invalid` for a field; `Forbidden` where that is not open; `Conflict` when the address has an account, or the tenant is there.
    pub async fn register(
        &self,
        tenant: &TenantId,
        new: &NewUser,
        invitation: Option<&SecretString>,
        origin: &Origin,
    ) -> Result<UserInfo> {
        let auth = &*self.inner;
        let right = match (invitation, auth.registration) {
            (_, Registration::Closed) => return Err(Error::forbidden("registration is closed here")),
            (Some(code), _) => Right::Invitation(auth.invited(tenant, code).await?),
            (None, Registration::Open) => Right::Founding,
            (None, Registration::Invitation) => return Err(Error::forbidden("registration needs an invitation")),
        };
        let (user, now) = (auth.draft(new).await?, auth.clock.now());
        let (user, right, keys) = (&user, &right, &auth.keys.tenant(tenant));
        auth.run(|tx| async move {
            let there = users::by_email(&tx, keys, &user.email).await?;
            if let Some(made) = there.as_ref().filter(|there| there.user_id == user.user_id) {
                return Ok(UserInfo::from(made));
            }
            // Whether an address has an account is for those to know who may make one.
            let role = match right {
                Right::Invitation(id) => invitations::accept(&tx, keys, *id, &user.email, now).await?,
                Right::Founding if tenants::is_there(&tx, &auth.keys, tenant).await? => {
                    return Err(Error::conflict("there is a tenant of that name: joining it needs an invitation"));
                }
                Right::Founding => Role::Administrator,
            };
            if there.is_some() {
                return Err(has_account());
            }
            let user = User { role, ..user.clone() };
            auth.make(&tx, tenant, &user, now).await?;
            let actor = Actor::User { user: user.user_id.clone(), session: None };
            let auditor = auth.auditor(tenant, actor, &origin.request_id);
            auditor.note(&tx, 0, "user.register", &format!("user {}", user.user_id))?;
            Ok(UserInfo::from(&user))
        })
        .await
    }
}

impl Acting {
    /// Makes an account of a role, without invitation.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin` and all that the role allows; `Invalid` for a field; `Conflict` when the address has an account.
    pub async fn create_user(&self, new: &NewUser, role: Role) -> Result<UserInfo> {
        self.must_give(role)?;
        let (auth, now) = (&*self.auth, self.auth.clock.now());
        let user = User { role, ..auth.draft(new).await? };
        let (user, keys) = (&user, &self.keys);
        auth.run(|tx| async move {
            if !is_made(&tx, keys, user).await? {
                auth.make(&tx, keys.tenant(), user, now).await?;
                self.auditor.note(&tx, 0, "user.create", &format!("user {}, role {role:?}", user.user_id))?;
            }
            Ok(UserInfo::from(user))
        })
        .await
    }
}

/// Whether an earlier attempt of the same transaction has made the account.
async fn is_made(tx: &Transaction, keys: &TenantKeys, user: &User) -> Result<bool> {
    match users::by_email(tx, keys, &user.email).await? {
        Some(other) if other.user_id == user.user_id => Ok(true),
        Some(_) => Err(has_account()),
        None => Ok(false),
    }
}

fn has_account() -> Error {
    Error::conflict("this e-mail address has an account")
}

impl Inner {
    /// A checked user, not yet stored.
    async fn draft(&self, new: &NewUser) -> Result<User> {
        let email = Email::new(&new.email)?;
        password::check(&new.password, email.as_str())?;
        let name = match new.name.trim() {
            "" => email.as_str(),
            name if name.len() > limits::NAME_BYTES || name.chars().any(char::is_control) => {
                let most = limits::NAME_BYTES;
                return Err(Error::invalid(
                    "/name",
                    format!("a name has at most {most} bytes, and no control characters"),
                ));
            }
            name => name,
        };
        Ok(User {
            user_id: UserId::made(&self.clock),
            name: name.to_owned(),
            email: email.as_str().to_owned(),
            password_hash: self.hasher.hash(&new.password).await?,
            role: Role::Member,
            disabled: false,
            created_at: to_millis(self.clock.now()),
        })
    }

    async fn make(&self, tx: &Transaction, tenant: &TenantId, user: &User, now: Timestamp) -> Result<()> {
        let keys = &self.keys.tenant(tenant);
        tenants::ensure(tx, &self.keys, tenant, to_millis(now)).await?;
        tx.set(&keys.email(&user.email), user.user_id.as_str().as_bytes());
        users::write(tx, keys, user)
    }
}
