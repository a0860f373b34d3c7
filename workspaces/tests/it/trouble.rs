//! A cluster that refuses, throttles, is slow or is changed by others: every workspace gets where it shall be, and none holds up another.

use std::time::Duration;

use coditect_workspaces::{ReconcilerOptions, State, Workspace};
use serde_json::json;

use crate::cluster::{Fault, Kind, Mock, Node};
use crate::harness::{Rig, cluster, eventually, fast, mock, options};

fn times(mock: &Mock, verb: &str, path: &str) -> usize {
    mock.requests().iter().filter(|it| it.verb == verb && it.path.contains(path)).count()
}

#[tokio::test]
async fn a_part_that_is_refused_is_told_and_holds_up_nobody_else() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    mock.faults(|it| it.on_path("create", "user-bad/pods", 1_000, Fault::Status(422)));
    let (bad, good) = (rig.workspace_of("bad").await, rig.workspace_of("good").await);
    rig.until(&good, State::Running).await;
    let failed = rig.until(&bad, State::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("the cluster refuses its Pod: Invalid"));
    assert_eq!(times(&mock, "create", "user-bad/pods"), 3);
    mock.faults(crate::cluster::Faults::clear);
    rig.workspaces.resume(&rig.operator(), &bad.id).await.unwrap();
    rig.until(&bad, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn what_has_failed_is_tried_again_without_anybody() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let soon = ReconcilerOptions { failed_retry: Duration::from_millis(50), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, soon);
    mock.faults(|it| it.on("create", Kind::Pod, 6, Fault::Status(403)));
    let made = rig.workspace_of("ada").await;
    let failed = rig.until(&made, State::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("the cluster refuses its Pod: Forbidden"));
    let running = rig.until(&made, State::Running).await;
    assert_eq!((running.message, running.failures), (None, 0));
    reconciler.stop().await;
}

#[tokio::test]
async fn errors_that_pass_are_no_failures() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let kinds = [("create", Kind::Pod), ("patch", Kind::Service), ("get", Kind::Pod), ("create", Kind::Namespace)];
    for (verb, kind) in kinds {
        for fault in [Fault::Status(500), Fault::Status(503), Fault::LoseAnswer, Fault::Throttle(0)] {
            mock.faults(|it| it.on(verb, kind, 1, fault));
        }
    }
    let made = rig.workspace_of("ada").await;
    let running = rig.until(&made, State::Running).await;
    assert_eq!(running.failures, 0);
    reconciler.stop().await;
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_told_and_running_ones_stay_so() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let often = ReconcilerOptions { resync: Duration::from_millis(30), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, often);
    let running = rig.workspace_of("ada").await;
    let running = rig.until(&running, State::Running).await;
    for verb in ["get", "create", "patch", "delete"] {
        mock.faults(|it| it.on_path(verb, "", 100_000, Fault::Status(503)));
    }
    let waiting = rig.workspace_of("bob").await;
    let told =
        || async { rig.now(&waiting).await.filter(|it| it.message.as_deref() == Some("the cluster does not answer")) };
    let told = crate::harness::eventually_some("the message", told).await;
    assert_eq!((told.state, told.failures), (State::Pending, 0));
    let looks = times(&mock, "get", &running.pod_name);
    eventually("another look", || times(&mock, "get", &running.pod_name) > looks + 8).await;
    assert_eq!(rig.now(&running).await.unwrap(), running);
    mock.faults(crate::cluster::Faults::clear);
    rig.until(&waiting, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn the_pause_that_the_cluster_asks_for_is_kept() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    mock.faults(|it| it.on("create", Kind::Pod, 1, Fault::Throttle(1)));
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    let tries: Vec<_> =
        mock.requests().into_iter().filter(|it| (it.verb, it.path.ends_with("/pods")) == ("create", true)).collect();
    assert_eq!(tries.len(), 2);
    assert!(tries[1].at - tries[0].at >= Duration::from_millis(990), "{tries:?}");
    reconciler.stop().await;
}

