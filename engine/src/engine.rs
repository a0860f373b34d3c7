//! The engine as its callers hold it: opening and closing, and [`Tenant`], through which everything else goes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coditect_store::{Clock, Store};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::backup::{self, Backup, BackupInfo, BackupOptions};
use crate::bucket::Bucket;
use crate::documents::{self, Context, ListQuery, Page};
use crate::error::{Error, Result};
use crate::index::{Applied, Follower, Indexes};
use crate::keyword::Spelling;
use crate::limits;
use crate::model::{
    CollectionChange, CollectionInfo, CollectionName, CollectionSpec, DocumentId, NewDocument, Passage, SearchInfo,
    StoredDocument, TenantId, TextHash, TokenCodes, Version, WriteReceipt,
};
use crate::recall::{self, Effort, RecallOptions, Sampler};
use crate::search::{self, SearchRequest, SearchResponse};
use crate::snapshots::{self, SnapshotInfo, SnapshotOptions, Snapshots};
use crate::storage::{Keys, TenantKeys};
use crate::upkeep::{Job, Upkeep, UpkeepOptions};
use crate::vector::VectorOptions;
use crate::verify::{self, Verified};

/// How an engine is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The first element of every key.
    pub root: String,
    /// When the store is tidied up, and what stays.
    pub upkeep: UpkeepOptions,
    /// Where snapshots of the indexes go; `None` for none: then they are built from the documents at every start.
    pub snapshots: Option<SnapshotOptions>,
    /// Where every document is backed up; `None` for nowhere.
    pub backup: Option<BackupOptions>,
    /// An existing folder for parts of the indexes that need not be in memory, in files without names that vanish with the
    /// process. About 10 kB for each passage that has token codes.
    pub scratch: PathBuf,
    /// How much of the searches is checked for its recall.
    pub recall: RecallOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            root: "coditect".into(),
            upkeep: UpkeepOptions::default(),
            snapshots: None,
            backup: None,
            scratch: std::env::temp_dir(),
            recall: RecallOptions::default(),
        }
    }
}

/// Whether the engine's indexes have reached the head of the change log, and still follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The log has been followed to its head since the start.
    pub ready: bool,
    /// Everything up to this version is visible.
    pub version: Version,
    /// How long ago the log was last read; nothing before the first time.
    pub age: Option<Duration>,
}

impl Readiness {
    /// The log was not read for so long that what is visible may be old.
    pub fn is_behind(&self) -> bool {
        self.age.is_some_and(|age| age > limits::FOLLOW_LOST)
    }
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    context: Context,
    indexes: Arc<Indexes>,
    sampler: Arc<Sampler>,
    applied: watch::Receiver<Applied>,
    upkeep: Arc<Upkeep>,
    stop: CancellationToken,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts an engine on `store`: its indexes fill in the background, see [`Engine::readiness`].
    ///
    /// Must be called within a tokio runtime.
    pub fn start(store: Store, clock: Clock, options: &EngineOptions) -> Self {
        let scratch = Arc::from(options.scratch.as_path());
        let context = Context { store, keys: Keys::new(&options.root), clock, scratch };
        let indexes = Arc::new(Indexes::default());
        let (sender, applied) = watch::channel(Applied::default());
        let stop = CancellationToken::new();
        let follower = Follower {
            context: context.clone(),
            indexes: indexes.clone(),
            applied: sender,
            bucket: options.snapshots.as_ref().map(|snapshots| snapshots.bucket.clone()),
            stop: stop.clone(),
        };
        let (sampler, duty) = recall::on_duty(options.recall, stop.clone());
        let snapshots = options.snapshots.clone();
        let snapshots = snapshots.map(|options| Snapshots::new(options, indexes.clone(), applied.clone()));
        let backup = options.backup.clone().map(Backup::new);
        let (asked, upkeep_options) = (Default::default(), options.upkeep);
        let upkeep =
            Upkeep { context: context.clone(), options: upkeep_options, snapshots, backup, stop: stop.clone(), asked };
        let upkeep = Arc::new(upkeep);
        let tasks = vec![tokio::spawn(follower.run()), tokio::spawn(upkeep.clone().run()), tokio::spawn(duty.run())];
        Self { inner: Arc::new(Inner { context, indexes, sampler, applied, upkeep, stop, tasks: Mutex::new(tasks) }) }
    }

