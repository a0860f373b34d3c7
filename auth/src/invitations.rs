//! Invitations: how a tenant's administrators let people in. The code is shown once; what is kept of it is a hash.

use coditect_store::{KeyValue, TenantId, Transaction, record};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::acting::Acting;
use crate::auth::{Expect as _, Inner, Tried};
use crate::caller::Actor;
use crate::email::Email;
use crate::error::{Error, Result};
use crate::ids::InvitationId;
use crate::keys::TenantKeys;
use crate::limits;
use crate::page::{self, Page};
use crate::scope::{Role, Scope};
use crate::secret::{Secret, SecretHash};
use crate::session::to_millis;

const PREFIX: &str = "coditect_invitation_";
const WHAT: &str = "the record of an invitation";

/// What is kept of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: InvitationId,
    pub(crate) hash: SecretHash,
    pub(crate) email: Option<String>,
    pub(crate) role: Role,
    pub(crate) created_by: Actor,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What is shown of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationInfo {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for; anybody when `None`.
    pub email: Option<String>,
    /// What whoever accepts it will be.
    pub role: Role,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

impl From<Record> for InvitationInfo {
    fn from(record: Record) -> Self {
        let Record { id, hash: _, email, role, created_by, created_at, expires_at } = record;
        Self { id, email, role, created_by, created_at, expires_at }
    }
}

impl Acting {
    /// Makes an invitation, and the code that is to be sent to whoever is invited.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin` and all that the role allows; `Invalid` for an address that is none.
    pub async fn invite(&self, email: Option<&str>, role: Role) -> Result<(InvitationInfo, SecretString)> {
        self.must_give(role)?;
        let (auth, keys) = (&*self.auth, &self.keys);
        let email = email.map(Email::new).transpose()?.map(|email| email.as_str().to_owned());
        let id = InvitationId::made(&auth.clock);
        let secret = Secret::made(keys.tenant().clone(), id.0, &auth.clock);
        let created_at = to_millis(auth.clock.now());
        let life = SignedDuration::try_from(limits::INVITATION_LIFE).unwrap_or(SignedDuration::ZERO);
        let expires_at = created_at.saturating_add(life).unwrap_or(Timestamp::MAX);
        let (hash, created_by) = (secret.hash(), self.caller.actor.clone());
        let made = Record { id, hash, email, role, created_by, created_at, expires_at };
        let record = &made;
        auth.run(|tx| async move {
            if read(&tx, keys, id).await?.is_some() {
                return Ok(());
            }
            tx.set(&keys.invitation(id), &record::encode(record)?);
            self.auditor.note(&tx, 0, "invitation.create", &format!("invitation {id}, role {role:?}"))
        })
        .await?;
        Ok((made.into(), secret.show(PREFIX)))
    }

    /// Invitations that nobody has accepted, oldest first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `Invalid` for a limit out of range.
    pub async fn invitations(&self, after: Option<InvitationId>, limit: usize) -> Result<Page<InvitationInfo>> {
        self.must(Scope::Admin)?;
        let after = after.map(|after| self.keys.invitation(after));
        page::read(&self.auth, &self.keys.invitations(), after.as_deref(), limit, decoded).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// `Forbidden` without the scope `admin`; `NotFound`, also when it was accepted.
    pub async fn take_back(&self, id: InvitationId) -> Result<()> {
        self.must(Scope::Admin)?;
        let (keys, tried) = (&self.keys, &Tried::default());
        self.auth
            .run(|tx| async move {
                match read(&tx, keys, id).await? {
                    None if tried.is_set() => return Ok(()),
                    found => found.or_not_found("invitation")?,
                };
                tried.set();
                tx.clear(&keys.invitation(id));
                self.auditor.note(&tx, 0, "invitation.revoke", &format!("invitation {id}"))
            })
            .await
    }
}

fn decoded(item: &KeyValue) -> Result<InvitationInfo> {
    Ok(record::decode::<Record>(&item.value, WHAT)?.into())
}

async fn read(tx: &Transaction, keys: &TenantKeys, id: InvitationId) -> Result<Option<Record>> {
    match tx.get(&keys.invitation(id)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, WHAT)?)),
        None => Ok(None),
    }
}

fn not_valid() -> Error {
    Error::invalid(
        "/invitation",
        "the invitation is not valid: it was used, taken back, has expired, or is for another address or tenant",
    )
}

impl Inner {
    /// The invitation that `code` is of, if it is one of this tenant.
    pub(crate) async fn invited(&self, tenant: &TenantId, code: &SecretString) -> Result<InvitationId> {
        let secret = Secret::read(PREFIX, code.expose_secret()).filter(|secret| secret.tenant == *tenant);
        let secret = secret.ok_or_else(not_valid)?;
        let (id, keys) = (InvitationId(secret.id), &self.keys.tenant(tenant));
        let found = self.run(|tx| async move { read(&tx, keys, id).await }).await?;
        match found.is_some_and(|record| secret.is_of(&record.hash)) {
            true => Ok(id),
            false => Err(not_valid()),
        }
    }
}

/// Uses an invitation up. Answers what it makes of whoever accepts it.
pub(crate) async fn accept(
    tx: &Transaction,
    keys: &TenantKeys,
    id: InvitationId,
    email: &str,
    now: Timestamp,
) -> Result<Role> {
    let record = read(tx, keys, id)
        .await?
        .filter(|record| now < record.expires_at && record.email.as_ref().is_none_or(|invited| invited == email));
    let record = record.ok_or_else(not_valid)?;
    tx.clear(&keys.invitation(id));
    Ok(record.role)
}
