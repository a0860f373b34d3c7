//! Users: their accounts, and what administrators do with them.

use std::sync::atomic::{AtomicUsize, Ordering};

use coditect_store::{KeyValue, RangeQuery, TenantId, Transaction, record};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::acting::Acting;
use crate::auth::{Auth, Expect as _};
use crate::caller::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::UserId;
use crate::keys::TenantKeys;
use crate::page::{self, Page};
use crate::scope::{Role, Scope};
use crate::{password, sessions};

/// The record of a user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) user_id: UserId,
    /// In its one spelling.
    pub(crate) email: String,
    pub(crate) name: String,
    /// As a PHC string.
    pub(crate) password_hash: String,
    pub(crate) role: Role,
    pub(crate) disabled: bool,
    pub(crate) created_at: Timestamp,
}

/// What is shown of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserInfo {
    /// Its id.
    pub user_id: UserId,
    /// Its e-mail address.
    pub email: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Whether it cannot log in.
    pub disabled: bool,
    /// When it registered.
    pub created_at: Timestamp,
}

/// What of a user is to be another; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What it is.
    pub role: Option<Role>,
    /// Whether it cannot log in.
    pub disabled: Option<bool>,
}

impl From<&User> for UserInfo {
    fn from(user: &User) -> Self {
        Self {
            user_id: user.user_id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role,
            disabled: user.disabled,
            created_at: user.created_at,
        }
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        UserInfo::from(self).fmt(f)
    }
}

const WHAT: &str = "the record of a user";
/// An id that no user has: ours are UUIDs.
const NOBODY: &str = "nobody";

pub(crate) async fn read(tx: &Transaction, keys: &TenantKeys, user: &UserId) -> Result<Option<User>> {
    match tx.get(&keys.user(user)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, WHAT)?)),
        None => Ok(None),
    }
}

pub(crate) fn write(tx: &Transaction, keys: &TenantKeys, user: &User) -> Result<()> {
    tx.set(&keys.user(&user.user_id), &record::encode(user)?);
    Ok(())
}

/// Who has this address.
pub(crate) async fn by_email(tx: &Transaction, keys: &TenantKeys, email: &str) -> Result<Option<User>> {
    let Some(id) = tx.get(&keys.email(email)).await? else {
        // Looking for somebody takes as many reads, whether there is somebody or not.
        tx.get(&keys.user(&UserId::new(NOBODY)?)).await?;
        return Ok(None);
    };
    let corrupt = |_| Error::new(ErrorKind::Corrupt, "read whose an e-mail address is");
    let id = UserId::new(std::str::from_utf8(&id).map_err(corrupt)?)?;
    read(tx, keys, &id).await
}

fn is_administrator(user: &User) -> bool {
    user.role == Role::Administrator && !user.disabled
}

fn decoded(item: &KeyValue) -> Result<UserInfo> {
    let user: User = record::decode(&item.value, WHAT)?;
    Ok(UserInfo::from(&user))
}

impl Auth {
    /// Whether a tenant has this user, and has not disabled it.
    ///
    /// # Errors
    /// Store failures.
    pub async fn is_active(&self, tx: &Transaction, tenant: &TenantId, user: &UserId) -> Result<bool> {
        Ok(read(tx, &self.inner.keys.tenant(tenant), user).await?.is_some_and(|user| !user.disabled))
    }
}

impl Acting {
    /// The caller's own account.
    ///
    /// # Errors
    /// `Forbidden` for a service token; `NotFound` for a user of another service.
    pub async fn me(&self) -> Result<UserInfo> {
        let (keys, user) = (&self.keys, self.own_user()?);
        let user = self.auth.run(|tx| async move { read(&tx, keys, user).await }).await?.or_not_found("user")?;
        Ok(UserInfo::from(&user))
    }

    /// The tenant's users, in the order of their ids, which is that of their registration.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `Invalid` for a limit out of range.
    pub async fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Page<UserInfo>> {
        self.must(Scope::Admin)?;
        let after = after.map(|after| self.keys.user(after));
        page::read(&self.auth, &self.keys.users(), after.as_deref(), limit, decoded).await
    }

