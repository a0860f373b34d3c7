//! The registry of live connections: which sidecars serve which workspace, and which sessions are connected through them.
//!
//! A sidecar holds a lease that it renews; when it crashes, its lease runs out, and it and its connections are no longer shown, until
//! [`Auth::sweep_connections`] takes them away. What a sidecar enters is in [`crate::pod_access`]. The session record says whether its session is connected, and to which pod.

use coditect_store::{Lease, RangeQuery, TenantId, Transaction, key_after, record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::acting::Acting;
use crate::auth::{Auth, Expect as _, Inner};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{ConnectionId, SessionId, SidecarId, UserId, WorkspaceId};
use crate::keys::TenantKeys;
use crate::limits;
use crate::scope::Scope;
use crate::session::Session;
use crate::{sessions, tenants};

const SIDECAR: &str = "the record of a sidecar";
const CONNECTION: &str = "the record of a connection";

/// A process that serves a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Its id: another one for each start.
    pub id: SidecarId,
    /// The tenant that it serves.
    pub tenant: TenantId,
    /// The workspace beside it.
    pub workspace: WorkspaceId,
    /// Whose workspace it is.
    pub user: UserId,
    /// Where the gateway reaches it: `host:port`.
    pub address: String,
    /// Namespace of its pod.
    pub pod_namespace: Option<String>,
    /// Its pod.
    pub pod_name: Option<String>,
    /// Until when it is believed to be there.
    pub expires_at: Timestamp,
}

/// A session's connection to a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The session that it belongs to.
    pub session: SessionId,
    /// Whose session that is.
    pub user: UserId,
    /// The workspace that it leads to.
    pub workspace: WorkspaceId,
    /// The sidecar that holds it.
    pub sidecar: SidecarId,
    /// Where it comes from.
    pub client: String,
    /// Whether it outlives its socket for a while.
    pub resumable: bool,
    /// Since when it has been there.
    pub opened_at: Timestamp,
}

impl Sidecar {
    fn is_there(&self, now: Timestamp) -> bool {
        now <= self.expires_at
    }
}

impl Auth {
    /// The sidecars of a workspace that are there, the latest first.
    ///
    /// # Errors
    /// Store failures.
    pub async fn sidecars_of(&self, tenant: &TenantId, workspace: &WorkspaceId) -> Result<Vec<Sidecar>> {
        let (auth, keys) = (&*self.inner, &self.inner.keys.tenant(tenant));
        let space = &keys.sidecars_of(workspace);
        let now = auth.clock.now();
        let found = auth.look(|tx| async move { Ok(tx.snapshot().get_range(RangeQuery::from(space)).await?) }).await?;
        let mut sidecars = Vec::new();
        for item in found.items.iter().rev() {
            sidecars.push(record::decode::<Sidecar>(&item.value, SIDECAR)?);
        }
        sidecars.retain(|sidecar| sidecar.is_there(now));
        Ok(sidecars)
    }

