//! Workspaces that nobody uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coditect_auth::{Acting, ConnectionId, NewConnection, NewSidecar, Pod, PodAccess, SidecarId};
use coditect_workspaces::cluster::{Change, ClusterResult, Observed};
use coditect_workspaces::{
    Cluster, Manifests, NewWorkspace, ReconcilerOptions, SimulatedCluster, State, Wanted, Workspace,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::harness::{Rig, Running, eventually, eventually_some, fast, options};

const IDLE: Duration = Duration::from_secs(3_600);

/// A cluster that counts how often all parts of a workspace are looked at, which comes after it was found to be used.
struct Watched {
    cluster: SimulatedCluster,
    applied: AtomicUsize,
}

impl Cluster for Watched {
    fn apply<'a>(&'a self, workspace: &'a Workspace, manifests: &'a Manifests) -> Seeing<'a> {
        self.applied.fetch_add(1, Ordering::Relaxed);
        self.cluster.apply(workspace, manifests)
    }

    fn suspend<'a>(&'a self, workspace: &'a Workspace) -> Seeing<'a> {
        self.cluster.suspend(workspace)
    }

    fn remove<'a>(&'a self, workspace: &'a Workspace) -> Seeing<'a> {
        self.cluster.remove(workspace)
    }

    fn observe<'a>(&'a self, workspace: &'a Workspace) -> Seeing<'a> {
        self.cluster.observe(workspace)
    }

    fn changes(&self) -> BoxStream<'static, Change> {
        self.cluster.changes()
    }
}

type Seeing<'a> = BoxFuture<'a, ClusterResult<Observed>>;

struct Scene {
    rig: Rig,
    cluster: Arc<Watched>,
    ada: Acting,
    made: Workspace,
    running: Running,
}

impl Scene {
    /// A workspace that runs, by a clock that stands still.
    async fn new(idle: Duration) -> Self {
        let rig = Rig::still(options(1)).await;
        let cluster = SimulatedCluster::new(rig.clock.clone(), Duration::ZERO);
        let cluster = Arc::new(Watched { cluster, applied: AtomicUsize::default() });
        let often = ReconcilerOptions {
            idle_after: Some(idle),
            resync: Duration::from_millis(10),
            failed_retry: Duration::from_millis(10),
            ..fast()
        };
        let running = rig.reconciler(cluster.clone(), often);
        let ada = rig.ada().await;
        let made = rig.workspaces.create(&ada, &NewWorkspace { name: "main".into(), user: None }).await.unwrap();
        let made = rig.until(&made, State::Running).await;
        Self { rig, cluster, ada, made, running }
    }

    fn access(&self) -> PodAccess {
        let (tenant, workspace) = (self.made.tenant.clone(), self.made.id.clone());
        self.rig.auth.pod_access(Pod { tenant, workspace, user: self.made.user.clone() })
    }

    fn sidecar(&self) -> NewSidecar {
        let id = SidecarId::made(&self.rig.clock);
        NewSidecar { id, address: "10.0.0.7:8765".into(), pod_namespace: None, pod_name: None }
    }

    async fn connect(&self, sidecar: &NewSidecar) -> ConnectionId {
        let connection = NewConnection {
            id: ConnectionId::made(&self.rig.clock),
            session: self.ada.caller().session().unwrap().clone(),
            client: "test".into(),
            resumable: false,
            opened_at: self.rig.clock.now(),
        };
        self.access().announce(sidecar).await.unwrap();
        self.access().connected(sidecar, &connection).await.unwrap();
        connection.id
    }

    async fn now(&self) -> Workspace {
        self.rig.now(&self.made).await.unwrap()
    }

    /// Waits until it was looked at from beginning to end by the present time, and kept.
    async fn until_kept(&self) {
        let applied = || self.cluster.applied.load(Ordering::Relaxed);
        let before = applied();
        // The first may have begun before.
        eventually("two more looks at all its parts", || applied() > before + 1).await;
    }

    /// Waits until its use is noted at the present time.
    async fn until_used(&self) {
        let used = || async { (self.now().await.last_active_at == self.rig.clock.now()).then_some(()) };
        eventually_some("its use to be noted", used).await;
    }
}

#[tokio::test]
async fn one_that_nobody_uses_is_suspended_and_that_is_written_down() {
    let scene = Scene::new(IDLE).await;
    scene.rig.clock.advance(IDLE + Duration::from_secs(1));
    let suspended = scene.rig.until(&scene.made, State::Suspended).await;
    assert_eq!((suspended.wanted, suspended.revision), (Wanted::Suspended, 2));
    let expected = format!("workspace {} of user {}: nobody uses it", scene.made.id, scene.made.user);
    assert_eq!(scene.rig.audit("workspace.suspend").await, [expected]);
    scene.rig.workspaces.resume(&scene.ada, &scene.made.id).await.unwrap();
    scene.rig.until(&scene.made, State::Running).await;
    scene.running.stop().await;
}

#[tokio::test]
async fn one_with_a_connection_is_used_and_the_time_counts_from_its_end() {
    let scene = Scene::new(Duration::from_secs(100)).await;
    let sidecar = scene.sidecar();
    let connection = scene.connect(&sidecar).await;
    for _ in 0..5 {
        for _ in 0..2 {
            scene.rig.clock.advance(Duration::from_secs(40));
            scene.access().announce(&sidecar).await.unwrap();
        }
        scene.until_used().await;
    }
    let now = scene.now().await;
    assert_eq!((now.state, now.revision), (State::Running, 1));
    scene.access().disconnected(connection).await.unwrap();
    scene.rig.clock.advance(Duration::from_secs(101));
    scene.rig.until(&scene.made, State::Suspended).await;
    scene.running.stop().await;
}

#[tokio::test]
async fn one_that_is_touched_is_used() {
    let scene = Scene::new(IDLE).await;
    for _ in 0..4 {
        scene.rig.clock.advance(IDLE / 2);
        scene.rig.workspaces.touch(&scene.made.tenant, &scene.made.id).await.unwrap();
        scene.until_kept().await;
    }
    let now = scene.now().await;
    assert_eq!((now.state, now.revision), (State::Running, 1));
    scene.running.stop().await;
}

#[tokio::test]
async fn one_that_has_failed_is_suspended_as_well_when_nobody_comes() {
    let scene = Scene::new(IDLE).await;
    scene.cluster.cluster.refuse(&scene.made, Some("no room"));
    scene.cluster.cluster.fail(&scene.made, "evicted");
    scene.rig.until(&scene.made, State::Failed).await;
    scene.rig.clock.advance(IDLE + Duration::from_secs(1));
    let suspended = scene.rig.until(&scene.made, State::Suspended).await;
    assert_eq!((suspended.wanted, suspended.message), (Wanted::Suspended, None));
    assert_eq!(scene.rig.audit("workspace.suspend").await.len(), 1);
    scene.running.stop().await;
}
