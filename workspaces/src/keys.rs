//! The key layout. Keys of a tenant can only be made from a tenant.
//!
//! | key | value |
//! |---|---|
//! | `(root, "workspaces", "record", tenant, workspace)` | [`Workspace`](crate::Workspace): a tenant's stand together, and all of them do, for whoever looks at everything |
//! | `(root, "workspaces", "of", tenant, user, workspace)` | nothing: which workspaces a user has |
//! | `(root, "workspaces", "tally", tenant)` | [`Tally`](crate::tally::Tally): how many a tenant has |
//! | `(root, "workspaces", "namespace", namespace)` | [`Owner`](crate::names::Owner): whose namespace of the cluster it is, for ever |
//! | `(root, "workspaces", "wish", tenant, workspace)` | nothing: a wish that nobody has looked at yet |
//! | `(root, "workspaces", "wished")` | changes with every wish |
//! | `(root, "workspaces", "lease")` | lease of the process that reconciles |

use coditect_auth::{UserId, WorkspaceId};
use coditect_store::TenantId;
use coditect_store::tuple::Subspace;

use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// A workspace among those of all tenants.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) tenant: TenantId,
    pub(crate) workspace: WorkspaceId,
}

/// All keys that belong to no tenant, and the way to those that do.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    space: Subspace,
}

/// The keys of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct TenantKeys {
    tenant: TenantId,
    space: Subspace,
}

impl Keys {
    pub(crate) fn new(root: &str) -> Self {
        Self { space: Subspace::all().subspace(&(root, "workspaces")) }
    }

    /// The records of all tenants: `(tenant, workspace)` behind this prefix.
    pub(crate) fn records(&self) -> Subspace {
        self.space.subspace(&"record")
    }

    /// The wishes of all tenants: `(tenant, workspace)` behind this prefix.
    pub(crate) fn wishes(&self) -> Subspace {
        self.space.subspace(&"wish")
    }

    pub(crate) fn wished(&self) -> Vec<u8> {
        self.space.pack(&"wished")
    }

    pub(crate) fn namespace(&self, namespace: &str) -> Vec<u8> {
        self.space.pack(&("namespace", namespace))
    }

    pub(crate) fn lease(&self) -> Vec<u8> {
        self.space.pack(&"lease")
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        TenantKeys { tenant: tenant.clone(), space: self.space.clone() }
    }
}

impl TenantKeys {
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn records(&self) -> Subspace {
        self.space.subspace(&("record", self.tenant.as_str()))
    }

    pub(crate) fn record(&self, workspace: &WorkspaceId) -> Vec<u8> {
        self.records().pack(&workspace.as_str())
    }

    pub(crate) fn all_of(&self, user: &UserId) -> Subspace {
        self.space.subspace(&("of", self.tenant.as_str(), user.as_str()))
    }

    pub(crate) fn one_of(&self, user: &UserId, workspace: &WorkspaceId) -> Vec<u8> {
        self.all_of(user).pack(&workspace.as_str())
    }

    pub(crate) fn tally(&self) -> Vec<u8> {
        self.space.pack(&("tally", self.tenant.as_str()))
    }

    pub(crate) fn wish(&self, workspace: &WorkspaceId) -> Vec<u8> {
        self.space.pack(&("wish", self.tenant.as_str(), workspace.as_str()))
    }
}

impl Name {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self { tenant: workspace.tenant.clone(), workspace: workspace.id.clone() }
    }

    /// The workspace that the key below `space` names.
    pub(crate) fn in_key(space: &Subspace, key: &[u8]) -> Result<Self> {
        let corrupt = || Error::corrupt("read the key of a workspace");
        let (tenant, workspace): (String, String) = space.unpack(key).map_err(|error| corrupt().caused_by(error))?;
        Ok(Self { tenant: TenantId::new(tenant)?, workspace: WorkspaceId::new(workspace)? })
    }
}

/// The workspace that is the last element of a key below `space`.
pub(crate) fn workspace_in(space: &Subspace, key: &[u8]) -> Result<WorkspaceId> {
    let corrupt = || Error::corrupt("read the key of a user's workspace");
    let id: String = space.unpack(key).map_err(|error| corrupt().caused_by(error))?;
    Ok(WorkspaceId::new(id)?)
}