    /// Stops the background work and waits for it. The store stays open.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let tasks = std::mem::take(&mut *self.inner.tasks.lock());
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task of the engine failed");
            }
        }
    }

    /// How far the indexes are.
    pub fn readiness(&self) -> Readiness {
        let applied = *self.inner.applied.borrow();
        let age = applied.at.map(|at| self.inner.context.clock.monotonic().saturating_sub(at));
        Readiness { ready: applied.caught_up, version: applied.version, age }
    }

    /// Waits until the log has been followed to its head.
    ///
    /// # Errors
    /// `Lagging` after `wait`.
    pub async fn ready(&self, wait: Duration) -> Result<Version> {
        self.wait_until(wait, |applied| applied.caught_up, "the indexes are still being built").await
    }

    /// The handle through which everything of a tenant is reached.
    pub fn tenant(&self, tenant: &TenantId) -> Tenant {
        Tenant { keys: self.inner.context.keys.tenant(tenant), engine: self.clone() }
    }

    #[cfg(test)]
    pub(crate) fn context(&self) -> &Context {
        &self.inner.context
    }

    #[cfg(test)]
    pub(crate) fn indexes(&self) -> &Arc<Indexes> {
        &self.inner.indexes
    }

    #[cfg(test)]
    pub(crate) fn applied(&self) -> watch::Receiver<Applied> {
        self.inner.applied.clone()
    }

    /// Does one round of a job of the upkeep now instead of when it is next due: a snapshot before a planned stop, a clean-up
    /// behind a large deletion. Answers how many things it made or took away; `None` when there was nothing to do or another process is
    /// at it.
    ///
    /// # Errors
    /// Store failures, and those of the bucket: the job's next round tries again.
    pub async fn upkeep(&self, job: Job) -> Result<Option<usize>> {
        self.inner.upkeep.now(job).await
    }

    /// The snapshots that there are, those of a collection oldest first.
    ///
    /// # Errors
    /// Store failures.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotInfo>> {
        let manifests = snapshots::manifest::all(&self.inner.context).await?;
        Ok(manifests.iter().map(SnapshotInfo::from).collect())
    }

    /// How far the backup is, whichever process makes it; `None` when none was begun.
    ///
    /// # Errors
    /// Store failures.
    pub async fn backup(&self) -> Result<Option<BackupInfo>> {
        Ok(backup::state::read(&self.inner.context).await?.map(BackupInfo::from))
    }

    /// Compares what should say the same: documents, counters and change log in the store, this process's indexes, and the snapshots and the backup in
    /// `bucket`, where there is one. `progress` is told what is done, now and then. Writes may go on.
    ///
    /// # Errors
    /// `Lagging` when the indexes do not follow, store and bucket failures. What differs is no error.
    pub async fn verify(
        &self,
        bucket: Option<&Bucket>,
        progress: impl Fn(&Verified) + Send + Sync,
    ) -> Result<Verified> {
        verify::verify(self, &self.inner.context, &self.inner.indexes, bucket, &progress).await
    }

    /// Waits until the indexes show everything up to `version`.
    pub(crate) async fn reach(&self, version: Version) -> Result<()> {
        let met = |applied: &Applied| applied.version >= version;
        self.wait_until(limits::VERIFY_WAIT, met, "the indexes do not follow").await.map(drop)
    }

    async fn wait_until(&self, wait: Duration, met: impl FnMut(&Applied) -> bool, what: &str) -> Result<Version> {
        let mut applied = self.inner.applied.clone();
        let waited = tokio::time::timeout(wait, applied.wait_for(met)).await;
        match waited {
            Ok(Ok(applied)) => Ok(applied.version),
            Ok(Err(_)) => Err(Error::unavailable("the engine is stopping")),
            Err(_) => Err(Error::lagging(format!("{what}; visible is version {}", self.readiness().version))),
        }
    }
}

/// An engine bound to one tenant. Nothing of another tenant can be reached through it.
#[derive(Clone)]
pub struct Tenant {
    keys: TenantKeys,
    engine: Engine,
}

