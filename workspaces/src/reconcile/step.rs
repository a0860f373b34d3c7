//! One step with one workspace: read the wish, do what brings the cluster nearer to it, write down what is seen.

use coditect_store::{Term, Transaction};
use tracing::Instrument as _;

use super::outcome::{Outcome, judge};
use super::queue::{Job, Next};
use super::{Reconciler, meters};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, Observed, Phase};
use crate::error::{Error, ErrorKind, Result, causes};
use crate::keys::{Name, TenantKeys};
use crate::workspace::{self, State, Wanted, Workspace};
use crate::{limits, tally};

impl Reconciler {
    /// Does the step, and says when the next is due. Whatever goes wrong concerns this workspace alone.
    pub(super) async fn step(&self, term: &Term, job: &Job) -> Next {
        let Name { tenant, workspace } = &job.name;
        let span = tracing::info_span!("reconcile", %tenant, %workspace);
        let begun = self.inner.clock.monotonic();
        let done = Box::pin(self.bring(term, job)).instrument(span.clone()).await;
        let (result, next) =
            done.unwrap_or_else(|error| (span.in_scope(|| told(&error)), Next::After(self.options.recheck)));
        let took = self.inner.clock.monotonic().saturating_sub(begun);
        meters::step(result, took);
        next
    }

    async fn bring(&self, term: &Term, job: &Job) -> Result<(&'static str, Next)> {
        let Some(before) = self.inner.find(&job.name.tenant, &job.name.workspace).await? else {
            return Ok(("gone", Next::Rest));
        };
        match (before.wanted, before.state) {
            (Wanted::Terminated, State::Terminated) => return self.after_the_end(term, &before, job).await,
            (Wanted::Running, _) if job.is_thorough && self.is_idle(&before).await? => {
                self.suspend_idle(term, &before).await?;
                return Ok(("idle", Next::Now));
            }
            _ => {}
        }
        let seen = in_time(self.act(term, &before, job.is_thorough)).await;
        if let Err(error) = &seen {
            tracing::warn!(%error, causes = causes(error), "the cluster was not brought to what is wanted");
            self.make_way(error.owner()).await?;
        }
        let outcome = judge(&before, &seen, self.inner.now(), &self.options);
        self.write(term, &before, &outcome).await
    }

    /// What is in the way of a workspace may be of one that is deleted: the request for it came late, from a process that had lost its lease. The next step finds it gone.
    async fn make_way(&self, owner: Option<&Name>) -> Result<()> {
        let Some(Name { tenant, workspace }) = owner else { return Ok(()) };
        let found = self.inner.find(tenant, workspace).await?;
        if let Some(deleted) = found.filter(|it| it.state == State::Terminated) {
            match in_time(self.cluster.remove(&deleted)).await {
                Ok(_) => tracing::info!(%workspace, "parts of a deleted workspace were in the way"),
                Err(error) => tracing::warn!(%error, %workspace, "parts of a deleted workspace are in the way"),
            }
        }
        Ok(())
    }

    /// Does what brings the cluster nearer to what is wanted.
    async fn act(&self, term: &Term, workspace: &Workspace, is_thorough: bool) -> ClusterResult<Observed> {
        match workspace.wanted {
            Wanted::Terminated => self.cluster.remove(workspace).await,
            Wanted::Suspended => self.cluster.suspend(workspace).await,
            Wanted::Running => self.start(term, workspace, is_thorough).await,
        }
    }

    /// Looks at the pod, makes one where there is none, and takes one away that has ended; the next step makes another.
    async fn start(&self, term: &Term, workspace: &Workspace, is_thorough: bool) -> ClusterResult<Observed> {
        let seen = self.cluster.observe(workspace).await?;
        match seen.phase {
            Phase::Gone | Phase::Absent => self.apply(term, workspace).await,
            Phase::Failed => self.cluster.suspend(workspace).await.map(|_| seen),
            Phase::Starting if workspace.anew => self.cluster.suspend(workspace).await,
            _ if is_thorough => self.keep_up(term, workspace, seen).await,
            _ => Ok(seen),
        }
    }

    async fn apply(&self, term: &Term, workspace: &Workspace) -> ClusterResult<Observed> {
        let token = self.token(term, workspace).await;
        let token = token.map_err(|error| ClusterError::waiting("its token is not made yet").caused_by(error))?;
        self.cluster.apply(workspace, &self.templates.manifests(workspace, token.as_ref())).await
    }

    /// Brings the parts beside a pod to their templates. One that is refused, or beside a pod that is ready has to wait, is told, and does not take the pod from its
    /// user.
    async fn keep_up(&self, term: &Term, workspace: &Workspace, seen: Observed) -> ClusterResult<Observed> {
        match self.apply(term, workspace).await {
            Err(error) if is_beside(error.kind(), seen.phase) => {
                tracing::warn!(%error, causes = causes(&error), "a part beside a pod was not brought to its template");
                Ok(seen)
            }
            kept => kept,
        }
    }

    /// Writes down what was seen, unless something else is wanted by now, or another process has taken over.
    async fn write(&self, term: &Term, before: &Workspace, outcome: &Outcome) -> Result<(&'static str, Next)> {
        let (keys, after) = (&self.inner.keys.tenant(&before.tenant), &outcome.after);
        let is_current = self
            .inner
            .run(|tx| async move {
                term.fence(&tx).await?;
                let current = workspace::read(&tx, keys, &before.id).await?;
                match current.filter(|it| it.revision == before.revision) {
                    Some(current) => self.settle(&tx, keys, &current, after).await.map(|()| true),
                    None => Ok(false),
                }
            })
            .await?;
        if !is_current {
            return Ok(("overtaken", Next::Now));
        }
        if after.state != before.state {
            let message = after.message.as_deref().unwrap_or_default();
            tracing::info!(state = %after.state, message, "a workspace has changed");
        }
        Ok((outcome.result, outcome.next))
    }

