//! Workspaces as this server has them: what users ask for, and where there is a cluster the task that keeps it as they ask.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coditect_auth::{Auth, Pod};
use coditect_store::{Store, Transaction};
use coditect_workspaces::{
    KubeCluster, KubeOptions, Reconciler, ReconcilerOptions, Result, TemplateOptions, Templates, Tokens, Workspace,
    Workspaces, WorkspacesOptions,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::settings::{ClusterKind, Settings, WorkspacesSettings};
use crate::start::{StartError, chain};
use crate::state::App;

/// The workspaces on `store`.
pub(crate) fn open(settings: &WorkspacesSettings, store: Store, auth: Auth) -> Result<Workspaces, StartError> {
    let options = WorkspacesOptions {
        per_user: settings.per_user,
        per_tenant: settings.per_tenant,
        has_cluster: settings.cluster != ClusterKind::None,
        ..WorkspacesOptions::default()
    };
    Workspaces::new(store, auth, options).map_err(|error| unusable(&error))
}

/// What keeps the cluster as users want it, if there is one. The cluster is not asked anything yet.
pub(crate) async fn reconciler(app: &App) -> Result<Option<Box<Reconciler>>, StartError> {
    let settings = &app.settings.workspaces;
    if settings.cluster == ClusterKind::None {
        return Ok(None);
    }
    let templates = Templates::load(template_options(&app.settings)?).map_err(|error| unusable(&error))?;
    let cluster = KubeCluster::connect(kube_options(settings)).await.map_err(|error| unusable(&error))?;
    let reconciler = Reconciler::new(&app.workspaces, Arc::new(cluster), templates, reconciler_options(settings));
    let tokens = PodTokens(app.auth.clone());
    Ok(Some(Box::new(reconciler.map_err(|error| unusable(&error))?.with_tokens(Arc::new(tokens)))))
}

fn unusable(error: &dyn std::error::Error) -> StartError {
    StartError::Settings(format!("workspaces: {}", chain(error)))
}

fn template_options(all: &Settings) -> Result<TemplateOptions, StartError> {
    let settings = &all.workspaces;
    Ok(TemplateOptions {
        folder: settings.template_dir.clone(),
        image: settings.image.clone(),
        sidecar_image: settings.sidecar_image.clone(),
        gateway_url: settings.gateway_url.clone().unwrap_or_default(),
        origins: all.cors.origins.clone(),
        gateway_ca: settings.gateway_ca.as_deref().map(read).transpose()?,
    })
}

fn read(file: &Path) -> Result<String, StartError> {
    std::fs::read_to_string(file)
        .map_err(|error| StartError::Settings(format!("workspaces.gateway_ca: read {}: {error}", file.display())))
}

fn kube_options(settings: &WorkspacesSettings) -> KubeOptions {
    KubeOptions {
        url: settings.api_url.clone(),
        kubeconfig: settings.kubeconfig.clone(),
        requests_per_second: settings.requests_per_s,
        ..KubeOptions::default()
    }
}

fn reconciler_options(settings: &WorkspacesSettings) -> ReconcilerOptions {
    let idle_after = Some(settings.idle_after_s).filter(|seconds| *seconds > 0);
    ReconcilerOptions {
        lease: Duration::from_secs(settings.lease_s),
        resync: Duration::from_secs(settings.resync_s),
        recheck: Duration::from_secs(settings.recheck_s),
        concurrency: settings.concurrency,
        attempts: settings.attempts,
        failed_retry: Duration::from_secs(settings.failed_retry_s),
        settle_within: Duration::from_secs(settings.settle_within_s),
        idle_after: idle_after.map(Duration::from_secs),
        keep_terminated: Duration::from_secs(settings.keep_deleted_s),
        ..ReconcilerOptions::default()
    }
}

/// Tokens with which sidecars ask this server about the sessions of their own workspace.
struct PodTokens(Auth);

impl Tokens for PodTokens {
    fn token<'a>(
        &'a self,
        tx: &'a Transaction,
        workspace: &'a Workspace,
    ) -> BoxFuture<'a, Result<Option<SecretString>>> {
        let Workspace { tenant, id, user, .. } = workspace.clone();
        async move {
            let pod = Pod { tenant, workspace: id, user };
            Ok(Some(self.0.give_pod_token_in(tx, &pod).await?))
        }
        .boxed()
    }

    fn take_back<'a>(&'a self, tx: &'a Transaction, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        async move { Ok(self.0.take_back_pod_tokens_in(tx, &workspace.tenant, &workspace.id).await?) }.boxed()
    }
}