    /// Whether a connection leads to a workspace through a sidecar that is there. A transaction in which this was asked conflicts with one that comes meanwhile.
    ///
    /// # Errors
    /// Store failures.
    pub async fn is_connected(&self, tx: &Transaction, tenant: &TenantId, workspace: &WorkspaceId) -> Result<bool> {
        let (keys, now) = (&self.inner.keys.tenant(tenant), self.inner.clock.now());
        for item in &tx.collect_range(RangeQuery::from(&keys.sidecars_of(workspace))).await?.items {
            let sidecar: Sidecar = record::decode(&item.value, SIDECAR)?;
            let one = RangeQuery::from(&keys.connections_at(workspace, sidecar.id)).limit(1);
            if sidecar.is_there(now) && !tx.get_range(one).await?.items.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes out again and again what crashed sidecars have left, of several processes one at a time.
    pub async fn keep_swept(&self) {
        let store = self.inner.store.clone();
        let mut lease = Lease::new(store, self.inner.keys.lease("sidecars"), limits::CLEANUP_LEASE);
        loop {
            tokio::time::sleep(limits::SIDECAR_LEASE).await;
            match lease.during(|_| self.sweep_connections()).await {
                Ok(Some(Ok(0)) | None) => {}
                Ok(Some(Ok(gone))) => {
                    tracing::info!(gone, "sidecars whose lease ran out were taken out of the registry");
                }
                Ok(Some(Err(error))) => tracing::warn!(%error, "the registry of connections was not swept"),
                Err(error) => tracing::warn!(%error, "the registry of connections was not swept"),
            }
        }
    }

    /// Takes out the sidecars whose lease ran out, with their connections. Answers how many sidecars that were.
    ///
    /// # Errors
    /// Store failures.
    pub async fn sweep_connections(&self) -> Result<usize> {
        let mut gone = 0;
        for tenant in tenants::all(&self.inner).await? {
            gone += self.inner.sweep(&self.inner.keys.tenant(&tenant)).await?;
        }
        Ok(gone)
    }
}

impl Inner {
    async fn sweep(&self, keys: &TenantKeys) -> Result<usize> {
        let mut range = Some(RangeQuery::from(&keys.sidecars()));
        let (mut gone, now) = (0, self.clock.now());
        while let Some(query) = range {
            let page = self.run(|tx| {
                let query = query.clone();
                async move { Ok(tx.snapshot().get_range(query).await?) }
            });
            let page = page.await?;
            for item in &page.items {
                gone += usize::from(or_unread(self.sweep_one(keys, &item.value, now).await, keys)?.unwrap_or(false));
            }
            range = query.rest(&page);
        }
        Ok(gone)
    }

    /// Whether the sidecar was gone, and is now taken out.
    async fn sweep_one(&self, keys: &TenantKeys, found: &[u8], now: Timestamp) -> Result<bool> {
        let sidecar: Sidecar = record::decode(found, SIDECAR)?;
        if sidecar.is_there(now) {
            return Ok(false);
        }
        forget(self, keys, &sidecar.workspace, sidecar.id).await?;
        Ok(true)
    }
}

/// Takes out a sidecar's connections, in batches, and then itself.
pub(crate) async fn forget(auth: &Inner, keys: &TenantKeys, workspace: &WorkspaceId, sidecar: SidecarId) -> Result<()> {
    let space = &keys.connections_at(workspace, sidecar);
    loop {
        let some = auth.run(|tx| async move {
            let batch = RangeQuery::from(space).limit(limits::CONNECTIONS_BATCH);
            let page = tx.get_range(batch).await?;
            for item in &page.items {
                remove(&tx, keys, ConnectionId::in_key(space, &item.key)?).await?;
                tx.clear(&item.key);
            }
            Ok(page.more)
        });
        if !some.await? {
            break;
        }
    }
    auth.run(|tx| async move {
        let (begin, end) = keys.orders(workspace, sidecar).range();
        tx.clear_range(&begin, &end);
        tx.clear(&keys.ordered(workspace, sidecar));
        tx.clear(&keys.sidecar(workspace, sidecar));
        Ok(())
    })
    .await
}

pub(crate) async fn remove(tx: &Transaction, keys: &TenantKeys, id: ConnectionId) -> Result<()> {
    let Some(connection) = read(tx, keys, id).await? else { return Ok(()) };
    tx.clear(&keys.connection(id));
    tx.clear(&keys.connection_of(&connection.session, id));
    tx.clear(&keys.connection_at(&connection.workspace, connection.sidecar, id));
    tx.clear(&keys.order(&connection.workspace, connection.sidecar, id));
    let rest = tx.get_range(RangeQuery::from(&keys.connections_of(&connection.session)).limit(1)).await?;
    if !rest.items.is_empty() {
        return Ok(());
    }
    // Other services write these records, too: one that cannot be read says of nobody that he is connected.
    match or_unread(sessions::read(tx, keys, &connection.session).await, keys)?.flatten() {
        Some(session) if session.websocket_connected => {
            sessions::write(tx, keys, &Session { websocket_connected: false, ..session })
        }
        _ => Ok(()),
    }
}

/// Nothing, in place of a record that cannot be read: it is told, and keeps nobody from what is beside it.
fn or_unread<T>(found: Result<T>, keys: &TenantKeys) -> Result<Option<T>> {
    match found {
        Err(error) if *error.kind() == ErrorKind::Corrupt => {
            tracing::warn!(%error, tenant = %keys.tenant(), "what cannot be read is passed over");
            Ok(None)
        }
        other => other.map(Some),
    }
}

pub(crate) async fn read(tx: &Transaction, keys: &TenantKeys, id: ConnectionId) -> Result<Option<Connection>> {
    match tx.get(&keys.connection(id)).await? {
        Some(bytes) => Ok(Some(record::decode(&bytes, CONNECTION)?)),
        None => Ok(None),
    }
}

impl Acting {
    /// Live connections, oldest first: the caller's own, with the scope `admin` those of all users of the tenant. Answers also where to go on, if there are more.
    ///
    /// # Errors
    /// `Forbidden` for a service token without the scope `admin`.
    pub async fn connections(&self, after: Option<ConnectionId>) -> Result<(Vec<Connection>, Option<ConnectionId>)> {
        if !self.caller.may(Scope::Admin) {
            self.own_user()?;
        }
        let (keys, now) = (&self.keys, self.auth.clock.now());
        let (begin, end) = keys.connections().range();
        let begin = after.map_or(begin, |after| key_after(&keys.connection(after)).to_vec());
        let range = &RangeQuery::from((begin, end)).limit(limits::PAGE);
        let (page, there) = self
            .auth
            .look(|tx| async move {
                let page = tx.snapshot().get_range(range.clone()).await?;
                let sidecars = tx.snapshot().get_range(RangeQuery::from(&keys.sidecars())).await?;
                Ok((page, sidecars))
            })
            .await?;
        let mut alive = std::collections::HashSet::new();
        for item in &there.items {
            let sidecar: Sidecar = record::decode(&item.value, SIDECAR)?;
            if sidecar.is_there(now) {
                alive.insert(sidecar.id);
            }
        }
        let mut found = Vec::new();
        for item in &page.items {
            found.push(record::decode::<Connection>(&item.value, CONNECTION)?);
        }
        let next = found.last().map(|last| last.id).filter(|_| page.more);
        found.retain(|it| alive.contains(&it.sidecar) && self.may_look_after(&it.user));
        Ok((found, next))
    }

    /// Asks the sidecar to close a connection, the caller's own or with the scope `admin` anybody's.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may close.
    pub async fn close_connection(&self, id: ConnectionId) -> Result<()> {
        let keys = &self.keys;
        self.auth
            .run(|tx| async move {
                let found = read(&tx, keys, id).await?.filter(|it| self.may_look_after(&it.user));
                let connection = found.or_not_found("connection")?;
                let ordered = keys.ordered(&connection.workspace, connection.sidecar);
                tx.set(&keys.order(&connection.workspace, connection.sidecar, id), &[]);
                tx.set(&ordered, id.to_string().as_bytes());
                self.auditor.note(&tx, 0, "connection.close", &format!("connection {id} of user {}", connection.user))
            })
            .await
    }
}

impl ConnectionId {
    /// The id that is the last element of a key below `space`.
    pub(crate) fn in_key(space: &coditect_store::tuple::Subspace, key: &[u8]) -> Result<Self> {
        let id = space.unpack(key);
        id.map(Self).map_err(|error| Error::new(ErrorKind::Corrupt, "read the key of a connection").caused_by(error))
    }
}
