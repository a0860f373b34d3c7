//! Workspaces of users: their records in the store, their life cycle, and a Kubernetes cluster that is kept as the records say.
//!
//! [`Workspaces`] is what callers ask: it writes down what is wanted, and answers at once. A [`Reconciler`] in one of the servers brings the [`Cluster`] to that and
//! writes down what it sees: woken by wishes, by what the cluster tells, and by time, so that nothing that was missed stays missed. It may stop in any step and
//! run twice: each step asks what is there, does what is missing, and minds whether the wish is still the same.
//!
//! It knows nothing of HTTP, and nothing of what runs in a workspace: that is what the [`Templates`] say.

pub mod cluster;
mod create;
mod error;
#[cfg(test)]
mod formats;
mod keys;
pub mod limits;
mod listing;
mod manifests;
mod names;
mod reconcile;
mod tally;
mod tokens;
mod wishes;
mod workspace;
mod workspaces;

pub use cluster::{Cluster, KubeCluster, KubeOptions, SimulatedCluster};
pub use create::NewWorkspace;
pub use error::{Error, ErrorKind, Result};
pub use manifests::{Manifests, TemplateError, TemplateOptions, Templates};
pub use reconcile::{Reconciler, ReconcilerOptions};
pub use tokens::{NoTokens, Tokens};
pub use workspace::{State, Wanted, Workspace};
pub use workspaces::{Workspaces, WorkspacesOptions};
