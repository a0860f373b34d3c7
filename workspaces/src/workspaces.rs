//! The handle that callers keep, and what it is made of.

use std::sync::Arc;

use coditect_auth::session::to_millis;
use coditect_auth::{Auth, WorkspaceId};
use coditect_store::{Clock, RunOptions, Store, TenantId, Transaction};
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, ErrorKind, Result};
use crate::keys::Keys;
use crate::limits;
use crate::workspace::{self, Workspace};

/// How workspaces are set up.
#[derive(Debug, Clone)]
pub struct WorkspacesOptions {
    /// The first element of every key.
    pub root: String,
    /// Workspaces that one user may have; at most [`limits::PER_USER_MOST`].
    pub per_user: usize,
    /// Workspaces that the users of a tenant may have together; at most [`limits::PER_TENANT_MOST`].
    pub per_tenant: usize,
    /// Whether there is a cluster that they can run in.
    pub has_cluster: bool,
}

impl Default for WorkspacesOptions {
    fn default() -> Self {
        Self { root: "coditect".into(), per_user: limits::PER_USER, per_tenant: limits::PER_TENANT, has_cluster: false }
    }
}

impl WorkspacesOptions {
    fn check(&self) -> Result<()> {
        for (pointer, who, number, most) in [
            ("/per_user", "a user", self.per_user, limits::PER_USER_MOST),
            ("/per_tenant", "a tenant", self.per_tenant, limits::PER_TENANT_MOST),
        ] {
            if !(1..=most).contains(&number) {
                return Err(Error::invalid(pointer, format!("{who} may have 1 to {most} workspaces")));
            }
        }
        Ok(())
    }
}

/// The workspaces of all tenants on a store. Cheap to clone.
#[derive(Clone)]
pub struct Workspaces {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) auth: Auth,
    pub(crate) keys: Keys,
    pub(crate) options: WorkspacesOptions,
}

impl Workspaces {
    /// The workspaces on `store`, of the users of `auth`.
    ///
    /// # Errors
    /// `Invalid` for a bound that is out of range.
    pub fn new(store: Store, auth: Auth, options: WorkspacesOptions) -> Result<Self> {
        options.check()?;
        let (clock, keys) = (store.clock().clone(), Keys::new(&options.root));
        Ok(Self { inner: Arc::new(Inner { store, clock, auth, keys, options }) })
    }

    /// A workspace, whoever asks: for the server itself.
    ///
    /// # Errors
    /// Store failures.
    pub async fn find(&self, tenant: &TenantId, id: &WorkspaceId) -> Result<Option<Workspace>> {
        self.inner.find(tenant, id).await
    }

    /// Notes that a workspace is used now, at most once in [`limits::TOUCH_EVERY`]. One that is not there is no error.
    ///
    /// # Errors
    /// Store failures.
    pub async fn touch(&self, tenant: &TenantId, id: &WorkspaceId) -> Result<()> {
        self.inner.touch(tenant, id).await
    }
}

impl Inner {
    /// Runs `f` in a transaction that gives up before a client would.
    pub(crate) async fn run<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Transaction) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T>> + Send,
        T: Send,
    {
        self.store.run_with(RunOptions::deadline(limits::WRITE_WAIT), f).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        to_millis(self.clock.now())
    }

    pub(crate) async fn find(&self, tenant: &TenantId, id: &WorkspaceId) -> Result<Option<Workspace>> {
        let keys = &self.keys.tenant(tenant);
        self.run(|tx| async move { workspace::read(&tx, keys, id).await }).await
    }

    pub(crate) async fn touch(&self, tenant: &TenantId, id: &WorkspaceId) -> Result<()> {
        let (keys, now) = (&self.keys.tenant(tenant), self.now());
        self.run(|tx| async move {
            match workspace::read(&tx, keys, id).await? {
                Some(found) if is_longer(now, found.last_active_at, limits::TOUCH_EVERY) => {
                    workspace::write(&tx, keys, &Workspace { last_active_at: now, ..found })
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// Writes a wish down, and that there is one.
    pub(crate) fn ask(&self, tx: &Transaction, wish: &Workspace) -> Result<()> {
        let keys = self.keys.tenant(&wish.tenant);
        workspace::write(tx, &keys, wish)?;
        tx.set(&keys.wish(&wish.id), &[]);
        tx.set(&self.keys.wished(), format!("{} {}", wish.id, wish.revision).as_bytes());
        Ok(())
    }

    pub(crate) fn must_have_cluster(&self) -> Result<()> {
        match self.options.has_cluster {
            true => Ok(()),
            false => {
                let message =
                    "this server manages no Kubernetes cluster, so workspaces cannot run (docs/workspaces.md)";
                Err(Error::new(ErrorKind::NoCluster, message))
            }
        }
    }
}

impl std::fmt::Debug for Workspaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspaces").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// Whether more than `than` has passed.
pub(crate) fn is_longer(now: Timestamp, since: Timestamp, than: std::time::Duration) -> bool {
    now.duration_since(since) > SignedDuration::try_from(than).unwrap_or(SignedDuration::MAX)
}
