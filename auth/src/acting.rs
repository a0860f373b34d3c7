//! A caller and everything that it can do: bound to its tenant by type, and checked against its scopes in each operation.

use std::sync::Arc;

use crate::audit::Auditor;
use crate::auth::Inner;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::ids::{SessionId, UserId};
use crate::keys::TenantKeys;
use crate::scope::{Role, Scope};

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Acting {
    pub(crate) auth: Arc<Inner>,
    pub(crate) keys: TenantKeys,
    pub(crate) caller: Caller,
    pub(crate) auditor: Auditor,
}

impl Acting {
    pub(crate) fn new(auth: Arc<Inner>, caller: Caller, request_id: &str) -> Self {
        let keys = auth.keys.tenant(&caller.tenant);
        let auditor = auth.auditor(&caller.tenant, caller.actor.clone(), request_id);
        Self { auth, keys, caller, auditor }
    }

    /// Who acts.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whoever writes the caller's entries of the audit log.
    #[must_use]
    pub fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    /// Refuses a caller without a scope.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn must(&self, scope: Scope) -> Result<()> {
        match self.caller.may(scope) {
            true => Ok(()),
            false => Err(Error::forbidden(format!("this needs the scope {}", scope.name()))),
        }
    }

    /// Refuses a caller who could not be of a role itself: nobody gives what he has not.
    pub(crate) fn must_give(&self, role: Role) -> Result<()> {
        self.must(Scope::Admin)?;
        match self.caller.scopes.has_all(role.scopes()) {
            true => Ok(()),
            false => Err(Error::forbidden("a role cannot allow more than its giver may do")),
        }
    }

    /// Refuses a caller who did not log in.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn must_be_signed_in(&self) -> Result<()> {
        self.own_session().map(drop)
    }

    /// The user who logged in.
    ///
    /// # Errors
    /// `Forbidden` for a service token.
    pub fn own_user(&self) -> Result<&UserId> {
        self.caller.user().ok_or_else(|| Error::forbidden("a service token has no user: log in for this"))
    }

    /// The session that the request belongs to.
    pub(crate) fn own_session(&self) -> Result<&SessionId> {
        self.caller.session().ok_or_else(|| Error::forbidden("a service token has no session: log in for this"))
    }

    /// Whether something of `user` is the caller's business.
    #[must_use]
    pub fn may_look_after(&self, user: &UserId) -> bool {
        self.caller.may(Scope::Admin) || self.caller.user() == Some(user)
    }
}
