//! Bringing the cluster to what is wanted, and the records to what is seen.
//!
//! Of all processes on a store one reconciles at a time, under a lease. What it writes of the cluster is fenced by its term, so one that was only slow writes nothing any
//! more; what it may still do in the cluster is harmless, since the next one looks at what is there. It begins by looking at everything, so it need not know what others
//! have left behind; from then on a queue says what is due ([`queue`]): what callers wish, what the cluster tells of, what is under way, and now and then everything.

mod expiry;
mod given;
mod idle;
mod meters;
mod news;
mod options;
mod outcome;
mod queue;
mod step;

use std::sync::Arc;

use coditect_store::{Lease, Term};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::keys::Name;
use crate::limits;
use crate::manifests::Templates;
use crate::tokens::{NoTokens, Tokens};
use crate::workspaces::{Inner, Workspaces};
use given::Given;
use meters::ByState;
pub use options::ReconcilerOptions;
use queue::{Job, Next, Queue};

/// See the module.
pub struct Reconciler {
    inner: Arc<Inner>,
    cluster: Arc<dyn Cluster>,
    templates: Templates,
    tokens: Arc<dyn Tokens>,
    options: ReconcilerOptions,
    given: Given,
}

impl Reconciler {
    /// A reconciler of `workspaces` in `cluster`.
    ///
    /// # Errors
    /// `Invalid` for options that cannot work.
    pub fn new(
        workspaces: &Workspaces,
        cluster: Arc<dyn Cluster>,
        templates: Templates,
        options: ReconcilerOptions,
    ) -> Result<Self> {
        options.check()?;
        let inner = Arc::clone(&workspaces.inner);
        Ok(Self { inner, cluster, templates, tokens: Arc::new(NoTokens), options, given: Given::default() })
    }

    /// The same, with tokens for the pods.
    #[must_use]
    pub fn with_tokens(self, tokens: Arc<dyn Tokens>) -> Self {
        Self { tokens, ..self }
    }

    /// Reconciles until `stop`, whenever this process holds the lease. May be dropped at any point.
    pub async fn run(&self, stop: CancellationToken) {
        let mut lease = Lease::new(self.inner.store.clone(), self.inner.keys.lease(), self.options.lease);
        loop {
            let lead = lease.during(|term| self.lead(term));
            match stop.run_until_cancelled(Box::pin(lead)).await {
                None => break,
                // Another has it, or has taken it over.
                Some(Ok(_)) => {}
                Some(Err(error)) => tracing::warn!(%error, "the lease of reconciliation cannot be had"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(self.options.lease / 3)).await.is_none() {
                break;
            }
        }
        match tokio::time::timeout(limits::STOP_WAIT, lease.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the lease of reconciliation was not given back"),
            Err(_) => tracing::debug!("the lease of reconciliation was not given back in time"),
        }
    }

    /// The work of the process that holds the lease. It does not end by itself.
    async fn lead(&self, term: Term) {
        tracing::info!(term = term.number(), "this process reconciles workspaces");
        self.given.forget_all();
        let (again, _counted) = (Notify::new(), ByState);
        let (mut news, mut queue) = (self.news(&again), Queue::default());
        let mut working: FuturesUnordered<BoxFuture<'_, (Name, Next)>> = FuturesUnordered::new();
        loop {
            while working.len() < self.options.concurrency
                && let Some(job) = queue.take(Instant::now())
            {
                working.push(Box::pin(self.work(&term, job)));
            }
            tokio::select! {
                Some(told) = news.next() => told.enter(&mut queue, &again),
                Some((name, next)) = working.next() => queue.done(name, next, Instant::now()),
                // While all are busy nothing that is due can be taken, and looking for it again and again would take a processor.
                () = until(queue.next_at()), if working.len() < self.options.concurrency => {}
            }
        }
    }

    async fn work(&self, term: &Term, job: Job) -> (Name, Next) {
        let next = self.step(term, &job).await;
        (job.name, next)
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
