//! Service tokens: how agents and pipelines prove who they are. A token is shown once; what is kept of it is a hash.

use std::collections::BTreeSet;
use std::sync::Arc;

use coditect_store::{KeyValue, Transaction, check_name, record};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::acting::Acting;
use crate::auth::{Expect as _, Inner, Tried};
use crate::caller::{Actor, Caller};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::ids::TokenId;
use crate::keys::TenantKeys;
use crate::limits;
use crate::page::{self, Page};
use crate::scope::{Scope, Scopes};
use crate::secret::{Secret, SecretHash};
use crate::session::to_millis;
use crate::tenants;

/// What every service token begins with.
pub(crate) const PREFIX: &str = "coditect_token_";
const WHAT: &str = "the record of a service token";

/// What is kept of a service token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: TokenId,
    pub(crate) name: String,
    pub(crate) hash: SecretHash,
    pub(crate) scopes: Scopes,
    pub(crate) collections: Option<BTreeSet<String>>,
    pub(crate) created_by: Actor,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What is shown of a service token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTokenInfo {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// The collections that it is confined to; `None` for all.
    pub collections: Option<BTreeSet<String>>,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; never when `None`.
    pub expires_at: Option<Timestamp>,
}

/// A service token that is wanted.
#[derive(Debug, Clone, Default)]
pub struct NewServiceToken {
    /// What it is for.
    pub name: String,
    /// What it shall allow.
    pub scopes: Scopes,
    /// The collections that it is confined to; `None` for all.
    pub collections: Option<BTreeSet<String>>,
    /// When it shall end; never when `None`.
    pub expires_at: Option<Timestamp>,
}

impl From<Record> for ServiceTokenInfo {
    fn from(record: Record) -> Self {
        let Record { id, name, hash: _, scopes, collections, created_by, created_at, expires_at } = record;
        Self { id, name, scopes, collections, created_by, created_at, expires_at }
    }
}

impl NewServiceToken {
    fn check(&self, now: Timestamp) -> Result<()> {
        let most = limits::NAME_BYTES;
        if self.name.trim().is_empty() || self.name.len() > most || self.name.chars().any(char::is_control) {
            return Err(Error::invalid("/name", format!("a name has 1 to {most} bytes, and no control characters")));
        }
        if self.scopes.is_empty() {
            return Err(Error::invalid("/scopes", "a token needs at least one scope"));
        }
        if self.collections.is_some() && self.scopes.has(Scope::Admin) {
            let message = "a token for some collections alone cannot look after the tenant: leave out the scope admin";
            return Err(Error::invalid("/scopes", message));
        }
        let most = limits::TOKEN_COLLECTIONS;
        if self.collections.as_ref().is_some_and(|names| names.is_empty() || names.len() > most) {
            return Err(Error::invalid(
                "/collections",
                format!("name 1 to {most} collections, or leave it out for all"),
            ));
        }
        for name in self.collections.iter().flatten() {
            check_name("a collection name", name).map_err(|error| Error::invalid("/collections", error.to_string()))?;
        }
        let life = SignedDuration::try_from(limits::SERVICE_TOKEN_LIFE).unwrap_or(SignedDuration::MAX);
        match self.expires_at {
            Some(end) if end <= now || end.duration_since(now) > life => {
                Err(Error::invalid("/expires_at", "must be in the future, and within ten years"))
            }
            _ => Ok(()),
        }
    }
}

impl Acting {
    /// Makes a service token. It is in the answer, and nowhere else.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`, and for scopes that the caller itself has not; `Invalid` for a field.
    pub async fn create_token(&self, new: &NewServiceToken) -> Result<(ServiceTokenInfo, SecretString)> {
        self.must(Scope::Admin)?;
        let (auth, keys) = (&*self.auth, &self.keys);
        new.check(auth.clock.now())?;
        if !self.caller.scopes.has_all(new.scopes) {
            return Err(Error::forbidden("a token cannot allow more than its maker may do"));
        }
        let id = TokenId::made(&auth.clock);
        let secret = Secret::made(keys.tenant().clone(), id.0, &auth.clock);
        let made = Record {
            id,
            name: new.name.trim().to_owned(),
            hash: secret.hash(),
            scopes: new.scopes,
            collections: new.collections.clone(),
            created_by: self.caller.actor.clone(),
            created_at: to_millis(auth.clock.now()),
            expires_at: new.expires_at,
        };
        let record = &made;
        auth.run(|tx| async move {
            if read(&tx, keys, id).await?.is_some() {
                return Ok(());
            }
            tenants::ensure(&tx, &auth.keys, keys.tenant(), record.created_at).await?;
            tx.set(&keys.token(id), &record::encode(record)?);
            self.auditor.note(&tx, 0, "token.create", &format!("token {id} ({}): {}", record.name, record.scopes))
        })
        .await?;
        Ok((made.into(), secret.show(PREFIX)))
    }

    /// The tenant's service tokens, oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `Invalid` for a limit out of range.
    pub async fn tokens(&self, after: Option<TokenId>, limit: usize) -> Result<Page<ServiceTokenInfo>> {
        self.must(Scope::Admin)?;
        let after = after.map(|after| self.keys.token(after));
        page::read(&self.auth, &self.keys.tokens(), after.as_deref(), limit, decoded).await
    }

    /// Revokes a service token: the next request with it is refused by every replica.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `NotFound`.
    pub async fn revoke_token(&self, id: TokenId) -> Result<()> {
        self.must(Scope::Admin)?;
        let (keys, tried) = (&self.keys, &Tried::default());
        self.auth
            .run(|tx| async move {
                let record = match read(&tx, keys, id).await? {
                    None if tried.is_set() => return Ok(()),
                    found => found.or_not_found("token")?,
                };
                tried.set();
                tx.clear(&keys.token(id));
                self.auditor.note(&tx, 0, "token.revoke", &format!("token {id} ({})", record.name))
            })
            .await
    }
}

fn decoded(item: &KeyValue) -> Result<ServiceTokenInfo> {
    Ok(record::decode::<Record>(&item.value, WHAT)?.into())
}

async fn read(tx: &Transaction, keys: &TenantKeys, id: TokenId) -> Result<Option<Record>> {
    match tx.get(&keys.token(id)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, WHAT)?)),
        None => Ok(None),
    }
}

impl Inner {
    /// Who sends a service token.
    pub(crate) async fn by_service_token(&self, text: &str) -> Result<Caller> {
        let secret = Some(text).filter(|text| text.len() <= limits::BEARER_BYTES);
        let secret = secret.and_then(|text| Secret::read(PREFIX, text)).ok_or(Refusal::Malformed)?;
        let (id, keys) = (TokenId(secret.id), &self.keys.tenant(&secret.tenant));
        let found = match self.look(|tx| async move { read(&tx, keys, id).await }).await {
            // Nobody gets in by a record that cannot be read.
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                tracing::error!(tenant = %secret.tenant, token = %id, "the record of a service token cannot be read");
                None
            }
            found => found?,
        };
        let record = found.filter(|record| secret.is_of(&record.hash)).ok_or(Refusal::Revoked)?;
        if record.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(Refusal::Expired.into());
        }
        let collections = record.collections.map(Arc::new);
        Ok(Caller { tenant: secret.tenant, actor: Actor::Token { token: id }, scopes: record.scopes, collections })
    }
}
