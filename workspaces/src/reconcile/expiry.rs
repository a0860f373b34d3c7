//! What comes after the end of a workspace: its record stays for a while, and goes when the cluster was looked through once more.

use coditect_store::Term;

use super::Reconciler;
use super::queue::{Job, Next};
use crate::cluster::Phase;
use crate::error::{Result, causes};
use crate::workspace::{self, State, Workspace};
use crate::workspaces::is_longer;

impl Reconciler {
    /// Looks through the cluster when it tells of something, and at the end of the record's time: a request of a process that has lost its lease may have come late.
    pub(super) async fn after_the_end(
        &self,
        term: &Term,
        workspace: &Workspace,
        job: &Job,
    ) -> Result<(&'static str, Next)> {
        let is_over = is_longer(self.inner.now(), workspace.since, self.options.keep_terminated);
        if job.is_thorough && !is_over {
            return Ok(("done", Next::Rest));
        }
        match self.cluster.remove(workspace).await {
            Ok(seen) if seen.phase != Phase::Gone => Ok(("under_way", Next::After(self.options.recheck))),
            Ok(_) if is_over => self.forget(term, workspace).await,
            Ok(_) => Ok(("done", Next::Rest)),
            Err(error) => {
                tracing::warn!(%error, causes = causes(&error), "the cluster was not looked through for a deleted workspace");
                Ok(("unavailable", Next::After(self.options.recheck)))
            }
        }
    }

    async fn forget(&self, term: &Term, workspace: &Workspace) -> Result<(&'static str, Next)> {
        let (keys, id) = (&self.inner.keys.tenant(&workspace.tenant), &workspace.id);
        self.inner
            .run(|tx| async move {
                term.fence(&tx).await?;
                if workspace::read(&tx, keys, id).await?.is_some_and(|it| it.state == State::Terminated) {
                    tx.clear(&keys.record(id));
                    tx.clear(&keys.one_of(&workspace.user, id));
                    tx.clear(&keys.wish(id));
                }
                Ok(())
            })
            .await?;
        Ok(("forgotten", Next::Rest))
    }
}
