//! What the API tells of pods. Everything else is looked at by time: it changes seldom, and watching it takes rights over all namespaces.

use backon::ExponentialBuilder;
use coditect_auth::WorkspaceId;
use coditect_store::TenantId;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{Event, ExponentialBackoff};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};

use super::KubeOptions;
use crate::cluster::Change;
use crate::limits;
use crate::manifests::{MANAGED_BY, MANAGER, TENANT, WORKSPACE_ID};

/// Changes of all pods of ours. The watcher begins anew by itself, with a list where its place in the events is lost (410 Gone).
pub(super) fn of(client: Client, options: &KubeOptions) -> BoxStream<'static, Change> {
    let seconds = u32::try_from(options.watch.as_secs().max(1)).unwrap_or(u32::MAX);
    let config = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}")).timeout(seconds);
    let pauses = ExponentialBuilder::default()
        .with_min_delay(options.request_pause)
        .with_max_delay(limits::WATCH_PAUSE_MOST)
        .with_jitter()
        .without_max_times();
    watcher(Api::<PartialObjectMeta<Pod>>::all(client), config)
        .backoff(ExponentialBackoff::from(pauses))
        .filter_map(|told| std::future::ready(told.map_or_else(lost, change)))
        .boxed()
}

fn change(event: Event<PartialObjectMeta<Pod>>) -> Option<Change> {
    match event {
        Event::Apply(pod) | Event::Delete(pod) => of_pod(&pod.metadata),
        // What happened before the list is not known.
        Event::InitDone => Some(Change::Everything),
        Event::Init | Event::InitApply(_) => None,
    }
}

/// Whose pod it is; nobody's when it only has the label.
fn of_pod(metadata: &ObjectMeta) -> Option<Change> {
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).cloned();
    let tenant = TenantId::new(annotation(TENANT)?).ok()?;
    let workspace = WorkspaceId::new(annotation(WORKSPACE_ID)?).ok()?;
    Some(Change::Of { tenant, workspace })
}

fn lost(error: watcher::Error) -> Option<Change> {
    metrics::counter!("workspaces_cluster_errors_total", "kind" => "watch").increment(1);
    tracing::debug!(%error, "the watch of pods is taken up again");
    None
}
