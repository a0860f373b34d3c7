//! The server's settings: plain data, put together from flags, environment, file and defaults before a port is bound.

mod auth;
mod check;
mod cli;
mod gateway;
mod layers;
mod load;
mod print;
mod sidecar;
mod store;
mod table;
mod workspaces;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use coditect_engine::RecallOptions;
use coditect_ingest::embed::EmbedderConfig;
use coditect_ingest::split::SplitOptions;
use serde::Deserialize;

pub use auth::{AuthSettings, MetricsSettings, QuotaSettings, Rates, RegistrationMode, TlsSettings};
pub use cli::{Cli, Command};
pub use gateway::GatewaySettings;
pub use load::{Loaded, SettingsError, load};
pub use print::print;
pub use sidecar::SidecarSettings;
pub use store::{StoreBackend, StoreSettings, StoreTls};
pub use table::{Kind, SETTINGS, Setting};
pub use workspaces::{ClusterKind, WorkspacesSettings};

use crate::limits;

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// File that the address is written to once the server listens.
    pub address_file: Option<PathBuf>,
    /// Folder of the embedded store, and of files of the process alone.
    pub data_dir: PathBuf,
    /// Where everything is kept.
    pub store: StoreSettings,
    /// URL of the object storage for snapshots and backup.
    pub bucket: Option<String>,
    /// Snapshots of the indexes.
    pub snapshots: SnapshotSettings,
    /// The backup of every document.
    pub backup: BackupSettings,
    /// Sign-in, sessions and tokens.
    pub auth: AuthSettings,
    /// How much tenants and callers may do.
    pub quotas: QuotaSettings,
    /// Certificates, for HTTPS.
    pub tls: TlsSettings,
    /// Where metrics are told.
    pub metrics: MetricsSettings,
    /// Sockets to workspaces.
    pub gateway: GatewaySettings,
    /// A workspace on this machine.
    pub sidecar: SidecarSettings,
    /// Workspaces in a cluster.
    pub workspaces: WorkspacesSettings,
    /// Host names that requests may be addressed to, besides loopback ones; where none are named and the server listens beyond loopback, any.
    pub hosts: Vec<String>,
    /// Memory for vectors of recent queries, mebibytes.
    pub query_cache_mb: u64,
    /// What embeds documents and queries.
    pub embedder: EmbedderConfig,
    /// Whether passages' tokens are kept for late interaction.
    pub late_interaction: LateInteraction,
    /// How documents are cut.
    pub chunking: Chunking,
    /// How much of the searches is checked for its recall.
    pub recall: Recall,
    /// Bounds of requests.
    pub limits: Limits,
    /// Who may call from a browser.
    pub cors: Cors,
    /// The log.
    pub log: Log,
}

/// Snapshots of the indexes, where there is a bucket.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotSettings {
    /// Age of its last snapshot at which a collection that has changed gets another, seconds.
    pub interval_s: u64,
    /// Snapshots that are kept of a collection.
    pub keep: usize,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self { interval_s: limits::SNAPSHOT_INTERVAL_S, keep: limits::SNAPSHOTS_KEPT }
    }
}

/// The backup of every document, where there is a bucket.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupSettings {
    /// Whether there is one.
    pub mode: BackupMode,
    /// How long it stays possible to go back to a state that was replaced or removed, seconds.
    pub history_s: u64,
}

/// Whether documents are backed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupMode {
    /// Where there is a bucket.
    #[default]
    On,
    /// Never.
    Off,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self { mode: BackupMode::default(), history_s: limits::BACKUP_HISTORY_S }
    }
}

/// Whether passages' tokens are kept for late interaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LateInteraction {
    /// Where the embedder is local and sees them anyway.
    #[default]
    Auto,
    /// Also with a remote embedder: the local model is loaded beside it.
    On,
    /// Never.
    Off,
}

/// How documents are cut into passages.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chunking {
    /// Tokens that a passage is packed up to. Another value re-embeds documents when they are next sent.
    pub target_tokens: usize,
}

/// How much of the searches is checked for its recall, in the background.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recall {
    /// Share of the approximate vector searches that are answered exactly as well; 0 checks none.
    pub sample_share: f64,
    /// Share of one processor that this may take.
    pub cpu_share: f64,
}

/// Bounds of requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest body, bytes.
    pub body_bytes: u64,
    /// Longest wait for a body, milliseconds.
    pub body_timeout_ms: u64,
    /// Most documents of one batch.
    pub batch_documents: usize,
    /// Longest handling of a request that reads, milliseconds.
    pub read_timeout_ms: u64,
    /// Longest handling of a request that writes, milliseconds.
    pub write_timeout_ms: u64,
    /// Requests that read, at once.
    pub read_concurrency: usize,
    /// Requests that write, at once.
    pub write_concurrency: usize,
    /// Open connections.
    pub connections: usize,
    /// How long requests under way may take to finish at shutdown, milliseconds.
    pub shutdown_ms: u64,
}

/// Which web pages may call the API from a browser.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Origins such as `https://ide.example.com`; none by default.
    pub origins: Vec<String>,
}

/// The log.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A level, or directives such as `info,coditect_server=debug`.
    pub level: String,
    /// Text for people or JSON for machines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line for each event.
    #[default]
    Text,
    /// One JSON object for each event.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            address_file: None,
            data_dir: PathBuf::from("./data"),
            store: StoreSettings::default(),
            bucket: None,
            snapshots: SnapshotSettings::default(),
            backup: BackupSettings::default(),
            auth: AuthSettings::default(),
            quotas: QuotaSettings::default(),
            tls: TlsSettings::default(),
            metrics: MetricsSettings::default(),
            gateway: GatewaySettings::default(),
            sidecar: SidecarSettings::default(),
            workspaces: WorkspacesSettings::default(),
            hosts: Vec::new(),
            query_cache_mb: limits::QUERY_CACHE_MB,
            embedder: EmbedderConfig::default(),
            late_interaction: LateInteraction::default(),
            chunking: Chunking::default(),
            recall: Recall::default(),
            limits: Limits::default(),
            cors: Cors::default(),
            log: Log::default(),
        }
    }
}

impl Default for Chunking {
    fn default() -> Self {
        Self { target_tokens: SplitOptions::default().target_tokens }
    }
}

impl Default for Recall {
    fn default() -> Self {
        let RecallOptions { sample_share, cpu_share } = RecallOptions::default();
        Self { sample_share, cpu_share }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: limits::BODY_BYTES,
            body_timeout_ms: limits::BODY_TIMEOUT_MS,
            batch_documents: limits::BATCH_DOCUMENTS,
            read_timeout_ms: limits::READ_TIMEOUT_MS,
            write_timeout_ms: limits::WRITE_TIMEOUT_MS,
            read_concurrency: limits::READ_CONCURRENCY,
            write_concurrency: limits::WRITE_CONCURRENCY,
            connections: limits::CONNECTIONS,
            shutdown_ms: limits::SHUTDOWN_MS,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}
