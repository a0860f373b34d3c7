//! People with workspaces on a store of their own, reconcilers, and waiting for what shall come.

use std::sync::Arc;
use std::time::Duration;

use coditect_auth::{
    Acting, AuditQuery, Auth, AuthOptions, Credentials, HashCost, KeyRing, NewUser, Origin, Registration, Role,
    SessionDetails, UserId,
};
use coditect_store::{Clock, Store, TenantId, Transaction, testing};
use coditect_workspaces::{
    Cluster, KubeCluster, KubeOptions, NewWorkspace, Reconciler, ReconcilerOptions, State, TemplateOptions, Templates,
    Tokens, Workspace, Workspaces, WorkspacesOptions,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cluster::Mock;

const PASSWORD: &str = "correct horse battery";
/// Longer than anything takes, so that a test that hangs ends.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) auth: Auth,
    pub(crate) workspaces: Workspaces,
    dir: TempDir,
}

/// A reconciler that runs. It is dropped where it stands when this is.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Tokens that say whose they are.
pub(crate) struct TestTokens;

impl Tokens for TestTokens {
    fn token<'a>(
        &'a self,
        _: &'a Transaction,
        workspace: &'a Workspace,
    ) -> BoxFuture<'a, coditect_workspaces::Result<Option<SecretString>>> {
        async move { Ok(Some(format!("token of {}", workspace.id).into())) }.boxed()
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn options(per_user: usize) -> WorkspacesOptions {
    WorkspacesOptions { per_user, has_cluster: true, ..WorkspacesOptions::default() }
}

/// Intervals of tests: nothing waits for longer than it must, and nothing is done by time that shall be done by an event, unless a test says so.
pub(crate) fn fast() -> ReconcilerOptions {
    ReconcilerOptions {
        lease: Duration::from_millis(600),
        resync: Duration::from_secs(60),
        recheck: Duration::from_millis(25),
        attempts: 3,
        backoff: (Duration::from_millis(5), Duration::from_millis(20)),
        failed_retry: Duration::from_secs(60),
        settle_within: Duration::from_secs(60),
        idle_after: None,
        ..ReconcilerOptions::default()
    }
}

pub(crate) fn templates() -> Templates {
    Templates::load(TemplateOptions { gateway_url: "http://gateway".into(), ..Default::default() }).unwrap()
}

impl Rig {
    pub(crate) async fn new(options: WorkspacesOptions) -> Self {
        Self::through(options, Clock::system(), |store| store).await
    }

    /// With a clock that stands still.
    pub(crate) async fn still(options: WorkspacesOptions) -> Self {
        Self::through(options, Clock::manual("2026-03-01T09:30:00Z".parse().unwrap()), |store| store).await
    }

    /// With something before the store.
    pub(crate) async fn through(options: WorkspacesOptions, clock: Clock, wrap: impl FnOnce(Store) -> Store) -> Self {
        let dir = TempDir::new().unwrap();
        let store = wrap(testing::open(dir.path(), clock.clone()).await.unwrap());
        let (auth, workspaces) = begin(&store, options);
        Self { store, clock, auth, workspaces, dir }
    }

    /// Workspaces as another process on the same store has them.
    pub(crate) async fn another(&self, wrap: impl FnOnce(Store) -> Store) -> Workspaces {
        let store = wrap(testing::open_again(self.dir.path(), &self.store).await.unwrap());
        begin(&store, options(1)).1
    }

    /// A user who is logged in.
    pub(crate) async fn user(&self, tenant_name: &str, email: &str, role: Role) -> Acting {
        let new = NewUser { email: email.into(), password: PASSWORD.into(), name: String::new() };
        self.auth.operator(&tenant(tenant_name)).create_user(&new, role).await.unwrap();
        let who =
            Credentials { tenant: tenant(tenant_name), email: email.into(), password: SecretString::from(PASSWORD) };
        let origin = Origin { address: None, request_id: "test".into() };
        let granted = self.auth.login(&who, &SessionDetails::default(), &origin).await.unwrap();
        self.auth.acting(self.auth.authenticate(granted.token.expose_secret()).await.unwrap(), "test")
    }

