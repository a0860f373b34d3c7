//! Tokens of workspaces' pods: with one, a sidecar that must not hold the keys of the store asks the gateway about the sessions of its own workspace, and does
//! nothing else. They are no service tokens: [`Auth::authenticate`] knows none of them.

use coditect_store::{RangeQuery, TenantId, Transaction, record};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::auth::Auth;
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::ids::{TokenId, UserId, WorkspaceId};
use crate::keys::TenantKeys;
use crate::limits;
use crate::secret::{Secret, SecretHash};
use crate::session::to_millis;
use crate::tenants;

/// What every pod's token begins with.
const PREFIX: &str = "coditect_pod_";
const WHAT: &str = "the record of a pod's token";

/// The pod of a workspace: whom its sidecar serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The tenant of the workspace's user.
    pub tenant: TenantId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Whose workspace it is.
    pub user: UserId,
}

/// What is kept of a pod's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) hash: SecretHash,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    pub(crate) created_at: Timestamp,
    /// The end of a token that a newer one has replaced.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Auth {
    /// A new token for a pod. Those that were given before are good for [`limits::POD_TOKEN_KEPT`] from then on: a pod gets a new one only some time after it
    /// was made.
    ///
    /// # Errors
    /// Store failures.
    pub async fn give_pod_token(&self, pod: &Pod) -> Result<SecretString> {
        self.inner.run(|tx| async move { self.give_pod_token_in(&tx, pod).await }).await
    }

    /// As [`Auth::give_pod_token`], in a transaction of the caller's: the token is good once that is committed.
    ///
    /// # Errors
    /// Store failures.
    pub async fn give_pod_token_in(&self, tx: &Transaction, pod: &Pod) -> Result<SecretString> {
        let (auth, workspace) = (&*self.inner, &pod.workspace);
        let keys = &auth.keys.tenant(&pod.tenant);
        let (id, now) = (TokenId::made(&auth.clock), to_millis(auth.clock.now()));
        let secret = Secret::made(pod.tenant.clone(), id.0, &auth.clock);
        tenants::ensure(tx, &auth.keys, keys.tenant(), now).await?;
        replace(tx, keys, workspace, now).await?;
        let (of, user) = (workspace.clone(), pod.user.clone());
        let made = Record { hash: secret.hash(), workspace: of, user, created_at: now, expires_at: None };
        tx.set(&keys.pod_token(id), &record::encode(&made)?);
        tx.set(&keys.pod_token_of(workspace, id), &[]);
        let what = format!("token {id} of workspace {workspace}");
        self.operator(&pod.tenant).auditor.note(tx, 0, "pod_token.create", &what)?;
        Ok(secret.show(PREFIX))
    }

    /// Takes back every token of a workspace's pods: the next request with one is refused by every replica.
    ///
    /// # Errors
    /// Store failures.
    pub async fn take_back_pod_tokens(&self, tenant: &TenantId, workspace: &WorkspaceId) -> Result<()> {
        self.inner.run(|tx| async move { self.take_back_pod_tokens_in(&tx, tenant, workspace).await }).await
    }

    /// As [`Auth::take_back_pod_tokens`], in a transaction of the caller's.
    ///
    /// # Errors
    /// Store failures.
    pub async fn take_back_pod_tokens_in(
        &self,
        tx: &Transaction,
        tenant: &TenantId,
        workspace: &WorkspaceId,
    ) -> Result<()> {
        let keys = &self.inner.keys.tenant(tenant);
        let all = given(tx, keys, workspace).await?;
        if all.is_empty() {
            return Ok(());
        }
        all.into_iter().for_each(|id| remove(tx, keys, workspace, id));
        self.operator(tenant).auditor.note(tx, 0, "pod_token.revoke", &format!("tokens of workspace {workspace}"))
    }

    /// Which pod sends this bearer token. Takes one trip to the store.
    ///
    /// # Errors
    /// `Unauthenticated` for whatever is no pod's token in force; `Unavailable` when the store does not answer.
    pub async fn authenticate_pod(&self, bearer: &str) -> Result<Pod> {
        let auth = &*self.inner;
        let secret = Some(bearer).filter(|text| text.len() <= limits::BEARER_BYTES);
        let secret = secret.and_then(|text| Secret::read(PREFIX, text)).ok_or(Refusal::Malformed)?;
        let (id, keys) = (TokenId(secret.id), &auth.keys.tenant(&secret.tenant));
        let found = match auth.look(|tx| async move { read(&tx, keys, id).await }).await {
            // Nobody gets in by a record that cannot be read.
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                tracing::error!(tenant = %secret.tenant, token = %id, "the record of a pod's token cannot be read");
                None
            }
            found => found?,
        };
        let record = found.filter(|record| secret.is_of(&record.hash)).ok_or(Refusal::Revoked)?;
        if record.expires_at.is_some_and(|end| end <= auth.clock.now()) {
            return Err(Refusal::Expired.into());
        }
        Ok(Pod { tenant: secret.tenant, workspace: record.workspace, user: record.user })
    }
}

/// Gives the tokens that were given before an end, and takes out those that have come to it.
async fn replace(tx: &Transaction, keys: &TenantKeys, workspace: &WorkspaceId, now: Timestamp) -> Result<()> {
    let kept = SignedDuration::try_from(limits::POD_TOKEN_KEPT).unwrap_or(SignedDuration::ZERO);
    for id in given(tx, keys, workspace).await? {
        match read(tx, keys, id).await? {
            Some(record) if record.expires_at.is_none() => {
                let end = now.saturating_add(kept).unwrap_or(now);
                tx.set(&keys.pod_token(id), &record::encode(&Record { expires_at: Some(end), ..record })?);
            }
            Some(record) if record.expires_at.is_some_and(|end| end > now) => {}
            _ => remove(tx, keys, workspace, id),
        }
    }
    Ok(())
}

fn remove(tx: &Transaction, keys: &TenantKeys, workspace: &WorkspaceId, id: TokenId) {
    tx.clear(&keys.pod_token(id));
    tx.clear(&keys.pod_token_of(workspace, id));
}

async fn given(tx: &Transaction, keys: &TenantKeys, workspace: &WorkspaceId) -> Result<Vec<TokenId>> {
    let space = &keys.pod_tokens_of(workspace);
    let found = tx.collect_range(RangeQuery::from(space)).await?;
    let id = |key: &[u8]| {
        let corrupt = || Error::new(ErrorKind::Corrupt, "read the key of a pod's token");
        space.unpack(key).map(TokenId).map_err(|error| corrupt().caused_by(error))
    };
    found.items.iter().map(|item| id(&item.key)).collect()
}

async fn read(tx: &Transaction, keys: &TenantKeys, id: TokenId) -> Result<Option<Record>> {
    match tx.get(&keys.pod_token(id)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, WHAT)?)),
        None => Ok(None),
    }
}
