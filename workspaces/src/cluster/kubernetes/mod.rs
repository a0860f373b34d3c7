//! A Kubernetes cluster, through its API.
//!
//! Of a workspace's parts, those that may change (NetworkPolicy, Service, Secret) are put there by server-side apply; those that may not (Namespace, disk, pod) are made
//! where they are missing. What is deleted is deleted by its uid: a late request never meets what came after. The rights that this takes are listed in docs/workspaces.md.

mod calls;
mod changes;
mod connect;
mod failure;
mod objects;
mod parts;
mod pod;
mod removal;

use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use kube::Client;

use super::{Change, Cluster, ClusterResult, Observed};
use crate::limits;
use crate::manifests::Manifests;
use crate::workspace::Workspace;
use calls::Calls;

/// How the Kubernetes API is spoken to.
#[derive(Debug, Clone)]
pub struct KubeOptions {
    /// Its address, without credentials, as of `kubectl proxy`.
    pub url: Option<String>,
    /// Where there is none, the kubeconfig with the way to it; `None` for the usual one, or in a pod the service account.
    pub kubeconfig: Option<PathBuf>,
    /// Requests in a second, over time.
    pub requests_per_second: u32,
    /// Longest wait for one answer.
    pub request_wait: Duration,
    /// First pause before a request is tried again.
    pub request_pause: Duration,
    /// How long one watch lasts, in whole seconds.
    pub watch: Duration,
}

impl Default for KubeOptions {
    fn default() -> Self {
        Self {
            url: None,
            kubeconfig: None,
            requests_per_second: limits::REQUESTS_PER_SECOND,
            request_wait: limits::REQUEST_WAIT,
            request_pause: limits::REQUEST_PAUSE,
            watch: limits::WATCH,
        }
    }
}

/// See the module.
pub struct KubeCluster {
    client: Client,
    calls: Calls,
    options: KubeOptions,
}

impl Cluster for KubeCluster {
    fn apply<'a>(
        &'a self,
        workspace: &'a Workspace,
        manifests: &'a Manifests,
    ) -> BoxFuture<'a, ClusterResult<Observed>> {
        self.make(workspace, manifests).boxed()
    }

    fn suspend<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        self.delete_pod(workspace).boxed()
    }

    fn remove<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        self.delete_all(workspace).boxed()
    }

    fn observe<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        self.look(workspace).boxed()
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        changes::of(self.client.clone(), &self.options)
    }
}

impl std::fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeCluster").field("options", &self.options).finish_non_exhaustive()
    }
}