    pub(crate) async fn ada(&self) -> Acting {
        self.user("acme", "ada@example.com", Role::Member).await
    }

    /// A user whose id is chosen.
    pub(crate) async fn named(&self, tenant_name: &str, user: &str) -> UserId {
        let user = UserId::new(user).unwrap();
        coditect_auth::testing::user(&self.auth, &tenant(tenant_name), &user).await.unwrap();
        user
    }

    /// A workspace of a user of `acme` whose id is chosen.
    pub(crate) async fn workspace_of(&self, user: &str) -> Workspace {
        let new = NewWorkspace { name: "main".into(), user: Some(self.named("acme", user).await) };
        self.workspaces.create(&self.operator(), &new).await.unwrap()
    }

    pub(crate) fn operator(&self) -> Acting {
        self.auth.operator(&tenant("acme"))
    }

    pub(crate) async fn now(&self, workspace: &Workspace) -> Option<Workspace> {
        self.workspaces.find(&workspace.tenant, &workspace.id).await.unwrap()
    }

    /// Waits until a workspace is in a state.
    pub(crate) async fn until(&self, workspace: &Workspace, state: State) -> Workspace {
        let fits = |found: Option<Workspace>| found.filter(|found| found.state == state);
        let what = format!("{} to be {state}", workspace.id);
        eventually_some(&what, || async { fits(self.now(workspace).await) }).await
    }

    /// What the audit log of `acme` tells, newest first.
    pub(crate) async fn audit(&self, action: &str) -> Vec<String> {
        let query = AuditQuery { limit: 100, action: Some(action.into()), before: None };
        let page = self.operator().audit(&query).await.unwrap();
        page.entries.into_iter().map(|(_, entry)| entry.target).collect()
    }

    pub(crate) fn reconciler(&self, cluster: Arc<dyn Cluster>, options: ReconcilerOptions) -> Running {
        Running::start(&self.workspaces, cluster, options)
    }
}

impl Running {
    pub(crate) fn start(workspaces: &Workspaces, cluster: Arc<dyn Cluster>, options: ReconcilerOptions) -> Self {
        Self::with(
            Reconciler::new(workspaces, cluster, templates(), options).unwrap().with_tokens(Arc::new(TestTokens)),
        )
    }

    pub(crate) fn with(reconciler: Reconciler) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { reconciler.run(stopped).await });
        Self { stop, task }
    }

    /// Ends it as on SIGTERM.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }

    /// Ends it as a crash does, wherever it is.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn begin(store: &Store, options: WorkspacesOptions) -> (Auth, Workspaces) {
    let keys = KeyRing::new(&"a secret of the tests, 32 bytes and more".into(), &[]).unwrap();
    let cost = HashCost { memory_kib: 64, passes: 1, lanes: 1, threads: 1 };
    let settings = AuthOptions { cost, registration: Registration::Open, ..AuthOptions::new(keys) };
    let auth = Auth::start(store.clone(), settings).unwrap();
    let workspaces = Workspaces::new(store.clone(), auth.clone(), options).unwrap();
    (auth, workspaces)
}

pub(crate) async fn mock() -> Arc<Mock> {
    Mock::start(Duration::from_millis(10)).await
}

/// The way to the mock's cluster.
pub(crate) async fn cluster(mock: &Mock) -> Arc<dyn Cluster> {
    let options = KubeOptions {
        url: Some(mock.url.clone()),
        kubeconfig: None,
        requests_per_second: 10_000,
        request_wait: Duration::from_secs(2),
        request_pause: Duration::from_millis(2),
        watch: Duration::from_secs(30),
    };
    Arc::new(KubeCluster::connect(options).await.unwrap())
}

/// Waits until something is there.
pub(crate) async fn eventually_some<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    eventually_some(what, || std::future::ready(is_so().then_some(()))).await;
}
