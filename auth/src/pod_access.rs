//! What a sidecar can do beside its workspace: find out who connects, enter connections in the registry, and hear when they must end. Everything is bound to
//! the workspace of its pod and that workspace's user, by type: whoever holds a pod's token reaches nothing else.

use std::sync::Arc;

use coditect_store::{RangeQuery, Transaction, record};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::auth::{Auth, Inner};
use crate::connections::{self, Connection, Sidecar};
use crate::error::{Error, Refusal, Result};
use crate::ids::{ConnectionId, SessionId, SidecarId};
use crate::keys::TenantKeys;
use crate::limits;
use crate::pod_tokens::Pod;
use crate::session::{Session, to_millis};
use crate::{sessions, tenants};

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct PodAccess {
    pub(crate) auth: Arc<Inner>,
    pub(crate) keys: TenantKeys,
    pub(crate) pod: Pod,
    outer: Auth,
}

/// A sidecar as it tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSidecar {
    /// Its id: another one for each start.
    pub id: SidecarId,
    /// Where the gateway reaches it: `host:port`.
    pub address: String,
    /// Namespace of its pod.
    pub pod_namespace: Option<String>,
    /// Its pod.
    pub pod_name: Option<String>,
}

/// A connection as its sidecar tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConnection {
    /// Its id.
    pub id: ConnectionId,
    /// The session that it belongs to.
    pub session: SessionId,
    /// Where it comes from.
    pub client: String,
    /// Whether it outlives its socket for a while.
    pub resumable: bool,
    /// Since when it has been there.
    pub opened_at: Timestamp,
}

impl Auth {
    /// What the sidecar of a pod can do.
    #[must_use]
    pub fn pod_access(&self, pod: Pod) -> PodAccess {
        PodAccess { auth: self.inner.clone(), keys: self.inner.keys.tenant(&pod.tenant), pod, outer: self.clone() }
    }
}

impl PodAccess {
    /// The pod.
    #[must_use]
    pub fn pod(&self) -> &Pod {
        &self.pod
    }

    /// The session of whoever sends this bearer token, if it is the workspace's own user.
    ///
    /// # Errors
    /// `Unauthenticated` for whatever is not one of ours and in force; `Forbidden` for somebody else; `Unavailable` when the store does not answer.
    pub async fn sign_in(&self, bearer: &str) -> Result<SessionId> {
        let caller = self.outer.authenticate(bearer).await?;
        let is_own = *caller.tenant() == self.pod.tenant && caller.user() == Some(&self.pod.user);
        match caller.session() {
            Some(session) if is_own => Ok(session.clone()),
            _ => Err(Error::forbidden("this workspace is another user's")),
        }
    }

    /// Makes a sidecar known, or renews its lease. To be called every [`limits::SIDECAR_BEAT`]. Answers whether it was known: one that was not, though it had been
    /// announced, was taken out with its connections when its lease had run out.
    ///
    /// # Errors
    /// Store failures.
    pub async fn announce(&self, sidecar: &NewSidecar) -> Result<bool> {
        let (auth, keys) = (&*self.auth, &self.keys);
        let lease = SignedDuration::try_from(limits::SIDECAR_LEASE).unwrap_or(SignedDuration::ZERO);
        let now = to_millis(auth.clock.now());
        let renewed = &self.sidecar(sidecar, now.saturating_add(lease).unwrap_or(now));
        auth.run(|tx| async move {
            tenants::ensure(&tx, &auth.keys, keys.tenant(), now).await?;
            let key = keys.sidecar(&renewed.workspace, renewed.id);
            let is_known = tx.get(&key).await?.is_some();
            tx.set(&key, &record::encode(renewed)?);
            Ok(is_known)
        })
        .await
    }

    fn sidecar(&self, new: &NewSidecar, expires_at: Timestamp) -> Sidecar {
        let NewSidecar { id, address, pod_namespace, pod_name } = new.clone();
        let Pod { tenant, workspace, user } = self.pod.clone();
        Sidecar { id, tenant, workspace, user, address, pod_namespace, pod_name, expires_at }
    }

    /// Takes a sidecar and its connections out of the registry.
    ///
    /// # Errors
    /// Store failures.
    pub async fn retire(&self, sidecar: SidecarId) -> Result<()> {
        connections::forget(&self.auth, &self.keys, &self.pod.workspace, sidecar).await
    }

    /// Enters a connection, and into its session where it is connected.
    ///
    /// # Errors
    /// `Unauthenticated` when the session is not in force any more, or another user's; `Conflict` for the id of another workspace's connection; store failures.
    pub async fn connected(&self, sidecar: &NewSidecar, connection: &NewConnection) -> Result<()> {
        let (auth, keys, pod) = (&*self.auth, &self.keys, &self.pod);
        let now = auth.clock.now();
        let entered = &self.connection(sidecar.id, connection);
        auth.run(|tx| async move {
            self.own(&tx, connection.id).await?;
            let found = sessions::read(&tx, keys, &connection.session).await?;
            let found = found.filter(|session| session.user_id == pod.user).ok_or(Refusal::NoSession)?;
            found.check(now)?;
            let known = Session {
                workspace_id: pod.workspace.to_string(),
                pod_namespace: sidecar.pod_namespace.clone(),
                pod_name: sidecar.pod_name.clone(),
                websocket_connected: true,
                last_access_at: found.last_access_at.max(to_millis(now)),
                ..found
            };
            sessions::write(&tx, keys, &known)?;
            tx.set(&keys.connection(entered.id), &record::encode(entered)?);
            tx.set(&keys.connection_of(&entered.session, entered.id), &[]);
            tx.set(&keys.connection_at(&pod.workspace, sidecar.id, entered.id), &[]);
            Ok(())
        })
        .await
    }

    fn connection(&self, sidecar: SidecarId, new: &NewConnection) -> Connection {
        let NewConnection { id, session, client, resumable, opened_at } = new.clone();
        let Pod { tenant: _, workspace, user } = self.pod.clone();
        Connection { id, session, user, workspace, sidecar, client, resumable, opened_at }
    }

    /// Takes a connection out. The session is no longer connected when it was its last.
    ///
    /// # Errors
    /// `Conflict` for another workspace's; store failures.
    pub async fn disconnected(&self, connection: ConnectionId) -> Result<()> {
        let keys = &self.keys;
        self.auth
            .run(|tx| async move {
                self.own(&tx, connection).await?;
                connections::remove(&tx, keys, connection).await
            })
            .await
    }

    /// Refuses the id of a connection to another workspace.
    async fn own(&self, tx: &Transaction, id: ConnectionId) -> Result<()> {
        match connections::read(tx, &self.keys, id).await? {
            Some(other) if other.workspace != self.pod.workspace => {
                Err(Error::conflict("this is the id of another workspace's connection"))
            }
            _ => Ok(()),
        }
    }

    /// The connections of a sidecar that somebody wants closed.
    pub(crate) async fn ordered(&self, tx: &Transaction, sidecar: SidecarId) -> Result<Vec<ConnectionId>> {
        let space = &self.keys.orders(&self.pod.workspace, sidecar);
        let found = tx.collect_range(RangeQuery::from(space)).await?;
        found.items.iter().map(|item| ConnectionId::in_key(space, &item.key)).collect()
    }
}

impl std::fmt::Debug for PodAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PodAccess").field("pod", &self.pod).finish_non_exhaustive()
    }
}