    /// Changes what a user is. Its sessions end when that changes what it may do.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `NotFound`; `Conflict` for the caller's own account, so that a tenant keeps an administrator.
    pub async fn change_user(&self, id: &UserId, change: UserChange) -> Result<UserInfo> {
        match change.role {
            Some(role) => self.must_give(role)?,
            None => self.must(Scope::Admin)?,
        }
        if self.caller.user() == Some(id) {
            return Err(Error::conflict("another administrator has to change your account"));
        }
        let (keys, now) = (&self.keys, self.auth.clock.now());
        self.auth
            .run(|tx| async move {
                let old = read(&tx, keys, id).await?.or_not_found("user")?;
                let mut user = old.clone();
                user.role = change.role.unwrap_or(user.role);
                user.disabled = change.disabled.unwrap_or(user.disabled);
                if user != old {
                    if is_administrator(&old) && !is_administrator(&user) {
                        self.must_leave_one(&tx, id).await?;
                    }
                    write(&tx, keys, &user)?;
                    sessions::end_all(&tx, keys, id, None, now).await?;
                    let what = format!("user {id}: role {:?}, disabled {}", user.role, user.disabled);
                    self.auditor.note(&tx, 0, "user.change", &what)?;
                }
                Ok(UserInfo::from(&user))
            })
            .await
    }

    /// Refuses to take the last administrator of the tenant away. Whoever is read here and changed by another at the same time conflicts with it.
    async fn must_leave_one(&self, tx: &Transaction, gone: &UserId) -> Result<()> {
        let left = match self.caller.user() {
            Some(me) => read(tx, &self.keys, me).await?.is_some_and(|user| is_administrator(&user)),
            None => {
                let all = tx.collect_range(RangeQuery::from(&self.keys.users())).await?;
                let users = all.items.iter().map(|item| record::decode::<User>(&item.value, WHAT));
                let users: Vec<User> = users.collect::<Result<_, _>>()?;
                users.iter().any(|user| user.user_id != *gone && is_administrator(user))
            }
        };
        match left || self.caller.actor == Actor::Operator {
            true => Ok(()),
            false => Err(Error::conflict("a tenant keeps an administrator")),
        }
    }

    /// Changes the caller's password, and ends all its other sessions.
    ///
    /// # Errors
    /// `Forbidden` for a service token; `Invalid` at `/current` for a wrong one, at `/password` for a new one that is too weak; `Throttled` after too
    /// many wrong ones.
    pub async fn change_password(&self, current: &SecretString, new: &SecretString) -> Result<usize> {
        let (keys, id) = (&self.keys, self.own_user()?);
        let user = self.auth.run(|tx| async move { read(&tx, keys, id).await }).await?.or_not_found("user")?;
        self.auth.throttle.account(keys.tenant(), &user.email, None)?;
        if !self.auth.hasher.verify(current, Some(&user.password_hash)).await? {
            return Err(Error::invalid("/current", "this is not the current password"));
        }
        password::check(new, &user.email)?;
        let (hash, old, now) = (&self.auth.hasher.hash(new).await?, &user.password_hash, self.auth.clock.now());
        let tried = &AtomicUsize::new(0);
        self.auth
            .run(|tx| async move {
                let user = read(&tx, keys, id).await?.or_not_found("user")?;
                if user.password_hash == *hash {
                    // An attempt whose result was unknown has done it.
                    return Ok(tried.load(Ordering::Relaxed));
                }
                if user.password_hash != *old {
                    return Err(Error::conflict("the password was changed meanwhile"));
                }
                write(&tx, keys, &User { password_hash: hash.clone(), ..user })?;
                let ended = sessions::end_all(&tx, keys, id, self.caller.session(), now).await?;
                tried.store(ended, Ordering::Relaxed);
                self.auditor.note(&tx, 0, "user.password", &format!("user {id}: {ended} other sessions ended"))?;
                Ok(ended)
            })
            .await
    }
}
