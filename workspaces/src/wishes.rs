//! What callers want of a workspace that is there: that it runs, is suspended, or is deleted. A wish is written down; a reconciler fulfils it.

use coditect_auth::{Acting, WorkspaceId};

use crate::error::{Error, Result};
use crate::workspace::{self, Wanted, Workspace};
use crate::workspaces::Workspaces;

impl Workspaces {
    /// Deletes a workspace with its files, the caller's own or with the scope `admin` anybody's. Deleting one that is deleted is no error.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may delete.
    pub async fn delete(&self, acting: &Acting, id: &WorkspaceId) -> Result<Workspace> {
        self.wish(acting, id, Wanted::Terminated, "workspace.delete").await
    }

    /// Stops a workspace. Its files stay.
    ///
    /// # Errors
    /// As [`Workspaces::delete`]; `Conflict` when it was deleted.
    pub async fn suspend(&self, acting: &Acting, id: &WorkspaceId) -> Result<Workspace> {
        self.wish(acting, id, Wanted::Suspended, "workspace.suspend").await
    }

    /// Starts a workspace that was suspended or has failed.
    ///
    /// # Errors
    /// As [`Workspaces::suspend`]; `NoCluster`.
    pub async fn resume(&self, acting: &Acting, id: &WorkspaceId) -> Result<Workspace> {
        self.inner.must_have_cluster()?;
        self.wish(acting, id, Wanted::Running, "workspace.resume").await
    }

    /// A wish that is one already is not written again, unless it was given up: then it is tried anew.
    async fn wish(&self, acting: &Acting, id: &WorkspaceId, wanted: Wanted, action: &'static str) -> Result<Workspace> {
        let (inner, keys) = (&*self.inner, &self.inner.keys.tenant(acting.caller().tenant()));
        let now = inner.now();
        inner
            .run(|tx| async move {
                let found = workspace::read(&tx, keys, id).await?;
                let found = found.filter(|it| acting.may_look_after(&it.user)).ok_or_else(Error::not_found)?;
                // So it is after an attempt of this call whose result was unknown, unless somebody wished something else since: then this wish is the later one.
                if found.is_wanted(wanted) {
                    return Ok(found);
                }
                if found.wanted == Wanted::Terminated && wanted != Wanted::Terminated {
                    return Err(Error::conflict("the workspace was deleted"));
                }
                let wish = found.wishing(wanted, now);
                inner.ask(&tx, &wish)?;
                acting.auditor().note(&tx, 0, action, &format!("workspace {id} of user {}", wish.user))?;
                Ok(wish)
            })
            .await
    }
}
