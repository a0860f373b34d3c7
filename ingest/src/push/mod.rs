//! The work behind `push` and `sync`: read the tree, compare with the server, send what differs, delete what is gone.

mod batch;
mod hash;
pub(crate) mod limits;
mod plan;
mod progress;
mod remote;
mod remove;
pub(crate) mod report;
mod scan;
mod send;
pub(crate) mod summary;
mod tally;
pub(crate) mod tree;
pub(crate) mod watch;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use coditect_ingest::client::{Client, ClientError, Pause, RetryPolicy, Verdict};
use coditect_ingest::wire::DocumentInput;
use tokio::sync::mpsc;

pub(crate) use self::batch::BatchSize;
use self::batch::Batcher;
pub(crate) use self::plan::{Change, Plan};
pub(crate) use self::remote::Remote;
use self::report::{Reporter, explained};
pub(crate) use self::scan::Scan;
use self::send::Sender;
use self::summary::{Ending, Summary};
use self::tree::{Entry, Tree};

/// A tree, a collection, and how to bring the one into the other.
#[derive(Clone)]
pub(crate) struct Job {
    /// The gateway.
    pub(crate) client: Client,
    /// Where the documents go.
    pub(crate) collection: String,
    /// Where they come from.
    pub(crate) tree: Arc<Tree>,
    /// How long to wait for the gateway; its token ends the run.
    pub(crate) retry: RetryPolicy,
    /// Told what happens.
    pub(crate) reporter: Arc<Reporter>,
    /// Bounds of a batch.
    pub(crate) size: BatchSize,
    /// Most requests under way at once.
    pub(crate) in_flight: usize,
}

/// What a run may do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mode {
    /// Documents that vanished from the tree are deleted.
    pub(crate) delete: bool,
    /// However many they are.
    pub(crate) yes: bool,
    /// Nothing is written.
    pub(crate) dry_run: bool,
}

/// A run that came to its end, whichever that was.
pub(crate) struct Finished {
    /// What it did.
    pub(crate) summary: Summary,
    /// How it ended.
    pub(crate) ending: Ending,
    /// What the tree held.
    pub(crate) scan: Scan,
}

impl Job {
    /// Runs once.
    ///
    /// # Errors
    ///
    /// When the tree cannot be read at all. Whatever the server does is an [`Ending`].
    pub(crate) async fn run(&self, mode: Mode) -> anyhow::Result<Finished> {
        let began = Instant::now();
        let (scan, plan, ending) = match self.compare().await? {
            Ok((scan, plan)) => {
                let ending = self.carry_out(&scan, &plan, mode).await?;
                (scan, plan, ending)
            }
            Err(ending) => (Scan::default(), Plan::default(), ending),
        };
        self.reporter.end();
        let summary = self.summary(&scan, &plan, mode, &ending, began.elapsed());
        Ok(Finished { summary, ending, scan })
    }

    /// Reads server and tree. The server comes first: where it is away, the tree need not be read.
    pub(crate) async fn compare(&self) -> anyhow::Result<Result<(Scan, Plan), Ending>> {
        let remote = match self.remote().await {
            Ok(remote) => remote,
            Err(error) => return Ok(Err(self.ending_of(&error))),
        };
        let scan = self.scan().await?;
        self.reporter.end();
        if self.retry.stop.is_cancelled() {
            return Ok(Err(Ending::Interrupted));
        }
        let plan = Plan::compare(&scan, &remote);
        Ok(Ok((scan, plan)))
    }

    /// How long the server is waited for while nothing has been done yet.
    pub(crate) fn first_contact(&self) -> RetryPolicy {
        let patience = self.retry.patience.unwrap_or(limits::FIRST_CONTACT);
        RetryPolicy { patience: Some(patience.min(limits::FIRST_CONTACT)), ..self.retry.clone() }
    }

    async fn remote(&self) -> Result<Remote, ClientError> {
        let retry = self.first_contact();
        let prefix = self.tree.prefix();
        let notify = |pause: Pause<'_>| self.reporter.pause(&pause);
        Remote::read(&self.client, &self.collection, prefix, &retry, notify).await
    }

    async fn scan(&self) -> anyhow::Result<Scan> {
        let (tree, reporter) = (self.tree.clone(), self.reporter.clone());
        let stop = self.retry.stop.clone();
        let scan = tokio::task::spawn_blocking(move || Scan::read(&tree, &reporter, &stop));
        scan.await.context("read the tree")?
    }

    /// How a run ends when the server answers so before anything was sent.
    pub(crate) fn ending_of(&self, error: &ClientError) -> Ending {
        let explained = format!("{}: {}", self.client.server(), explained(error));
        match error.verdict() {
            _ if self.retry.stop.is_cancelled() => Ending::Interrupted,
            Verdict::Refused | Verdict::Hopeless | Verdict::TooLarge => Ending::Refused(explained),
            Verdict::Unavailable | Verdict::Slow | Verdict::Broken => Ending::Unreachable(explained),
        }
    }

