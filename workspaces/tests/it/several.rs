//! Two processes that reconcile, in turn and at once.

use std::sync::Arc;
use std::time::Duration;

use coditect_store::faults::{Fault, Faults};
use coditect_workspaces::{ReconcilerOptions, State, Workspace};

use crate::cluster::{Fault as Trouble, Kind, Mock};
use crate::harness::{Rig, Running, cluster, eventually, fast, mock, options};

fn quick() -> ReconcilerOptions {
    ReconcilerOptions { lease: Duration::from_millis(150), ..fast() }
}

#[tokio::test]
async fn another_takes_over_from_one_that_stops_or_crashes() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let other = rig.another(|store| store).await;
    let one = rig.reconciler(cluster(&mock).await, quick());
    let two = Running::start(&other, cluster(&mock).await, quick());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    one.stop().await;
    rig.workspaces.suspend(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    let three = rig.reconciler(cluster(&mock).await, quick());
    two.kill().await;
    rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Running).await;
    three.stop().await;
}

/// The first is cut off from the store while its request for a pod is under way. It gets what it asked for, when the pod is no longer wanted.
#[tokio::test]
async fn a_late_request_of_one_that_was_cut_off_is_undone() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let faults = Faults::default();
    let cut_off = rig.another(|store| store.with_faults(faults.clone())).await;
    let one = Running::start(&cut_off, cluster(&mock).await, quick());
    mock.faults(|it| it.on("create", Kind::Pod, 1, Trouble::Gate));
    let made = rig.workspace_of("ada").await;
    let asked = || mock.requests().iter().any(|it| it.verb == "create" && it.path.ends_with("/pods"));
    eventually("the request for a pod", asked).await;
    faults.on_commits([Fault::Unavailable; 500]);
    rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
    let two = Running::start(&rig.workspaces, cluster(&mock).await, quick());
    rig.until(&made, State::Terminated).await;
    let before = mock.version();
    mock.open_gate();
    eventually("the late pod", || mock.version() > before).await;
    eventually("the late pod to go", || mock.places().is_empty()).await;
    assert_eq!(rig.now(&made).await.unwrap().state, State::Terminated);
    one.kill().await;
    two.stop().await;
}

/// The first is to stop a pod, and its request comes when the pod has stopped and another has taken its place.
#[tokio::test]
async fn a_late_deletion_does_not_meet_the_next_pod() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let faults = Faults::default();
    let cut_off = rig.another(|store| store.with_faults(faults.clone())).await;
    let one = Running::start(&cut_off, cluster(&mock).await, quick());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    mock.faults(|it| it.on("delete", Kind::Pod, 1, Trouble::Gate));
    rig.workspaces.suspend(&rig.operator(), &made.id).await.unwrap();
    let asked = || mock.requests().iter().filter(|it| it.verb == "delete").count();
    eventually("the request to delete", || asked() == 1).await;
    faults.on_commits([Fault::Unavailable; 500]);
    let two = Running::start(&rig.workspaces, cluster(&mock).await, quick());
    rig.until(&made, State::Suspended).await;
    rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Running).await;
    let uid = || mock.get(Kind::Pod, &made.pod_namespace, &made.pod_name).map(|it| it["metadata"]["uid"].clone());
    let next = uid();
    assert!(next.is_some());
    mock.open_gate();
    eventually("the late request to be refused", || mock.refusals("Conflict") == 1).await;
    assert_eq!(uid(), next);
    one.kill().await;
    two.stop().await;
}

/// A process that is cut off from the store while its request for a Service is under way, and the workspace of that Service, which is no longer wanted then.
async fn cut_off_with_a_service(rig: &Rig, mock: &Arc<Mock>) -> (Running, Workspace) {
    let faults = Faults::default();
    let cut_off = rig.another(|store| store.with_faults(faults.clone())).await;
    mock.faults(|it| it.on("patch", Kind::Service, 1, Trouble::Gate));
    let one = Running::start(&cut_off, cluster(mock).await, quick());
    let made = rig.workspace_of("ada").await;
    let asked = || mock.requests().iter().any(|it| it.verb == "patch" && it.path.contains("/services/"));
    eventually("the request for the Service", asked).await;
    faults.on_commits([Fault::Unavailable; 500]);
    rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
    (one, made)
}

/// The first is to bring a Service to its template, and its request comes when the workspace is gone and the next one of its user has the Service's name.
#[tokio::test]
async fn a_late_change_does_not_take_the_next_ones_service() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let (one, made) = cut_off_with_a_service(&rig, &mock).await;
    let two = Running::start(&rig.workspaces, cluster(&mock).await, quick());
    rig.until(&made, State::Terminated).await;
    let next = rig.workspace_of("ada").await;
    assert_eq!(next.service, made.service);
    rig.until(&next, State::Running).await;
    let service = || mock.get(Kind::Service, &next.pod_namespace, &next.service).unwrap();
    let before = service();
    assert_eq!(before["spec"]["selector"]["coditect.io/workspace"], next.id.as_str());
    mock.open_gate();
    eventually("the late request to be refused", || mock.refusals("Conflict") == 1).await;
    assert_eq!(service(), before);
    one.kill().await;
    two.stop().await;
}

/// The lease goes back and forth, since neither can renew it in time; each may go on for a while with what it has begun.
#[tokio::test]
async fn two_at_once_do_no_harm() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let faults = [Faults::default(), Faults::default()];
    let mut running = Vec::new();
    for faults in &faults {
        let other = rig.another(|store| store.with_faults(faults.clone())).await;
        running.push(Running::start(&other, cluster(&mock).await, quick()));
    }
    let users: Vec<String> = (0..6).map(|number| format!("u{number}")).collect();
    let mut all = Vec::new();
    for (round, user) in users.iter().enumerate() {
        // Now one, now the other cannot renew its lease in time, and goes on with what it has begun.
        faults[round % 2].on_commits([Fault::Delay(Duration::from_millis(200)); 3]);
        all.push(rig.workspace_of(user).await);
    }
    for made in &all {
        rig.until(made, State::Running).await;
        rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
        faults[0].on_commits([Fault::Delay(Duration::from_millis(100))]);
    }
    for made in &all {
        rig.until(made, State::Terminated).await;
    }
    eventually("everything to be gone", || mock.places().is_empty()).await;
    for one in running {
        one.stop().await;
    }
}

/// The same, but the Service is made while nobody has its name, by one that is gone then, so that no pod tells of it.
#[tokio::test]
async fn a_late_service_does_not_keep_the_next_workspace_from_its_user() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let (one, made) = cut_off_with_a_service(&rig, &mock).await;
    let two = Running::start(&rig.workspaces, cluster(&mock).await, quick());
    rig.until(&made, State::Terminated).await;
    one.kill().await;
    let before = mock.version();
    mock.open_gate();
    eventually("the late Service", || mock.version() > before).await;
    let next = rig.workspace_of("ada").await;
    assert_eq!(next.service, made.service);
    rig.until(&next, State::Running).await;
    two.stop().await;
}
