//! A cluster in memory, for tests and for trying workspaces out without one: pods are ready after a while, and stop after a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coditect_store::Clock;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::{Change, Cluster, ClusterError, ClusterResult, Observed, Phase};
use crate::keys::Name;
use crate::limits;
use crate::manifests::Manifests;
use crate::workspace::Workspace;

/// See the module. Clones are handles on the same cluster.
#[derive(Clone)]
pub struct SimulatedCluster {
    clock: Clock,
    takes: Duration,
    parts: Arc<Mutex<BTreeMap<Name, Parts>>>,
    told: broadcast::Sender<Change>,
}

/// What is there of a workspace.
#[derive(Debug, Clone)]
struct Parts {
    pod: Option<Pod>,
    /// Why no pod of it can be made.
    refusal: Option<String>,
}

#[derive(Debug, Clone)]
struct Pod {
    phase: Phase,
    /// When the phase ends that it is in.
    until: Duration,
    message: Option<String>,
}

impl SimulatedCluster {
    /// An empty cluster, in which starting and stopping takes so long by `clock`.
    #[must_use]
    pub fn new(clock: Clock, takes: Duration) -> Self {
        let told = broadcast::Sender::new(limits::SIMULATED_EVENTS);
        Self { clock, takes, parts: Arc::default(), told }
    }

    /// The pod of a workspace ends with this message.
    pub fn fail(&self, workspace: &Workspace, message: &str) {
        let until = self.clock.monotonic();
        self.change(workspace, |parts| {
            let ended = Pod { phase: Phase::Failed, until, message: Some(message.to_owned()) };
            parts.pod = parts.pod.take().map(|_| ended);
        });
    }

    /// From now on no pod of a workspace can be made, for this reason; with `None` one can again.
    pub fn refuse(&self, workspace: &Workspace, reason: Option<&str>) {
        self.change(workspace, |parts| parts.refusal = reason.map(Into::into));
    }

    /// How many workspaces have a part of theirs here.
    #[must_use]
    pub fn workspaces(&self) -> usize {
        self.parts.lock().len()
    }

    fn change<T>(&self, workspace: &Workspace, change: impl FnOnce(&mut Parts) -> T) -> T {
        let name = Name::of(workspace);
        let changed = {
            let mut parts = self.parts.lock();
            change(parts.entry(name.clone()).or_insert(Parts { pod: None, refusal: None }))
        };
        self.tell(name);
        changed
    }

    fn tell(&self, name: Name) {
        // Nobody may be listening.
        let _ = self.told.send(Change::Of { tenant: name.tenant, workspace: name.workspace });
    }

    /// Tells of the workspace again when what has begun is over. A manual clock does not move for it: then whoever moves it looks again.
    fn tell_later(&self, workspace: &Workspace) {
        let (this, name, takes) = (self.clone(), Name::of(workspace), self.takes);
        tokio::spawn(async move {
            tokio::time::sleep(takes).await;
            this.tell(name);
        });
    }

    fn look(&self, workspace: &Workspace) -> Observed {
        let now = self.clock.monotonic();
        let mut parts = self.parts.lock();
        let Some(parts) = parts.get_mut(&Name::of(workspace)) else { return Observed::only(Phase::Gone) };
        let is_over = |pod: &Pod| now >= pod.until;
        if parts.pod.as_ref().is_some_and(|pod| pod.phase == Phase::Stopping && is_over(pod)) {
            parts.pod = None;
        }
        let Some(pod) = &mut parts.pod else { return Observed::only(Phase::Absent) };
        if pod.phase == Phase::Starting && is_over(pod) {
            pod.phase = Phase::Ready;
        }
        Observed { phase: pod.phase, message: pod.message.clone(), pod_ip: Some("127.0.0.1".into()) }
    }

    fn start(&self, workspace: &Workspace) -> ClusterResult<()> {
        let until = self.clock.monotonic() + self.takes;
        self.change(workspace, |parts| match (&parts.refusal, &parts.pod) {
            (Some(reason), None) => Err(ClusterError::refused(reason.clone())),
            (_, Some(_)) => Ok(()),
            (None, None) => {
                parts.pod = Some(Pod { phase: Phase::Starting, until, message: None });
                Ok(())
            }
        })?;
        self.tell_later(workspace);
        Ok(())
    }

    fn stop(&self, workspace: &Workspace) {
        let until = self.clock.monotonic() + self.takes;
        self.change(workspace, |parts| {
            if let Some(pod) = parts.pod.as_mut().filter(|pod| pod.phase != Phase::Stopping) {
                *pod = Pod { phase: Phase::Stopping, until, message: None };
            }
        });
        self.tell_later(workspace);
    }
}

impl Cluster for SimulatedCluster {
    fn apply<'a>(
        &'a self,
        workspace: &'a Workspace,
        manifests: &'a Manifests,
    ) -> BoxFuture<'a, ClusterResult<Observed>> {
        async move {
            if matches!(self.look(workspace).phase, Phase::Gone | Phase::Absent) {
                manifests.must_be_complete()?;
                self.start(workspace)?;
            }
            Ok(self.look(workspace))
        }
        .boxed()
    }

    fn suspend<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        async move {
            if !matches!(self.look(workspace).phase, Phase::Gone | Phase::Absent | Phase::Stopping) {
                self.stop(workspace);
            }
            Ok(self.look(workspace))
        }
        .boxed()
    }

    fn remove<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        async move {
            let left = self.suspend(workspace).await?;
            if left.phase == Phase::Absent {
                self.parts.lock().remove(&Name::of(workspace));
            }
            Ok(self.look(workspace))
        }
        .boxed()
    }

    fn observe<'a>(&'a self, workspace: &'a Workspace) -> BoxFuture<'a, ClusterResult<Observed>> {
        async move { Ok(self.look(workspace)) }.boxed()
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        let told = self.told.subscribe();
        let next = |mut told: broadcast::Receiver<Change>| async move {
            match told.recv().await {
                Ok(change) => Some((change, told)),
                Err(broadcast::error::RecvError::Lagged(_)) => Some((Change::Everything, told)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        };
        futures::stream::unfold(told, next).boxed()
    }
}