    async fn carry_out(&self, scan: &Scan, plan: &Plan, mode: Mode) -> anyhow::Result<Ending> {
        let delete = mode.delete && !plan.vanished.is_empty();
        if delete && plan.deletes_too_much() && !mode.yes {
            self.refuse_to_delete(plan);
            return Ok(Ending::Unsafe);
        }
        if mode.dry_run {
            self.preview(plan, mode);
            return Ok(Ending::Complete);
        }
        let ending = self.send(plan.pending.clone(), plan.pending_bytes).await?;
        if ending != Ending::Complete || !delete {
            return Ok(ending);
        }
        if scan.unreadable > 0 {
            let count = plan.vanished.len();
            self.reporter.warn(&format!(
                "{count} documents are not in the tree, and are kept: a part of the tree could not be read"
            ));
            return Ok(Ending::Complete);
        }
        Ok(self.delete(&plan.vanished).await)
    }

    /// Sends the documents that are named; they are read from the tree once more, a few at a time.
    pub(crate) async fn send(&self, pending: HashMap<String, Change>, bytes: u64) -> anyhow::Result<Ending> {
        if pending.is_empty() {
            return Ok(Ending::Complete);
        }
        self.reporter.begin(pending.len(), bytes);
        let (tx, rx) = mpsc::channel(limits::BATCHES_AHEAD);
        let (tree, size) = (self.tree.clone(), self.size);
        let producer = tokio::task::spawn_blocking(move || produce(&tree, pending, size, &tx));
        let sender = Sender::new(&self.client, &self.retry, &self.reporter, self.in_flight);
        let ending = sender.send_all(rx).await;
        let missing = producer.await.context("read the tree")??;
        if ending == Ending::Complete {
            for id in missing.keys() {
                let id = report::shown(id);
                self.reporter.warn(&format!("{id}: gone from the tree before it could be sent"));
            }
        }
        Ok(ending)
    }

    /// Deletes documents from the server.
    pub(crate) async fn delete(&self, ids: &[String]) -> Ending {
        let (client, retry, reporter) = (&self.client, &self.retry, &self.reporter);
        remove::remove(client, retry, reporter, &self.collection, ids, self.in_flight).await
    }

    fn refuse_to_delete(&self, plan: &Plan) {
        self.reporter.error(&format!(
            "{} of the {} documents in collection `{}` are not in {}: nothing was sent or deleted; \
             check --collection, --prefix and the path, then confirm with --yes",
            plan.vanished.len(),
            plan.stored,
            report::shown(&self.collection),
            self.tree.root().display()
        ));
    }

    fn preview(&self, plan: &Plan, mode: Mode) {
        let mut pending: Vec<_> = plan.pending.iter().collect();
        pending.sort_unstable_by_key(|(id, _)| *id);
        for (id, change) in pending {
            let verb = match change {
                Change::New => "create",
                Change::Changed => "update",
            };
            self.reporter.would(verb, id);
        }
        for id in plan.vanished.iter().filter(|_| mode.delete) {
            self.reporter.would("delete", id);
        }
    }

    fn summary(&self, scan: &Scan, plan: &Plan, mode: Mode, ending: &Ending, elapsed: Duration) -> Summary {
        let tally = self.reporter.tally();
        let documents = scan.documents.len() + scan.duplicates;
        let mut summary = Summary::new(documents, plan, &tally, elapsed);
        let deletions = if mode.delete { plan.vanished.len() } else { 0 };
        if *ending != Ending::Complete {
            let planned = (plan.pending.len() + deletions) as u64;
            summary.not_sent = planned.saturating_sub(tally.settled);
        } else if mode.dry_run {
            summary.dry_run = true;
            summary.created = plan.count(Change::New) as u64;
            summary.updated = plan.count(Change::Changed) as u64;
            summary.deleted = deletions as u64;
        }
        summary
    }
}

/// Reads the pending documents and hands them over in batches; gives back those that are not there any more.
fn produce(
    tree: &Tree,
    mut pending: HashMap<String, Change>,
    size: BatchSize,
    batches: &mpsc::Sender<Vec<DocumentInput>>,
) -> anyhow::Result<HashMap<String, Change>> {
    let mut batcher = Batcher::new(size);
    let mut receiving = true;
    tree.walk(&mut |entry| {
        let Entry::Document { document, .. } = entry else {
            return ControlFlow::Continue(());
        };
        // Of two documents with one id, the first is the one that counts.
        if pending.remove(&document.document_id).is_some()
            && let Some(batch) = batcher.add(*document)
        {
            receiving = batches.blocking_send(batch).is_ok();
        }
        match receiving && !pending.is_empty() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    if let Some(batch) = batcher.take().filter(|_| receiving) {
        // Nobody receives any more when the run has ended.
        let _ = batches.blocking_send(batch);
    }
    Ok(pending)
}
