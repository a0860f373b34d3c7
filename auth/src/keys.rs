//! The key layout. Keys of a tenant can only be made from a tenant.
//!
//! | key | value |
//! |---|---|
//! | `{tenant_id}/session/{session_id}`, as UTF-8 | [`Session`](crate::Session) as JSON: an interface, see [`crate::session`] |
//! | `(root, "auth", "tenant", tenant)` | [`Tenant`](crate::tenants::Tenant) |
//! | `(root, "auth", "in", tenant, "user", user)` | [`User`](crate::users::User) |
//! | `(root, "auth", "in", tenant, "email", email)` | the user's id |
//! | `(root, "auth", "in", tenant, "sessions", user, session)` | nothing: which sessions a user has |
//! | `(root, "auth", "in", tenant, "refresh", session)` | [`Family`](crate::refresh::Family) |
//! | `(root, "auth", "in", tenant, "token", token)` | [`ServiceToken`](crate::service::Record) |
//! | `(root, "auth", "in", tenant, "pod_token", token)` | [`Record`](crate::pod_tokens::Record) of a token of a workspace's pod |
//! | `(root, "auth", "in", tenant, "pod_tokens", workspace, token)` | nothing: which tokens the pods of a workspace have |
//! | `(root, "auth", "in", tenant, "invitation", invitation)` | [`Invitation`](crate::invitations::Record) |
//! | `(root, "auth", "in", tenant, "sidecar", workspace, sidecar)` | [`Sidecar`](crate::Sidecar) |
//! | `(root, "auth", "in", tenant, "connection", connection)` | [`Connection`](crate::Connection) |
//! | `(root, "auth", "in", tenant, "connections", session, connection)` | nothing: which connections a session has |
//! | `(root, "auth", "in", tenant, "connected", sidecar, connection)` | nothing: which connections a sidecar has |
//! | `(root, "auth", "in", tenant, "order", sidecar, connection)` | nothing: which connections a sidecar shall close |
//! | `(root, "auth", "in", tenant, "ordered", sidecar)` | changes with every order |
//! | `(root, "auth", "in", tenant, "audit", versionstamp)` | [`AuditEntry`](crate::audit::AuditEntry) |
//! | `(root, "auth", "in", tenant, "cleaned")` | which step of the clean-up changed something last |
//! | `(root, "auth", "lease", job)` | lease of a job that one process does for all |

use coditect_store::TenantId;
use coditect_store::tuple::{Subspace, Versionstamp};

use crate::ids::{ConnectionId, InvitationId, SessionId, SidecarId, TokenId, UserId, WorkspaceId};

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
        Self { space: Subspace::all().subspace(&(root, "auth")) }
    }

    /// The records of all tenants: `(tenant)` behind this prefix.
    pub(crate) fn tenants(&self) -> Subspace {
        self.space.subspace(&"tenant")
    }

    pub(crate) fn tenant_record(&self, tenant: &TenantId) -> Vec<u8> {
        self.tenants().pack(&tenant.as_str())
    }

    pub(crate) fn lease(&self, job: &str) -> Vec<u8> {
        self.space.pack(&("lease", job))
    }

    pub(crate) fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        TenantKeys { tenant: tenant.clone(), space: self.space.subspace(&("in", tenant.as_str())) }
    }
}

impl TenantKeys {
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn session(&self, session: &SessionId) -> Vec<u8> {
        format!("{}/session/{session}", self.tenant).into_bytes()
    }

    /// What the keys of all sessions of this tenant begin with.
    pub(crate) fn sessions(&self) -> Vec<u8> {
        format!("{}/session/", self.tenant).into_bytes()
    }

    pub(crate) fn user(&self, user: &UserId) -> Vec<u8> {
        self.users().pack(&user.as_str())
    }

    pub(crate) fn users(&self) -> Subspace {
        self.space.subspace(&"user")
    }

