//! Workspaces of users: the cluster that they run in, what they are made of, and how many there may be.

use std::path::PathBuf;

use coditect_workspaces::limits;
use serde::Deserialize;

/// Workspaces of users.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkspacesSettings {
    /// The kind of cluster that they run in, which the servers keep as users want it.
    pub cluster: ClusterKind,
    /// Address of the Kubernetes API, without credentials.
    pub api_url: Option<String>,
    /// File with the way to the Kubernetes API.
    pub kubeconfig: Option<PathBuf>,
    /// Folder of templates; built-in ones stand in for those that are missing.
    pub template_dir: Option<PathBuf>,
    /// Image of the workspace; the template's when unset.
    pub image: Option<String>,
    /// Image of the sidecar; the template's when unset.
    pub sidecar_image: Option<String>,
    /// Where pods reach the servers.
    pub gateway_url: Option<String>,
    /// File of who signed the servers' certificate, PEM.
    pub gateway_ca: Option<PathBuf>,
    /// Workspaces that one user may have.
    pub per_user: usize,
    /// Workspaces that the users of a tenant may have together.
    pub per_tenant: usize,
    /// A workspace that nobody uses for so long is suspended, seconds; 0 for never.
    pub idle_after_s: u64,
    /// What is not done after so long has failed, seconds.
    pub settle_within_s: u64,
    /// Failures in a row after which a workspace has failed.
    pub attempts: u32,
    /// Pause between attempts after that, seconds.
    pub failed_retry_s: u64,
    /// How long the record of a deleted workspace stays, seconds.
    pub keep_deleted_s: u64,
    /// All workspaces are looked at again after so long, seconds.
    pub resync_s: u64,
    /// One that is on its way is looked at again after so long, seconds.
    pub recheck_s: u64,
    /// Workspaces that are worked on at once.
    pub concurrency: usize,
    /// How long the work waits for a server that does not answer any more, seconds; the same for all servers.
    pub lease_s: u64,
    /// Requests to the Kubernetes API in a second, over time.
    pub requests_per_s: u32,
}

/// The kinds of cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClusterKind {
    /// There is none: workspaces cannot run.
    #[default]
    None,
    /// Kubernetes.
    Kubernetes,
}

impl Default for WorkspacesSettings {
    fn default() -> Self {
        Self {
            cluster: ClusterKind::default(),
            api_url: None,
            kubeconfig: None,
            template_dir: None,
            image: None,
            sidecar_image: None,
            gateway_url: None,
            gateway_ca: None,
            per_user: limits::PER_USER,
            per_tenant: limits::PER_TENANT,
            idle_after_s: limits::IDLE_AFTER.as_secs(),
            settle_within_s: limits::SETTLE_WITHIN.as_secs(),
            attempts: limits::ATTEMPTS,
            failed_retry_s: limits::FAILED_RETRY.as_secs(),
            keep_deleted_s: limits::TERMINATED_KEPT.as_secs(),
            resync_s: limits::RESYNC.as_secs(),
            recheck_s: limits::RECHECK.as_secs(),
            concurrency: limits::CONCURRENCY,
            lease_s: limits::LEASE.as_secs(),
            requests_per_s: limits::REQUESTS_PER_SECOND,
        }
    }
}
