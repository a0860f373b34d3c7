//! What the cluster tells gets lost in every way that there is; what happened is noticed all the same.

use std::time::Duration;

use coditect_workspaces::{ReconcilerOptions, State, Workspace};

use crate::cluster::{Kind, Mock};
use crate::harness::{Rig, cluster, eventually, fast, mock, options};

fn uid(mock: &Mock, workspace: &Workspace) -> Option<String> {
    let pod = mock.get(Kind::Pod, &workspace.pod_namespace, &workspace.pod_name)?;
    pod["metadata"]["uid"].as_str().map(Into::into)
}

/// Somebody deletes the pod, and another comes.
async fn comes_back(rig: &Rig, mock: &Mock, workspace: &Workspace) {
    let before = uid(mock, workspace);
    assert!(before.is_some());
    mock.delete(Kind::Pod, &workspace.pod_namespace, &workspace.pod_name);
    eventually("another pod", || uid(mock, workspace).is_some_and(|it| Some(it) != before)).await;
    rig.until(workspace, State::Running).await;
}

#[tokio::test]
async fn watches_that_are_cut_or_expire_are_taken_up_again() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    for round in 0..3 {
        let (begun, _) = mock.watched();
        if round % 2 == 0 {
            mock.cut_watches();
        } else {
            mock.expire_watches();
        }
        eventually("another watch", || mock.watched().0 > begun).await;
        comes_back(&rig, &mock, &made).await;
    }
    reconciler.stop().await;
}

/// Other objects change all the time. Without bookmarks the watch would be left behind, and have to list everything when it is cut.
#[tokio::test]
async fn a_watch_keeps_its_place_while_nothing_of_its_own_happens() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    let last = mock.version();
    for port in 1..20 {
        mock.edit(Kind::Service, "user-ada", &made.service, "/spec/ports/0/port", port.into());
    }
    eventually("a bookmark", || mock.compact() > last + 10).await;
    let lists = || mock.requests().iter().filter(|it| it.verb == "list").count();
    let (before, (begun, _)) = (lists(), mock.watched());
    mock.cut_watches();
    eventually("another watch", || mock.watched().0 > begun).await;
    comes_back(&rig, &mock, &made).await;
    assert_eq!(lists(), before);
    reconciler.stop().await;
}

#[tokio::test]
async fn what_happens_while_a_version_is_gone_is_seen_in_the_list() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    let before = uid(&mock, &made);
    mock.omit_events(true);
    mock.delete(Kind::Pod, &made.pod_namespace, &made.pod_name);
    eventually("the pod to go", || uid(&mock, &made).is_none()).await;
    mock.omit_events(false);
    mock.expire_watches();
    eventually("another pod", || uid(&mock, &made).is_some_and(|it| Some(it) != before)).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn events_that_never_come_are_made_up_for_by_looking() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    mock.omit_events(true);
    let looking = ReconcilerOptions { resync: Duration::from_millis(50), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, looking);
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    comes_back(&rig, &mock, &made).await;
    rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert_eq!((mock.places(), mock.watched().1), (vec![], 0));
    reconciler.stop().await;
}

/// Nothing but the watch can have told of it: all else looks after minutes.
#[tokio::test]
async fn events_are_what_usually_tells() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let waiting = ReconcilerOptions { recheck: Duration::from_secs(60), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, waiting);
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    // A pod that is gone from one moment to the next.
    comes_back(&rig, &mock, &made).await;
    rig.workspaces.suspend(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    reconciler.stop().await;
}