impl Tenant {
    fn context(&self) -> &Context {
        &self.engine.inner.context
    }

    /// The tenant's id.
    pub fn id(&self) -> &TenantId {
        self.keys.tenant()
    }

    /// Makes a collection unless it is there; the flag says whether it was made.
    ///
    /// # Errors
    /// `Conflict` when it is there with another embedder.
    pub async fn ensure_collection(
        &self,
        name: &CollectionName,
        spec: &CollectionSpec,
    ) -> Result<(CollectionInfo, bool)> {
        let (head, created) = documents::collections::ensure(self.context(), &self.keys, name, spec).await?;
        let info = self.info(documents::collections::Named { name: name.clone(), head }).await?;
        Ok((info, created))
    }

    /// A collection by name.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo> {
        let keys = &self.keys;
        let head =
            self.context().store.run(|tx| async move { documents::collections::expect(&tx, keys, name).await }).await?;
        self.info(documents::collections::Named { name: name.clone(), head }).await
    }

    /// A page of collections in the order of their names, behind `after`; the flag says whether there are more.
    ///
    /// # Errors
    /// `Invalid` for a limit out of range.
    pub async fn collections(
        &self,
        after: Option<&CollectionName>,
        limit: usize,
    ) -> Result<(Vec<CollectionInfo>, bool)> {
        if limit == 0 || limit > limits::PAGE {
            return Err(Error::invalid("/limit", format!("a limit is 1 to {}", limits::PAGE)));
        }
        let (named, more) = documents::collections::list(self.context(), &self.keys, after, limit).await?;
        let mut infos = Vec::with_capacity(named.len());
        for named in named {
            infos.push(self.info(named).await?);
        }
        Ok((infos, more))
    }

    /// Changes what can be changed of a collection. It holds for searches as soon as they would show a write made now.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for settings out of range.
    pub async fn alter_collection(&self, name: &CollectionName, change: &CollectionChange) -> Result<CollectionInfo> {
        let head = documents::collections::alter(self.context(), &self.keys, name, change).await?;
        self.info(documents::collections::Named { name: name.clone(), head }).await
    }

    async fn info(&self, named: documents::collections::Named) -> Result<CollectionInfo> {
        let counts = documents::collections::counts(self.context(), &self.keys, named.head.id).await?;
        let index = self.engine.inner.indexes.get(self.id(), &named.name).filter(|index| index.id == named.head.id);
        let settings = named.head.search;
        let known = match &index {
            Some(index) => index.effort().report(),
            None => Effort::new(settings, VectorOptions::new(1).ef_search).report(),
        };
        let search = SearchInfo {
            settings,
            effort: known.effort,
            recall: known.recall,
            samples: known.samples,
            checked: known.checked,
            dropped: known.dropped,
        };
        Ok(CollectionInfo {
            version: index.map_or(Version::ZERO, |index| index.view().version),
            search,
            quantization: named.head.quantization,
            name: named.name,
            description: named.head.description,
            documents: counts.documents,
            passages: counts.passages,
            embedder: named.head.embedder,
            tokens: named.head.tokens,
            created_at: named.head.created_at,
        })
    }

    /// Drops a collection with all it holds; its data is cleared in the background. `None` when there was none.
    ///
    /// # Errors
    /// Store failures.
    pub async fn drop_collection(&self, name: &CollectionName) -> Result<Option<Version>> {
        documents::collections::drop_collection(self.context(), &self.keys, name).await
    }

    /// Stores a document in place of its earlier self, atomically. The collection is made if it is not there.
    ///
    /// # Errors
    /// `Invalid` for what is out of bounds, `Conflict` for another embedder.
    pub async fn put(
        &self,
        name: &CollectionName,
        spec: &CollectionSpec,
        document: NewDocument,
    ) -> Result<WriteReceipt> {
        documents::write::put(self.context(), &self.keys, name, spec, document).await
    }

    /// Deletes a document. The flag says whether it was there.
    ///
    /// # Errors
    /// `NotFound` when the collection does not exist.
    pub async fn delete(&self, name: &CollectionName, document: &DocumentId) -> Result<(bool, Version)> {
        documents::delete::delete(self.context(), &self.keys, name, document).await
    }

    /// A document's record; `None` when the document or its collection does not exist.
    ///
    /// # Errors
    /// Store failures.
    pub async fn document(&self, name: &CollectionName, document: &DocumentId) -> Result<Option<StoredDocument>> {
        let found = documents::read::find(self.context(), &self.keys, name, document).await?;
        Ok(found.map(|(_, document)| document))
    }

    /// A document with its source text and its passages, all of one version.
    ///
    /// # Errors
    /// Store failures.
    pub async fn document_with_text(
        &self,
        name: &CollectionName,
        document: &DocumentId,
    ) -> Result<Option<(StoredDocument, String, Vec<Passage>)>> {
        loop {
            let found = documents::read::find(self.context(), &self.keys, name, document).await?;
            let Some((id, stored)) = found else { return Ok(None) };
            let text = documents::read::text(self.context(), &self.keys, id, &stored.head).await?;
            let passages = documents::read::passages(self.context(), &self.keys, id, &stored.head).await?;
            // Replaced and cleaned up between the reads: the new state is there to read.
            if let (Some(text), true) = (text, passages.len() == stored.head.passages as usize) {
                return Ok(Some((stored, text, passages.into_iter().map(|indexed| indexed.passage).collect())));
            }
        }
    }

    /// A page of a collection's documents.
    ///
    /// # Errors
    /// `NotFound` when the collection does not exist, `Invalid` for a bad page.
    pub async fn documents(&self, name: &CollectionName, query: &ListQuery) -> Result<Page> {
        documents::listing::list(self.context(), &self.keys, name, query).await
    }

    /// Keeps why a document's write failed, until a write of it succeeds.
    ///
    /// # Errors
    /// Store failures.
    pub async fn record_failure(&self, name: &CollectionName, document: &DocumentId, error: &str) -> Result<()> {
        documents::failures::record(self.context(), &self.keys, name, document, error).await
    }

    /// The vector of an indexed passage whose embedded text has this hash, with its token codes if the shown text is the same
    /// too: copies need not be embedded again.
    pub fn known_embedding(
        &self,
        name: &CollectionName,
        embedder: &str,
        embed: TextHash,
        text: TextHash,
    ) -> Option<(Vec<f32>, Option<TokenCodes>)> {
        let index = self.engine.inner.indexes.get(self.id(), name)?;
        (index.head.embedder.id == embedder).then(|| index.known_embedding(embed, text)).flatten()
    }

    /// Which of `words` was most likely meant by `word`, where no passage of the collections (all, when none is named) holds it.
    ///
    /// # Errors
    /// `Internal`.
    pub fn spelled(&self, collections: &[CollectionName], word: &str, words: &[String]) -> Result<Option<String>> {
        let indexes = self.engine.inner.indexes.of_tenant(self.id()).into_iter();
        let asked = indexes.filter(|named| collections.is_empty() || collections.contains(&named.name));
        let mut meant = None;
        for named in asked {
            let spelling = named.index.keywords().spelled(word, words);
            match spelling.map_err(|error| Error::internal("look a word up").caused_by(error))? {
                Spelling::Known => return Ok(None),
                Spelling::Unknown => {}
                Spelling::Meant(word) => meant = meant.or(Some(word)),
            }
        }
        Ok(meant)
    }

    /// Waits until everything up to `version` is visible to searches.
    ///
    /// # Errors
    /// `Lagging` after `wait`.
    pub async fn wait_for(&self, version: Version, wait: Duration) -> Result<Version> {
        let what = format!("version {version} is not visible here yet");
        self.engine.wait_until(wait, |applied| applied.version >= version, &what).await
    }

    /// Searches.
    ///
    /// # Errors
    /// `Invalid` names the field, `NotFound` the collection, `Conflict` another embedder, `Lagging` a version that did not come.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResponse> {
        let waiting = Instant::now();
        let version = match request.min_version {
            Some(version) => self.wait_for(version, request.wait).await?,
            None => self.engine.readiness().version,
        };
        let waited = waiting.elapsed();
        let Inner { context, indexes, sampler, .. } = &*self.engine.inner;
        let mut response = search::search(context, &self.keys, indexes, sampler, version, request).await?;
        response.took.wait = waited;
        Ok(response)
    }
}