    /// Writes down what goes with a state that was seen: no token outlives its pod, and what is gone makes room. It is one commit with the state, so a process that has
    /// lost its lease takes nothing from a pod that was made since.
    async fn settle(&self, tx: &Transaction, keys: &TenantKeys, current: &Workspace, after: &Workspace) -> Result<()> {
        let known = Workspace { last_active_at: current.last_active_at, ..after.clone() };
        let is_new = known.state != current.state;
        if is_new && matches!(known.state, State::Suspended | State::Terminated) {
            self.tokens.take_back(tx, &known).await?;
            self.given.forget(&known);
        }
        if is_new && known.state == State::Terminated {
            tally::take(tx, keys).await?;
        }
        if known != *current {
            workspace::write(tx, keys, &known)?;
        }
        let wish = keys.wish(&known.id);
        if tx.get(&wish).await?.is_some() {
            tx.clear(&wish);
        }
        Ok(())
    }
}

/// What the cluster answers, if it does.
async fn in_time(asked: impl Future<Output = ClusterResult<Observed>>) -> ClusterResult<Observed> {
    let answer = tokio::time::timeout(limits::STEP_WAIT, asked).await;
    answer.unwrap_or_else(|_| Err(ClusterError::unavailable().caused_by("it takes too long")))
}

/// Whether what went wrong with a part is no matter of the pod's.
fn is_beside(kind: ClusterErrorKind, pod: Phase) -> bool {
    match kind {
        ClusterErrorKind::Refused => true,
        ClusterErrorKind::Waiting => pod == Phase::Ready,
        ClusterErrorKind::Unavailable(_) => false,
    }
}

/// Tells of an error of the store. Answers its word for metrics.
fn told(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Lost => {
            tracing::debug!(%error, "another process reconciles");
            "lost"
        }
        _ => {
            tracing::warn!(%error, causes = causes(error), "a workspace was not reconciled");
            "error"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use coditect_auth::{Auth, AuthOptions, KeyRing, UserId};
    use coditect_store::{Clock, Lease, TenantId, testing};
    use futures::FutureExt as _;
    use futures::future::BoxFuture;
    use secrecy::SecretString;

    use super::*;
    use crate::{NewWorkspace, SimulatedCluster, TemplateOptions, Templates, Tokens, Workspaces, WorkspacesOptions};

    /// Counts how often tokens were taken back in a transaction that was committed.
    struct Counting;

    fn taken() -> Vec<u8> {
        coditect_store::tuple::pack(&"taken")
    }

    impl Tokens for Counting {
        fn token<'a>(&'a self, _: &'a Transaction, _: &'a Workspace) -> BoxFuture<'a, Result<Option<SecretString>>> {
            async { Ok(None) }.boxed()
        }

        fn take_back<'a>(&'a self, tx: &'a Transaction, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>> {
            tx.set(&taken(), workspace.id.as_str().as_bytes());
            async { Ok(()) }.boxed()
        }
    }

    /// Serialisability alone does not keep it out: what was seen is as old as the term.
    #[tokio::test]
    async fn what_was_seen_in_a_term_that_is_over_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let store = testing::open(dir.path(), Clock::system()).await.unwrap();
        let keys = KeyRing::new(&"a secret of the tests, 32 bytes and more".into(), &[]).unwrap();
        let auth = Auth::start(store.clone(), AuthOptions::new(keys)).unwrap();
        let options = WorkspacesOptions { has_cluster: true, ..Default::default() };
        let workspaces = Workspaces::new(store.clone(), auth.clone(), options).unwrap();
        let cluster = Arc::new(SimulatedCluster::new(Clock::system(), Duration::ZERO));
        let templates = Templates::load(TemplateOptions::default()).unwrap();
        let reconciler = Reconciler::new(&workspaces, cluster, templates, Default::default()).unwrap();
        let reconciler = reconciler.with_tokens(Arc::new(Counting));
        let lease = || Lease::new(store.clone(), workspaces.inner.keys.lease(), Duration::from_secs(60));
        let (mut first, mut second) = (lease(), lease());
        let over = first.hold().await.unwrap().unwrap();
        first.release().await.unwrap();
        let current = second.hold().await.unwrap().unwrap();
        let (tenant, user) = (TenantId::new("acme").unwrap(), UserId::new("ada").unwrap());
        coditect_auth::testing::user(&auth, &tenant, &user).await.unwrap();
        let new = NewWorkspace { name: "main".into(), user: Some(user) };
        let before = workspaces.create(&auth.operator(&tenant), &new).await.unwrap();
        let after = Workspace { state: State::Suspended, ..before.clone() };
        let outcome = Outcome { after, next: Next::Rest, result: "done" };
        let is_taken = async || store.run(|tx| async move { tx.get(&taken()).await }).await.unwrap().is_some();
        let refused = reconciler.write(&over, &before, &outcome).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Lost);
        assert_eq!(workspaces.find(&before.tenant, &before.id).await.unwrap().unwrap(), before);
        assert!(!is_taken().await, "the tokens may be of a pod that was made since");
        assert_eq!(reconciler.write(&current, &before, &outcome).await.unwrap(), ("done", Next::Rest));
        assert!(is_taken().await);
    }
}
