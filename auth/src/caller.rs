//! Who asks: what the guard found out about a request.

use std::collections::BTreeSet;
use std::sync::Arc;

use coditect_store::TenantId;
use serde::{Deserialize, Serialize};

use crate::ids::{SessionId, TokenId, UserId};
use crate::scope::{Scope, Scopes};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody who logged in.
    User {
        /// The user.
        user: UserId,
        /// The session, where there is one yet.
        session: Option<SessionId>,
    },
    /// An agent or a pipeline.
    Token {
        /// The service token.
        token: TokenId,
    },
    /// The operator, with a command at the server's machine.
    Operator,
}

/// A believed request: its tenant, its actor, and what that may do.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) scopes: Scopes,
    pub(crate) collections: Option<Arc<BTreeSet<String>>>,
}

impl Caller {
    /// The tenant that everything of the request is bound to.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The user, unless it is a service token.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        match &self.actor {
            Actor::User { user, .. } => Some(user),
            Actor::Token { .. } | Actor::Operator => None,
        }
    }

    /// The session, unless it is a service token.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        match &self.actor {
            Actor::User { session, .. } => session.as_ref(),
            Actor::Token { .. } | Actor::Operator => None,
        }
    }

    /// What the caller may do.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.has(scope)
    }

    /// The collections that the caller is confined to; `None` for all of its tenant.
    #[must_use]
    pub fn collections(&self) -> Option<&BTreeSet<String>> {
        self.collections.as_deref()
    }

    /// What the caller's own limits are counted by: one service token, or one user with all its sessions.
    #[must_use]
    pub fn limit_key(&self) -> String {
        match &self.actor {
            Actor::User { user, .. } => format!("{}/user/{user}", self.tenant),
            Actor::Token { token } => format!("{}/token/{token}", self.tenant),
            Actor::Operator => format!("{}/operator", self.tenant),
        }
    }
}
