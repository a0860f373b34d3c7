//! Putting the parts together, and what is said and answered to the shell when one of them is missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coditect_engine::model::{EmbedderInfo, TenantId};
use coditect_engine::{BackupOptions, Bucket, Engine, EngineOptions, RecallOptions, SnapshotOptions};
use coditect_ingest::embed::EmbedError;
use coditect_store::{Clock, EmbeddedOptions, ErrorKind, Store};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::gateway::Tunnels;
use crate::limits;
use crate::models::Models;
use crate::pipeline::Pipeline;
use crate::query::QueryVectors;
use crate::quotas::Quotas;
use crate::settings::{BackupMode, BackupSettings, Recall, Settings, SnapshotSettings, StoreBackend, StoreSettings};
use crate::spelling::Spelling;
use crate::state::{App, AppState};
use crate::{sign_in, telemetry, workspaces};

/// Why the server did not start. The message is for the operator and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings or flags.
    #[error("{0}")]
    Settings(String),
    /// The data directory: locked, read-only, full or damaged.
    #[error("{0}")]
    Data(String),
    /// The model: missing, unusable, or of another dimension than the collections.
    #[error("{0}")]
    Model(String),
    /// A command did its work, and found something wrong.
    #[error("{0}")]
    Incomplete(String),
    /// Anything else, such as a port in use.
    #[error("{0}")]
    Other(String),
}

impl StartError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) => 2,
            Self::Data(_) => 3,
            Self::Model(_) => 4,
            Self::Incomplete(_) => 5,
            Self::Other(_) => 1,
        }
    }
}

/// Opens everything that requests are served from.
pub(crate) async fn assemble(settings: Settings) -> Result<AppState, StartError> {
    let metrics = telemetry::metrics_handle().map_err(|error| StartError::Other(format!("set up metrics: {error}")))?;
    let shared_tenant = TenantId::new(settings.auth.shared_tenant.as_str());
    let shared_tenant = shared_tenant.map_err(|error| StartError::Settings(error.to_string()))?;
    let models = Models::connect(settings.embedder.clone(), settings.late_interaction).await;
    let models = models.map_err(|error| embedder_error(&error))?;
    let clock = Clock::system();
    let store = open_store(&settings, &clock).await?;
    let scratch = scratch(&settings.data_dir)?;
    let Recall { sample_share, cpu_share } = settings.recall;
    let recall = RecallOptions { sample_share, cpu_share };
    let snapshots = snapshots(&settings)?;
    let backup = backup(&settings, snapshots.as_ref());
    let options = EngineOptions { scratch, recall, snapshots, backup, ..EngineOptions::default() };
    check_restored(&store, &options.root).await?;
    let engine = Engine::start(store.clone(), clock.clone(), &options);
    let info = models.vectors_info();
    let ready = async {
        check_collections(&engine, &info).await?;
        let auth = sign_in::start(&settings, store.clone())?;
        let workspaces = workspaces::open(&settings.workspaces, store.clone(), auth.clone())?;
        Ok((auth, workspaces))
    };
    let (auth, workspaces) = match ready.await {
        Ok(both) => both,
        Err(error) => {
            engine.stop().await;
            if let Err(error) = store.close().await {
                tracing::warn!(%error, "the store did not close cleanly");
            }
            return Err(error);
        }
    };
    tracing::info!(
        embedder = info.id, backend = ?settings.store.backend, data_dir = %settings.data_dir.display(),
        "store and embedder are open"
    );
    Ok(Arc::new(App {
        queries: QueryVectors::new(models.clone(), settings.query_cache_mb.saturating_mul(1024 * 1024)),
        pipeline: Pipeline::new(&models, settings.chunking.target_tokens),
        counter: models.embedder().counter(),
        spelling: Spelling::new(models.embedder().words()),
        tokens: models.tokens_info(),
        reads: Arc::new(Semaphore::new(settings.limits.read_concurrency)),
        sign_ins: Arc::new(Semaphore::new(limits::SIGN_IN_CONCURRENCY)),
        writes: Arc::new(Semaphore::new(settings.limits.write_concurrency)),
        tunnels: Tunnels::new(&settings.gateway),
        leaving: CancellationToken::new(),
        quotas: Quotas::new(&settings.quotas, &clock),
        embedder: info,
        clock,
        store,
        engine,
        auth,
        workspaces,
        shared_tenant,
        metrics,
        settings,
    }))
}

pub(crate) fn snapshots(settings: &Settings) -> Result<Option<SnapshotOptions>, StartError> {
    let Some(url) = &settings.bucket else { return Ok(None) };
    let bucket = Bucket::open(url, std::env::vars()).map_err(|error| StartError::Settings(chain(&error)))?;
    let SnapshotSettings { interval_s, keep } = settings.snapshots;
    let interval = std::time::Duration::from_secs(interval_s);
    Ok(Some(SnapshotOptions { interval, keep, ..SnapshotOptions::new(bucket) }))
}

fn backup(settings: &Settings, snapshots: Option<&SnapshotOptions>) -> Option<BackupOptions> {
    let BackupSettings { mode, history_s } = settings.backup;
    let bucket = snapshots.filter(|_| mode == BackupMode::On)?.bucket.clone();
    Some(BackupOptions { history: std::time::Duration::from_secs(history_s), ..BackupOptions::new(bucket) })
}

