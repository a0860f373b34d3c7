//! `status`: what the collection holds, how the tree differs from it, and which documents failed.

use std::process::ExitCode;

use coditect_ingest::client::{ClientError, CollectionInfo, FailedDocument, Pause};
use serde::Serialize;

use super::args::{SendingArguments, StatusArguments};
use super::run::job;
use super::signals::Signals;
use super::{exit, output};
use crate::push::report::{Reporter, Verbosity, shown};
use crate::push::summary::Ending;
use crate::push::{Change, Job, Plan, Scan};

/// Names listed for people; programs get all.
const LISTED: usize = 20;

/// All that `status` tells.
#[derive(Debug, Serialize)]
struct Status {
    server: String,
    collection: String,
    exists: bool,
    documents: u64,
    passages: u64,
    embedder: Option<Embedder>,
    version: Option<String>,
    tree: TreeStatus,
    failed: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Embedder {
    id: String,
    model: String,
    dimension: u64,
}

#[derive(Debug, Serialize)]
struct TreeStatus {
    documents: usize,
    unchanged: usize,
    new: Vec<String>,
    changed: Vec<String>,
    vanished: Vec<String>,
    unreadable: usize,
    skipped: u64,
}

#[derive(Debug, Serialize)]
struct Failure {
    document_id: String,
    error: String,
}

/// Runs `status`.
pub(super) async fn run(arguments: StatusArguments, signals: &Signals) -> anyhow::Result<ExitCode> {
    let output = arguments.output;
    let reporter = Reporter::new(Verbosity { quiet: output.quiet, each: output.verbose });
    let job = job(arguments.target, &SendingArguments::default(), reporter, signals)?;
    let status = match gather(&job).await? {
        Ok(status) => status,
        Err(ending) => {
            if let Ending::Unreachable(reason) | Ending::Refused(reason) = &ending {
                job.reporter.error(reason);
            }
            return Ok(exit::code(&ending, 0, signals.code()));
        }
    };
    output::table(&status.rows(), output.json);
    if !output.json {
        status.list(if output.verbose { usize::MAX } else { LISTED });
    } else {
        output::json(&status)?;
    }
    let failed = status.failed.len() + status.tree.unreadable;
    Ok(exit::code(&Ending::Complete, failed as u64, signals.code()))
}

async fn gather(job: &Job) -> anyhow::Result<Result<Status, Ending>> {
    let (scan, plan) = match job.compare().await? {
        Ok(compared) => compared,
        Err(ending) => return Ok(Err(ending)),
    };
    let request = || job.client.collection(&job.collection);
    let info = match job.first_contact().run(false, notify(job), request).await {
        Ok(info) => info,
        Err(error) => return Ok(Err(job.ending_of(&error))),
    };
    let failed = match failures(job).await {
        Ok(failed) => failed,
        Err(error) => return Ok(Err(job.ending_of(&error))),
    };
    let skipped = job.reporter.tally().skipped;
    Ok(Ok(Status::new(job, info, tree(&scan, &plan, skipped), &failed)))
}

async fn failures(job: &Job) -> Result<Vec<FailedDocument>, ClientError> {
    let mut failed = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let (collection, prefix) = (&job.collection, job.tree.prefix());
        let request = || job.client.failed_documents(collection, prefix, cursor.as_deref());
        let page = job.first_contact().run(false, notify(job), request).await?;
        let Some(page) = page else { return Ok(failed) };
        failed.extend(page.documents);
        if page.next_cursor.is_none() || page.next_cursor == cursor {
            return Ok(failed);
        }
        cursor = page.next_cursor;
    }
}

fn notify(job: &Job) -> impl FnMut(Pause<'_>) {
    |pause| job.reporter.pause(&pause)
}

fn tree(scan: &Scan, plan: &Plan, skipped: u64) -> TreeStatus {
    TreeStatus {
        documents: scan.documents.len() + scan.duplicates,
        unchanged: plan.unchanged,
        new: plan.ids(Change::New),
        changed: plan.ids(Change::Changed),
        vanished: plan.vanished.clone(),
        unreadable: scan.unreadable,
        skipped,
    }
}

impl Status {
    fn new(job: &Job, info: Option<CollectionInfo>, tree: TreeStatus, failed: &[FailedDocument]) -> Self {
        let exists = info.is_some();
        let (documents, passages) = info.as_ref().map_or((0, 0), |info| (info.documents, info.passages));
        let version = info.as_ref().and_then(|info| info.version.clone());
        let embedder = info.and_then(|info| info.embedder).map(|of| Embedder {
            id: of.id,
            model: of.model,
            dimension: of.dimension,
        });
        Self {
            server: job.client.server().to_string(),
            collection: job.collection.clone(),
            exists,
            documents,
            passages,
            embedder,
            version,
            tree,
            failed: failed.iter().map(Failure::from).collect(),
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let name = match self.exists {
            true => shown(&self.collection),
            false => format!("{} (does not exist yet)", shown(&self.collection)),
        };
        let mut rows = vec![
            ("server", self.server.clone()),
            ("collection", name),
            ("documents", self.documents.to_string()),
            ("passages", self.passages.to_string()),
        ];
        if let Some(of) = &self.embedder {
            rows.push(("embedder", format!("{} ({} dimensions)", of.model, of.dimension)));
        }
        rows.extend(self.version.clone().map(|version| ("version", version)));
        let tree = &self.tree;
        rows.push(("in the tree", tree.documents.to_string()));
        rows.push(("  unchanged", tree.unchanged.to_string()));
        rows.push(("  new", tree.new.len().to_string()));
        rows.push(("  changed", tree.changed.len().to_string()));
        rows.push(("not in the tree", tree.vanished.len().to_string()));
        rows.push(("failed", self.failed.len().to_string()));
        rows
    }

    fn list(&self, most: usize) {
        let lists =
            [("new", &self.tree.new), ("changed", &self.tree.changed), ("not in the tree", &self.tree.vanished)];
        for (name, ids) in lists {
            let lines = ids.iter().map(|id| shown(id));
            list(name, ids.len(), lines, most);
        }
        let failures = self.failed.iter();
        let lines = failures.map(|failure| format!("{}: {}", shown(&failure.document_id), shown(&failure.error)));
        list("failed", self.failed.len(), lines, usize::MAX);
    }
}

impl From<&FailedDocument> for Failure {
    fn from(failed: &FailedDocument) -> Self {
        Self { document_id: failed.document_id.clone(), error: failed.reason() }
    }
}

fn list(name: &str, count: usize, lines: impl Iterator<Item = String>, most: usize) {
    if count == 0 {
        return;
    }
    output::line(&format!("{name}:"));
    for line in lines.take(most) {
        output::line(&format!("  {line}"));
    }
    if count > most {
        output::line(&format!("  and {} more (--verbose lists all)", count - most));
    }
}
