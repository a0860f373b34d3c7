//! Making a workspace: its record, its names in the cluster, and the bound that its user has.

use coditect_auth::{Acting, Scope, UserId, WorkspaceId};
use coditect_store::{RangeQuery, Transaction};

use crate::error::{Error, Result};
use crate::keys::{TenantKeys, workspace_in};
use crate::tally::{self, Tally};
use crate::workspace::{self, State, Wanted, Workspace};
use crate::workspaces::{Inner, Workspaces};
use crate::{limits, names};

/// A workspace that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewWorkspace {
    /// What it shall be called.
    pub name: String,
    /// Whose it shall be; the caller's own when `None`.
    pub user: Option<UserId>,
}

impl NewWorkspace {
    fn check(&self) -> Result<()> {
        let most = limits::NAME_BYTES;
        if self.name.trim().is_empty() || self.name.len() > most || self.name.chars().any(char::is_control) {
            return Err(Error::invalid("/name", format!("a name has 1 to {most} bytes, and no control characters")));
        }
        Ok(())
    }

    /// Whose it will be.
    fn owner<'a>(&'a self, acting: &'a Acting) -> Result<&'a UserId> {
        let caller = acting.caller();
        match &self.user {
            Some(user) if caller.user() == Some(user) => Ok(user),
            Some(user) => Ok(acting.must(Scope::Admin).map(|()| user)?),
            None if caller.user().is_none() && caller.may(Scope::Admin) => {
                Err(Error::invalid("/user_id", "say whose it shall be: a service token has no user"))
            }
            None => Ok(acting.own_user()?),
        }
    }
}

impl Workspaces {
    /// Makes a workspace, which is then started.
    ///
    /// # Errors
    /// `Invalid` for a field, and for another user that there is not or that is disabled; `Forbidden` for another's without the scope `admin`, and for a service
    /// token's own; `Conflict` when the user or its tenant has as many as it may; `NoCluster`.
    pub async fn create(&self, acting: &Acting, new: &NewWorkspace) -> Result<Workspace> {
        let inner = &*self.inner;
        new.check()?;
        let (user, id) = (new.owner(acting)?, &WorkspaceId::made(&inner.clock));
        inner.must_have_cluster()?;
        let keys = &inner.keys.tenant(acting.caller().tenant());
        inner
            .run(|tx| async move {
                if let Some(made) = workspace::read(&tx, keys, id).await? {
                    // An attempt whose result was unknown has made it.
                    return Ok(made);
                }
                inner.must_be_active(&tx, acting, user).await?;
                let others = all_of(&tx, keys, user).await?;
                inner.must_have_room(&others, tally::read(&tx, keys).await?)?;
                let label = names::claim(&tx, &inner.keys, keys.tenant(), user).await?;
                let made = inner.made(keys, id, user, new.name.trim(), &label, &others);
                tx.set(&keys.one_of(user, id), &[]);
                tally::add(&tx, keys).await?;
                inner.ask(&tx, &made)?;
                acting.auditor().note(&tx, 0, "workspace.create", &format!("workspace {id} of user {user}"))?;
                Ok(made)
            })
            .await
    }
}

impl Inner {
    /// Refuses another user that there is not. The caller itself is known, also where another service looks after its account.
    async fn must_be_active(&self, tx: &Transaction, acting: &Acting, user: &UserId) -> Result<()> {
        let caller = acting.caller();
        match caller.user() == Some(user) || self.auth.is_active(tx, caller.tenant(), user).await? {
            true => Ok(()),
            false => Err(Error::invalid("/user_id", "there is no such user, or it is disabled")),
        }
    }

    fn must_have_room(&self, others: &[Workspace], all: Tally) -> Result<()> {
        if all.workspaces >= self.options.per_tenant {
            let most = self.options.per_tenant;
            return Err(Error::conflict(format!("the users of a tenant may have {most} workspaces together")));
        }
        let most = self.options.per_user;
        if others.iter().filter(|it| it.state != State::Terminated).count() >= most {
            let message =
                format!("a user may have {most} workspaces; one that is being deleted counts until it is gone");
            return Err(Error::conflict(message));
        }
        match others.len() >= limits::RECORDS_PER_USER {
            true => Err(Error::conflict("too many workspaces were deleted of late: try again later")),
            false => Ok(()),
        }
    }

    fn made(
        &self,
        keys: &TenantKeys,
        id: &WorkspaceId,
        user: &UserId,
        name: &str,
        label: &str,
        others: &[Workspace],
    ) -> Workspace {
        let (now, pod) = (self.now(), names::pod(id));
        let service = names::service(label);
        let is_taken = others.iter().any(|it| it.state != State::Terminated && it.service == service);
        Workspace {
            id: id.clone(),
            tenant: keys.tenant().clone(),
            user: user.clone(),
            name: name.to_owned(),
            state: State::Pending,
            wanted: Wanted::Running,
            pod_namespace: names::namespace(label),
            service: if is_taken { pod.clone() } else { service },
            pod_name: pod,
            message: None,
            failures: 0,
            anew: false,
            created_at: now,
            updated_at: now,
            since: now,
            last_active_at: now,
            revision: 1,
        }
    }
}

/// A user's workspaces, oldest first, those that were deleted lately included.
async fn all_of(tx: &Transaction, keys: &TenantKeys, user: &UserId) -> Result<Vec<Workspace>> {
    let space = keys.all_of(user);
    let found = tx.collect_range(RangeQuery::from(&space)).await?;
    let mut all = Vec::new();
    for item in &found.items {
        all.extend(workspace::read(tx, keys, &workspace_in(&space, &item.key)?).await?);
    }
    Ok(all)
}