    pub(crate) fn email(&self, email: &str) -> Vec<u8> {
        self.space.pack(&("email", email))
    }

    pub(crate) fn sessions_of(&self, user: &UserId) -> Subspace {
        self.space.subspace(&("sessions", user.as_str()))
    }

    pub(crate) fn session_of(&self, user: &UserId, session: &SessionId) -> Vec<u8> {
        self.sessions_of(user).pack(&session.as_str())
    }

    pub(crate) fn family(&self, session: &SessionId) -> Vec<u8> {
        self.space.pack(&("refresh", session.as_str()))
    }

    pub(crate) fn token(&self, token: TokenId) -> Vec<u8> {
        self.tokens().pack(&token.0)
    }

    pub(crate) fn tokens(&self) -> Subspace {
        self.space.subspace(&"token")
    }

    pub(crate) fn pod_token(&self, token: TokenId) -> Vec<u8> {
        self.space.pack(&("pod_token", token.0))
    }

    pub(crate) fn pod_tokens_of(&self, workspace: &WorkspaceId) -> Subspace {
        self.space.subspace(&("pod_tokens", workspace.as_str()))
    }

    pub(crate) fn pod_token_of(&self, workspace: &WorkspaceId, token: TokenId) -> Vec<u8> {
        self.pod_tokens_of(workspace).pack(&token.0)
    }

    pub(crate) fn invitation(&self, invitation: InvitationId) -> Vec<u8> {
        self.invitations().pack(&invitation.0)
    }

    pub(crate) fn invitations(&self) -> Subspace {
        self.space.subspace(&"invitation")
    }

    pub(crate) fn sidecars(&self) -> Subspace {
        self.space.subspace(&"sidecar")
    }

    pub(crate) fn sidecars_of(&self, workspace: &WorkspaceId) -> Subspace {
        self.sidecars().subspace(&workspace.as_str())
    }

    pub(crate) fn sidecar(&self, workspace: &WorkspaceId, sidecar: SidecarId) -> Vec<u8> {
        self.sidecars_of(workspace).pack(&sidecar.0)
    }

    pub(crate) fn connections(&self) -> Subspace {
        self.space.subspace(&"connection")
    }

    pub(crate) fn connection(&self, connection: ConnectionId) -> Vec<u8> {
        self.connections().pack(&connection.0)
    }

    pub(crate) fn connections_of(&self, session: &SessionId) -> Subspace {
        self.space.subspace(&("connections", session.as_str()))
    }

    pub(crate) fn connection_of(&self, session: &SessionId, connection: ConnectionId) -> Vec<u8> {
        self.connections_of(session).pack(&connection.0)
    }

    pub(crate) fn connections_at(&self, sidecar: SidecarId) -> Subspace {
        self.space.subspace(&("connected", sidecar.0))
    }

    pub(crate) fn connection_at(&self, sidecar: SidecarId, connection: ConnectionId) -> Vec<u8> {
        self.connections_at(sidecar).pack(&connection.0)
    }

    pub(crate) fn orders(&self, sidecar: SidecarId) -> Subspace {
        self.space.subspace(&("order", sidecar.0))
    }

    pub(crate) fn order(&self, sidecar: SidecarId, connection: ConnectionId) -> Vec<u8> {
        self.orders(sidecar).pack(&connection.0)
    }

    pub(crate) fn ordered(&self, sidecar: SidecarId) -> Vec<u8> {
        self.space.pack(&("ordered", sidecar.0))
    }

    pub(crate) fn cleaned(&self) -> Vec<u8> {
        self.space.pack(&"cleaned")
    }

    pub(crate) fn audit(&self) -> Subspace {
        self.space.subspace(&"audit")
    }

    /// The key of an entry that the commit will complete; `order` tells entries of one commit apart.
    pub(crate) fn audit_entry(&self, order: u16) -> Vec<u8> {
        self.audit().pack_with_versionstamp(&Versionstamp::incomplete(order))
    }
}