/// Refuses a store that a restore was begun into and not finished.
async fn check_restored(store: &Store, root: &str) -> Result<(), StartError> {
    let unfinished = coditect_engine::unfinished_restore(store, root).await;
    match unfinished.map_err(|error| StartError::Data(format!("read the store: {}", chain(&error))))? {
        None => Ok(()),
        Some(from) => Err(StartError::Data(format!(
            "a restore from {from} was begun and not finished, so not everything is there: run it again, coditect-server restore --from {from}"
        ))),
    }
}

pub(crate) async fn open_store(settings: &Settings, clock: &Clock) -> Result<Store, StartError> {
    if settings.store.backend == StoreBackend::Fdb {
        return open_cluster(&settings.store, clock).await;
    }
    if settings.store.cluster_file.is_some() || settings.store.cluster_string.is_some() {
        tracing::warn!("a FoundationDB cluster is named, but store.backend is embedded: it is not used");
    }
    let mut options = EmbeddedOptions::new(&settings.data_dir);
    options.clock = clock.clone();
    Store::open_embedded(options).await.map_err(|error| store_error(&settings.data_dir, &error))
}

#[cfg(feature = "fdb")]
async fn open_cluster(settings: &StoreSettings, clock: &Clock) -> Result<Store, StartError> {
    use coditect_store::{FdbCluster, FdbOptions, FdbTls};

    use crate::settings::StoreTls;
    let cluster = match (&settings.cluster_file, &settings.cluster_string) {
        (Some(file), _) => FdbCluster::File(file.clone()),
        (None, Some(string)) => FdbCluster::ConnectionString(string.clone()),
        (None, None) => FdbCluster::Default,
    };
    let mut options = FdbOptions::new(cluster);
    let StoreTls { certificate, key, ca, verify_peers, password } = settings.tls.clone();
    options.tls = FdbTls { certificate, key, ca, verify_peers, password };
    options.start_timeout = std::time::Duration::from_millis(settings.start_timeout_ms);
    options.clock = clock.clone();
    Store::open_fdb(options).await.map_err(|error| StartError::Data(chain(&error)))
}

#[cfg(not(feature = "fdb"))]
async fn open_cluster(_: &StoreSettings, _: &Clock) -> Result<Store, StartError> {
    Err(StartError::Settings("store.backend: this program was built without FoundationDB".into()))
}

/// The folder for files of this process alone, made below the data folder.
pub(crate) fn scratch(data_dir: &Path) -> Result<PathBuf, StartError> {
    let scratch = data_dir.join("scratch");
    std::fs::create_dir_all(&scratch).map_err(|error| {
        StartError::Data(format!(
            "data directory {}: {} cannot be made ({error})",
            data_dir.display(),
            scratch.display()
        ))
    })?;
    Ok(scratch)
}

/// Refuses a model whose vectors do not fit the collections. One of the same dimension is told of: reading stays possible.
async fn check_collections(engine: &Engine, embedder: &EmbedderInfo) -> Result<(), StartError> {
    let collections = engine.collections().await;
    let collections =
        collections.map_err(|error| StartError::Data(format!("read the collections: {}", chain(&error))))?;
    for (tenant, collection) in &collections {
        let theirs = &collection.embedder;
        if theirs.dimension != embedder.dimension {
            return Err(StartError::Model(format!(
                "collection {} of tenant {tenant} holds vectors of {} ({} dimensions), the configured model is {} ({} dimensions): \
                 configure the collection's model, or use another data directory",
                collection.name, theirs.id, theirs.dimension, embedder.id, embedder.dimension
            )));
        }
        if theirs.id != embedder.id {
            tracing::warn!(
                %tenant, collection = %collection.name, theirs = theirs.id, ours = embedder.id,
                "collection was embedded by another model: vector searches of it and writes into it will be refused"
            );
        }
    }
    Ok(())
}

fn embedder_error(error: &EmbedError) -> StartError {
    match error {
        EmbedError::Config { .. } => StartError::Settings(chain(error)),
        EmbedError::RateLimited { .. } | EmbedError::Unavailable(_) => StartError::Other(chain(error)),
        _ => StartError::Model(chain(error)),
    }
}

fn store_error(dir: &Path, error: &coditect_store::Error) -> StartError {
    let dir = dir.display();
    let chain = chain(error);
    StartError::Data(match error.kind() {
        ErrorKind::Locked => format!(
            "data directory {dir}: another server has it open; stop that one, or name another directory with --data-dir ({chain})"
        ),
        ErrorKind::Full => format!("data directory {dir}: the disk is full; nothing was changed ({chain})"),
        ErrorKind::Corrupt => format!("data directory {dir}: the store is damaged; nothing was changed ({chain})"),
        ErrorKind::Format => {
            format!(
                "data directory {dir}: written in a format that this version does not read; nothing was changed ({chain})"
            )
        }
        _ => format!("data directory {dir}: cannot be opened for writing; check its owner and permissions ({chain})"),
    })
}

/// An error and its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
