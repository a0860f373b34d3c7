//! Following the change log: reads it behind a cursor, applies it in order, publishes the version that searches see.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::collection::CollectionIndex;
use super::load::{self, Loaded};
use super::rebuild;
use super::registry::Indexes;
use crate::bucket::Bucket;
use crate::documents::log::{self, Change, LogEntry, LogPage};
use crate::documents::{Context, collections};
use crate::error::{Error, Result, chain};
use crate::limits;
use crate::model::{CollectionId, CollectionName, DocumentId, TenantId, Version};

/// How far this process has followed the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    /// Everything up to this version is visible.
    pub(crate) version: Version,
    /// The log's head has been reached once since the start.
    pub(crate) caught_up: bool,
    /// When the log was last read, on the monotonic clock.
    pub(crate) at: Option<Duration>,
}

/// The one task that writes the indexes.
pub(crate) struct Follower {
    pub(crate) context: Context,
    pub(crate) indexes: Arc<Indexes>,
    pub(crate) applied: watch::Sender<Applied>,
    /// Where snapshots are.
    pub(crate) bucket: Option<Bucket>,
    pub(crate) stop: CancellationToken,
}

impl Follower {
    /// Rebuilds, then follows until it is stopped. Failures are logged and tried again, with growing pauses.
    pub(crate) async fn run(self) {
        let mut cursor = None;
        let mut pause = limits::FOLLOW_BACKOFF_MIN;
        while !self.stop.is_cancelled() {
            match self.step(&mut cursor).await {
                Ok(()) => pause = limits::FOLLOW_BACKOFF_MIN,
                Err(error) => {
                    metrics::counter!("engine_follow_failures_total").increment(1);
                    tracing::warn!(error = %chain(&error), ?pause, "following the change log failed, trying again");
                    self.rest(pause).await;
                    pause = (pause * 2).min(limits::FOLLOW_BACKOFF_MAX);
                }
            }
        }
    }

    async fn step(&self, cursor: &mut Option<Version>) -> Result<()> {
        let Some(from) = *cursor else {
            // A bucket that does not answer is waited for: whoever stops meanwhile need not.
            tokio::select! {
                () = self.stop.cancelled() => {}
                from = rebuild::rebuild(&self.context, &self.indexes, self.bucket.as_ref()) => *cursor = Some(from?),
            }
            return Ok(());
        };
        let changed = self.watch_tail().await?;
        let Some(page) = log::read(&self.context.store, &self.context.keys, from).await? else {
            tracing::warn!(%from, "the change log no longer reaches back to here: building the indexes anew from the store");
            metrics::counter!("engine_follow_rebuilds_total").increment(1);
            *cursor = None;
            return Ok(());
        };
        let read = self.context.clock.monotonic();
        let (through, more, empty) = (page.through, page.more, page.entries.is_empty());
        self.apply(page).await?;
        *cursor = Some(through);
        self.applied.send_modify(|applied| {
            applied.version = through;
            applied.caught_up |= !more;
            applied.at = Some(read);
        });
        if empty {
            self.tidy().await?;
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(limits::FOLLOW_POLL) => {}
                _ = changed => {}
            }
        }
        Ok(())
    }

    /// A watch on the log's tail, set before the log is read, so that no entry slips between the two.
    async fn watch_tail(&self) -> Result<coditect_store::Watch> {
        let key = &self.context.keys.tail();
        self.context.store.run(|tx| async move { Ok::<_, Error>(tx.watch(key)) }).await
    }

    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn apply(&self, page: LogPage) -> Result<()> {
        let through = page.through;
        let mut changed = Changed::default();
        for (_, entry) in page.entries {
            match entry.change {
                Change::Put { document, .. } | Change::Deleted { document } => {
                    changed.add(entry.tenant, entry.collection, document);
                }
                Change::Created { ref name } | Change::Altered { ref name } => self.described(&entry, name).await?,
                Change::Dropped { ref name } => self.indexes.remove(&entry.tenant, name, entry.collection),
            }
        }
        for ((tenant, collection), documents) in changed.documents {
            self.apply_documents(&tenant, collection, documents, through).await?;
        }
        Ok(())
    }

    /// A collection is new, or its record was changed.
    async fn described(&self, entry: &LogEntry, name: &CollectionName) -> Result<()> {
        let keys = &self.context.keys.tenant(&entry.tenant);
        let head = self.context.store.run(|tx| async move { collections::get(&tx, keys, name).await }).await?;
        let Some(head) = head.filter(|head| head.id == entry.collection) else { return Ok(()) };
        match self.indexes.by_id(head.id) {
            Some(index) => index.effort().configure(head.search),
            None => {
                let index = CollectionIndex::new(head, self.context.scratch.clone())?;
                self.indexes.put(&entry.tenant, name, Arc::new(index));
            }
        }
        Ok(())
    }

    async fn apply_documents(
        &self,
        tenant: &TenantId,
        collection: CollectionId,
        documents: Vec<DocumentId>,
        version: Version,
    ) -> Result<()> {
        let Some(index) = self.indexes.by_id(collection) else { return Ok(()) };
        let mut parts = documents.chunks(limits::REBUILD_BATCH).peekable();
        while let Some(some) = parts.next() {
            let batch = load::load(&self.context, tenant, &index, some.to_vec()).await?;
            // The index has reached the version when it has all parts.
            let reached = if parts.peek().is_some() { index.view().version } else { version };
            apply_blocking(&index, batch, reached).await?;
        }
        Ok(())
    }

    /// With nothing to follow: gives back memory that writing took.
    async fn tidy(&self) -> Result<()> {
        for index in self.indexes.all().into_iter().filter(|index| !index.is_tidy()) {
            blocking(move || index.tidy()).await?;
        }
        Ok(())
    }
}

/// The documents that a page of the log names, each once, by collection.
#[derive(Default)]
struct Changed {
    documents: HashMap<(TenantId, CollectionId), Vec<DocumentId>>,
    seen: std::collections::HashSet<(CollectionId, DocumentId)>,
}

impl Changed {
    fn add(&mut self, tenant: TenantId, collection: CollectionId, document: DocumentId) {
        if self.seen.insert((collection, document.clone())) {
            self.documents.entry((tenant, collection)).or_default().push(document);
        }
    }
}

/// Applies on a thread where blocking is allowed, in pieces that keep memory bounded.
pub(super) async fn apply_blocking(index: &Arc<CollectionIndex>, batch: Vec<Loaded>, version: Version) -> Result<()> {
    let index = index.clone();
    blocking(move || index.apply(batch, version)).await
}

async fn blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("apply changes to the indexes").caused_by(error))?
}
