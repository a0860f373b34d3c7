//! The narrow interface to a cluster: what a reconciler needs of one, and nothing of how it is done.
//!
//! Everything here may be called at any time, again, and by two at once: a call looks at what is there and does what is missing.

mod error;
mod kubernetes;
mod simulated;

use coditect_auth::WorkspaceId;
use coditect_store::TenantId;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::manifests::Manifests;
use crate::workspace::Workspace;
pub use error::{ClusterError, ClusterErrorKind, ClusterResult};
pub use kubernetes::{KubeCluster, KubeOptions};
pub use simulated::SimulatedCluster;

/// A cluster that workspaces run in.
pub trait Cluster: Send + Sync {
    /// Makes everything of a workspace that is missing, and brings what is there to its manifests; but a pod that is there stays as it is.
    fn apply<'a>(
        &'a self,
        workspace: &'a Workspace,
        manifests: &'a Manifests,
    ) -> BoxFuture<'a, ClusterResult<Observed>>;

    /// Deletes the pod. All else stays.
    fn suspend<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>>;

    /// Deletes everything, and answers [`Phase::Gone`] once nothing is there. The namespace stays: it is the user's, and empty then.
    fn remove<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>>;

    /// Looks at the pod.
    fn observe<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>>;

    /// What changes, from now on. It does not end, and may leave changes out.
    fn changes(&self) -> BoxStream<'static, Change>;
}

/// What was seen of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// How its pod is.
    pub phase: Phase,
    /// What keeps the pod from being ready, for people.
    pub message: Option<String>,
    /// The pod's address, once it has one.
    pub pod_ip: Option<String>,
}

/// How a workspace's pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing of the workspace is there.
    Gone,
    /// There is no pod. Other parts may be there.
    Absent,
    /// It starts, or is not ready.
    Starting,
    /// It is ready.
    Ready,
    /// It is being stopped.
    Stopping,
    /// It has ended, and does not come back by itself.
    Failed,
}

impl Observed {
    /// What was seen, with nothing to say about it.
    #[must_use]
    pub fn only(phase: Phase) -> Self {
        Self { phase, message: None, pod_ip: None }
    }

    /// What was seen, with a message.
    #[must_use]
    pub fn saying(phase: Phase, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::only(phase) }
    }

    /// Whether users can use the workspace.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }
}

/// Something that a cluster tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Something of this workspace is different.
    Of {
        /// Its tenant.
        tenant: TenantId,
        /// Its id.
        workspace: WorkspaceId,
    },
    /// Something may have been missed: look at everything again.
    Everything,
}
