//! What is shown of accounts, sessions and actors.

use coditect_auth::{Actor, Granted, Role, Session, SessionStatus, UserInfo};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a user is in its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub(super) enum RoleView {
    /// Reads, writes and works with agents.
    #[default]
    Member,
    /// Also looks after users, tokens and the audit log.
    Administrator,
}

impl From<RoleView> for Role {
    fn from(role: RoleView) -> Self {
        match role {
            RoleView::Member => Self::Member,
            RoleView::Administrator => Self::Administrator,
        }
    }
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Administrator => Self::Administrator,
        }
    }
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = User, example = json!({
    "user_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "email": "ada@example.com", "name": "Ada", "role": "administrator",
    "disabled": false, "created_at": "2026-03-01T09:30:00Z"
}))]
pub(super) struct UserView {
    /// Its id.
    user_id: String,
    /// E-mail address, in lower case.
    email: String,
    /// Name to show.
    name: String,
    /// What it is.
    role: RoleView,
    /// Whether it cannot log in.
    disabled: bool,
    /// When it registered.
    created_at: String,
}

impl From<UserInfo> for UserView {
    fn from(user: UserInfo) -> Self {
        Self {
            user_id: user.user_id.to_string(),
            email: user.email,
            name: user.name,
            role: user.role.into(),
            disabled: user.disabled,
            created_at: user.created_at.to_string(),
        }
    }
}

/// A session: the record that other services share.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Session, example = json!({
    "session_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "user_id": "0198f39f-1c7a-7d41-8f0e-2a4b6c8d0e1f", "tenant_id": "acme",
    "workspace_id": "ws-7", "pod_namespace": null, "pod_name": null, "websocket_connected": false, "status": "active",
    "created_at": "2026-03-01T09:30:00Z", "last_access_at": "2026-03-01T09:45:12.345Z", "metadata": {"client": "ide"}
}))]
pub(super) struct SessionView {
    /// Its id.
    session_id: String,
    /// Whose it is.
    user_id: String,
    /// The user's tenant.
    tenant_id: String,
    /// The workspace that the IDE has open; empty for none.
    workspace_id: String,
    /// Namespace of the workspace's pod.
    pod_namespace: Option<String>,
    /// The workspace's pod.
    pod_name: Option<String>,
    /// Whether the IDE's socket is connected.
    websocket_connected: bool,
    /// `active`, `suspended` or `terminated`.
    status: String,
    /// When it began.
    created_at: String,
    /// When it was last used, at most 15 seconds late.
    last_access_at: String,
    /// What the client said of itself at login.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let status = match session.status {
            SessionStatus::Active => "active".to_owned(),
            SessionStatus::Suspended => "suspended".to_owned(),
            SessionStatus::Terminated => "terminated".to_owned(),
            SessionStatus::Other(word) => word,
        };
        Self {
            session_id: session.session_id.to_string(),
            user_id: session.user_id.to_string(),
            tenant_id: session.tenant_id.to_string(),
            workspace_id: session.workspace_id,
            pod_namespace: session.pod_namespace,
            pod_name: session.pod_name,
            websocket_connected: session.websocket_connected,
            status,
            created_at: session.created_at.to_string(),
            last_access_at: session.last_access_at.to_string(),
            metadata: session.metadata,
        }
    }
}

/// What a login gives. It holds secrets: it is not cached, and not logged.
#[derive(Serialize, ToSchema)]
#[schema(as = Granted, example = json!({
    "token": "eyJhbGciOiJIUzI1NiIs...", "token_type": "Bearer", "expires_at": "2026-03-02T09:30:00Z",
    "refresh_token": "coditect_refresh_AgEx...",
    "session": {
        "session_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "user_id": "0198f39f-1c7a-7d41-8f0e-2a4b6c8d0e1f", "tenant_id": "acme",
        "workspace_id": "", "pod_namespace": null, "pod_name": null, "websocket_connected": false, "status": "active",
        "created_at": "2026-03-01T09:30:00Z", "last_access_at": "2026-03-01T09:30:00Z", "metadata": null
    },
    "user": {
        "user_id": "0198f39f-1c7a-7d41-8f0e-2a4b6c8d0e1f", "email": "ada@example.com", "name": "Ada", "role": "administrator",
        "disabled": false, "created_at": "2026-03-01T09:00:00Z"
    }
}))]
pub(super) struct GrantedView {
    /// The JWT; send it as `authorization: Bearer`.
    token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// When the JWT ends.
    expires_at: String,
    /// For `POST /auth/refresh`; used once.
    refresh_token: String,
    /// The session's record.
    session: SessionView,
    /// Whose it is.
    user: UserView,
}

impl From<Granted> for GrantedView {
    fn from(granted: Granted) -> Self {
        Self {
            token: granted.token.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_at: granted.expires_at.to_string(),
            refresh_token: granted.refresh_token.expose_secret().to_owned(),
            session: granted.session.into(),
            user: granted.user.into(),
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorView {
    /// `user`, `token` (a service token) or `operator` (a command at the server's machine).
    kind: &'static str,
    /// The user's or token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The user's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
}

impl From<Actor> for ActorView {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User { user, session } => {
                let session_id = session.map(|session| session.to_string());
                Self { kind: "user", id: Some(user.to_string()), session_id }
            }
            Actor::Token { token } => Self { kind: "token", id: Some(token.to_string()), session_id: None },
            Actor::Operator => Self { kind: "operator", id: None, session_id: None },
        }
    }
}

/// That something is done.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Done {
    /// Always true.
    pub(super) done: bool,
}

impl Done {
    pub(super) const DONE: Self = Self { done: true };
}

/// That sessions were ended.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct Ended {
    /// How many.
    pub(super) ended: usize,
}