#[tokio::test]
async fn a_slow_answer_holds_up_one_workspace_alone() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    mock.faults(|it| it.on_path("create", "user-slow/pods", 1, Fault::HangBefore));
    let (slow, quick) = (rig.workspace_of("slow").await, rig.workspace_of("quick").await);
    eventually("the slow one to hang", || mock.faults(|it| it.hanging) == 1).await;
    rig.until(&quick, State::Running).await;
    // It is given up and asked for again.
    rig.until(&slow, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn what_somebody_else_changes_is_changed_back() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let often = ReconcilerOptions { resync: Duration::from_millis(30), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, often);
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    let kept =
        |kind, name: &str, pointer: &str| mock.get(kind, "user-ada", name).and_then(|it| it.pointer(pointer).cloned());
    let open = json!([{}]);
    mock.edit(Kind::Policy, "user-ada", &made.pod_name, "/spec/ingress", open.clone());
    eventually("the policy", || kept(Kind::Policy, &made.pod_name, "/spec/ingress") != Some(open.clone())).await;
    mock.delete(Kind::Service, "user-ada", &made.service);
    mock.delete(Kind::Policy, "user-ada", &made.pod_name);
    let are_there = |made: &Workspace| {
        kept(Kind::Service, &made.service, "/spec").is_some() && kept(Kind::Policy, &made.pod_name, "/spec").is_some()
    };
    eventually("service and policy", || are_there(&made)).await;
    assert_eq!(rig.now(&made).await.unwrap().state, State::Running);
    reconciler.stop().await;
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_waited_for() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    mock.keep_namespace("user-ada", true);
    mock.delete(Kind::Namespace, "", "user-ada");
    let told = || async {
        let found = rig.now(&made).await?;
        (found.message.as_deref() == Some("its namespace is being deleted")).then_some(found)
    };
    let told = crate::harness::eventually_some("the message", told).await;
    assert_eq!((told.state, told.failures), (State::Pending, 0));
    let other = rig.workspace_of("bob").await;
    rig.until(&other, State::Running).await;
    mock.keep_namespace("user-ada", false);
    rig.until(&made, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_workspace_can_be_deleted_while_its_namespace_is() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    mock.keep_namespace("user-ada", true);
    mock.delete(Kind::Namespace, "", "user-ada");
    rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert_eq!(mock.places(), []);
    reconciler.stop().await;
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_left_alone() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let theirs = || json!({"metadata": {"name": "x", "labels": {"app": "theirs"}}, "spec": {"ports": [{"port": 1}]}});
    mock.create(Kind::Namespace, "", "user-taken", theirs());
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("taken").await;
    let failed = rig.until(&made, State::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("the cluster has a Namespace of its name that is not its own"));
    mock.create(Kind::Service, "user-taken", "workspace-taken", theirs());
    rig.workspaces.delete(&rig.operator(), &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert!(mock.get(Kind::Service, "user-taken", "workspace-taken").is_some());
    reconciler.stop().await;
}

#[tokio::test]
async fn a_part_that_has_to_wait_does_not_take_a_ready_pod_from_its_user() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let often = ReconcilerOptions { resync: Duration::from_millis(30), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, often);
    let running = rig.workspace_of("ada").await;
    let running = rig.until(&running, State::Running).await;
    let patches = || times(&mock, "patch", "/services/");
    let before = patches();
    mock.faults(|it| it.on("patch", Kind::Service, 1_000, Fault::Status(409)));
    eventually("some that are refused", || patches() > before + 3).await;
    assert_eq!(rig.now(&running).await.unwrap(), running);
    reconciler.stop().await;
}

#[tokio::test]
async fn a_wish_that_cannot_be_read_holds_up_no_other() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let wishes = coditect_store::tuple::Subspace::all().subspace(&("coditect", "workspaces", "wish"));
    for key in [wishes.pack(&"acme"), wishes.pack(&("acme", "no/id")), [wishes.range().0, vec![0xff, 0xff]].concat()] {
        let key = &key;
        let write = async |tx: coditect_store::Transaction| {
            tx.set(key, &[]);
            Ok::<_, coditect_store::Error>(())
        };
        rig.store.run(write).await.unwrap();
    }
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    eventually("a first look", || times(&mock, "list", "/pods") > 0).await;
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    reconciler.stop().await;
}

/// With one worker, which is busy, and another workspace that is due: what waits takes no time of the processor.
#[tokio::test]
async fn what_is_due_while_all_are_busy_is_waited_for_quietly() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let pending = rig.workspace_of("pending").await;
    mock.node(&pending.pod_name, Node::NoImage);
    mock.faults(|it| it.on_path("create", "user-slow/pods", 1, Fault::HangBefore));
    let reconciler = rig.reconciler(cluster(&mock).await, ReconcilerOptions { concurrency: 1, ..fast() });
    let is_told = || async { rig.now(&pending).await?.message };
    crate::harness::eventually_some("one that is looked at again and again", is_told).await;
    rig.workspace_of("slow").await;
    eventually("the slow one to hang", || mock.faults(|it| it.hanging) == 1).await;
    let used = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let before = used();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let used = used() - before;
    assert!(used.tv_sec == 0 && used.tv_nsec < 250_000_000, "{used:?}");
    reconciler.stop().await;
}
