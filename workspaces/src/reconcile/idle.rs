//! Workspaces that nobody uses: found by the registry of connections and the time of last use, and suspended in the operator's name.

use coditect_store::Term;

use super::{Reconciler, meters};
use crate::error::Result;
use crate::limits;
use crate::workspace::{self, Wanted, Workspace};
use crate::workspaces::is_longer;

impl Reconciler {
    /// Whether nobody is connected to a workspace and nobody was for a while, whether it runs or has failed. That somebody is counts as use.
    pub(super) async fn is_idle(&self, workspace: &Workspace) -> Result<bool> {
        let Some(after) = self.options.idle_after else { return Ok(false) };
        let (inner, now) = (&*self.inner, self.inner.now());
        if !is_longer(now, workspace.last_active_at, limits::TOUCH_EVERY.min(after)) {
            return Ok(false);
        }
        let Workspace { tenant, id, .. } = workspace;
        if inner.run(|tx| async move { Ok(inner.auth.is_connected(&tx, tenant, id).await?) }).await? {
            inner.touch(tenant, id).await?;
            return Ok(false);
        }
        Ok(is_longer(now, workspace.last_active_at, after))
    }

    /// Wishes that it be suspended, unless something else is wanted or it is used by now.
    pub(super) async fn suspend_idle(&self, term: &Term, before: &Workspace) -> Result<()> {
        let (inner, keys, now) = (&*self.inner, &self.inner.keys.tenant(&before.tenant), self.inner.now());
        let (id, operator) = (&before.id, &inner.auth.operator(&before.tenant));
        let is_done = inner
            .run(|tx| async move {
                term.fence(&tx).await?;
                let current = workspace::read(&tx, keys, id).await?;
                let same =
                    |it: &Workspace| it.revision == before.revision && it.last_active_at == before.last_active_at;
                let Some(current) = current.filter(same) else { return Ok(false) };
                // Somebody may have come since that was looked at.
                if inner.auth.is_connected(&tx, keys.tenant(), id).await? {
                    return Ok(false);
                }
                let wish = current.wishing(Wanted::Suspended, now);
                inner.ask(&tx, &wish)?;
                let target = format!("workspace {id} of user {}: nobody uses it", wish.user);
                operator.auditor().note(&tx, 0, "workspace.suspend", &target)?;
                Ok(true)
            })
            .await?;
        if is_done {
            meters::idle();
            tracing::info!(last_active_at = %before.last_active_at, "a workspace that nobody uses is suspended");
        }
        Ok(())
    }
}
