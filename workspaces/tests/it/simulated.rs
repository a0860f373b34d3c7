//! The cluster in memory: the same life cycle, without Kubernetes.

use std::sync::Arc;
use std::time::Duration;

use coditect_workspaces::cluster::{Change, Cluster as _};
use coditect_workspaces::{SimulatedCluster, State};
use futures::StreamExt as _;

use crate::harness::{Rig, fast, options};

#[tokio::test]
async fn a_workspace_lives_in_it_from_its_beginning_to_its_end() {
    let rig = Rig::new(options(1)).await;
    let cluster = SimulatedCluster::new(rig.clock.clone(), Duration::from_millis(5));
    let mut changes = cluster.changes();
    let reconciler = rig.reconciler(Arc::new(cluster.clone()), fast());
    let (made, operator) = (rig.workspace_of("ada").await, rig.operator());
    let running = rig.until(&made, State::Running).await;
    assert_eq!((running.message, running.failures), (None, 0));
    let told = changes.next().await.unwrap();
    assert_eq!(told, Change::Of { tenant: made.tenant.clone(), workspace: made.id.clone() });
    rig.workspaces.suspend(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    assert_eq!(cluster.workspaces(), 1);
    rig.workspaces.resume(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Running).await;
    rig.workspaces.delete(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert_eq!(cluster.workspaces(), 0);
    reconciler.stop().await;
}

#[tokio::test]
async fn a_pod_that_fails_is_made_again_until_there_is_no_point() {
    let rig = Rig::new(options(1)).await;
    let cluster = SimulatedCluster::new(rig.clock.clone(), Duration::from_millis(5));
    let reconciler = rig.reconciler(Arc::new(cluster.clone()), fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    cluster.refuse(&made, Some("no place"));
    cluster.fail(&made, "it ended");
    let failed = rig.until(&made, State::Failed).await;
    assert_eq!((failed.message.as_deref(), failed.failures), (Some("no place"), 3));
    cluster.refuse(&made, None);
    rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Running).await;
    reconciler.stop().await;
}
