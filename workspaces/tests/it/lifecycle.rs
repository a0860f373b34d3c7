//! A workspace in the cluster: what is there while it runs, is suspended, and is gone.

use coditect_workspaces::{State, Workspace};
use serde_json::json;

use crate::cluster::{Kind, Mock, Node, Place};
use crate::harness::{Rig, cluster, eventually, fast, mock, options};

fn parts(workspace: &Workspace, with_pod: bool) -> Vec<Place> {
    let (namespace, name) = (&workspace.pod_namespace, &workspace.pod_name);
    let mut parts = vec![
        Place::new(Kind::Policy, namespace, name),
        Place::new(Kind::Service, namespace, &workspace.service),
        Place::new(Kind::Claim, namespace, name),
        Place::new(Kind::Secret, namespace, &format!("{name}-token")),
    ];
    parts.extend(with_pod.then(|| Place::new(Kind::Pod, namespace, name)));
    parts
}

fn uid(mock: &Mock, workspace: &Workspace) -> Option<String> {
    let pod = mock.get(Kind::Pod, &workspace.pod_namespace, &workspace.pod_name)?;
    pod["metadata"]["uid"].as_str().map(Into::into)
}

#[tokio::test]
async fn from_its_beginning_to_its_end() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let (made, operator) = (rig.workspace_of("ada").await, rig.operator());
    rig.until(&made, State::Running).await;
    assert_eq!(mock.places(), parts(&made, true));
    let first = uid(&mock, &made);
    rig.workspaces.suspend(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    assert_eq!(mock.places(), parts(&made, false));
    rig.workspaces.resume(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Running).await;
    assert_eq!(mock.places(), parts(&made, true));
    assert_ne!(uid(&mock, &made), first);
    rig.workspaces.delete(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert_eq!(mock.places(), []);
    assert!(mock.get(Kind::Namespace, "", &made.pod_namespace).is_some(), "the namespace is the user's");
    reconciler.stop().await;
}

#[tokio::test]
async fn what_it_is_made_of_says_whose_it_is() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("Ada.Lovelace_of-a-long-name").await;
    rig.until(&made, State::Running).await;
    for place in mock.places() {
        let object = mock.get(place.kind, &place.namespace, &place.name).unwrap();
        assert_eq!(object["metadata"]["annotations"]["coditect/user-id"], "Ada.Lovelace_of-a-long-name");
        assert_eq!(object["metadata"]["annotations"]["coditect/workspace-id"], made.id.as_str());
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "coditect-server");
    }
    let pod = mock.get(Kind::Pod, &made.pod_namespace, &made.pod_name).unwrap();
    let sidecar = &pod["spec"]["initContainers"][0];
    assert_eq!((&sidecar["name"], &sidecar["restartPolicy"]), (&json!("websocket-gateway"), &json!("Always")));
    let variables = sidecar["env"].as_array().unwrap();
    let user = variables.iter().find(|it| it["name"] == "CODITECT_WORKSPACE_USER").unwrap();
    assert_eq!(user["valueFrom"]["fieldRef"]["fieldPath"], "metadata.annotations['coditect/user-id']");
    let service = mock.get(Kind::Service, &made.pod_namespace, &made.service).unwrap();
    assert_eq!(service["spec"]["selector"]["coditect.io/workspace"], made.id.as_str());
    reconciler.stop().await;
}

#[tokio::test]
async fn a_pod_that_somebody_deletes_comes_back() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    let first = uid(&mock, &made);
    mock.delete(Kind::Pod, &made.pod_namespace, &made.pod_name);
    eventually("another pod", || uid(&mock, &made).is_some_and(|it| Some(it) != first)).await;
    rig.until(&made, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_pod_that_fails_again_and_again_is_told_until_somebody_resumes_it() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let reconciler = rig.reconciler(cluster(&mock).await, fast());
    mock.node("", Node::Evicts);
    let made = rig.workspace_of("ada").await;
    let failed = rig.until(&made, State::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("its pod has ended: Evicted: The node was low on resource: memory."));
    assert_eq!(failed.failures, 3);
    mock.node("", Node::Works);
    rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    let running = rig.until(&made, State::Running).await;
    assert_eq!((running.message, running.failures), (None, 0));
    reconciler.stop().await;
}

#[tokio::test]
async fn a_pod_that_does_not_get_ready_is_told_and_waited_for() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let slow =
        coditect_workspaces::ReconcilerOptions { settle_within: std::time::Duration::from_millis(100), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, slow);
    mock.node("", Node::NoImage);
    let made = rig.workspace_of("ada").await;
    let expected = "container workspace waits: ImagePullBackOff: Back-off pulling image";
    let told = || async {
        let found = rig.now(&made).await.filter(|it| it.message.as_deref() == Some(expected))?;
        (found.state == State::Failed).then_some(())
    };
    crate::harness::eventually_some("the reason", told).await;
    let pod = uid(&mock, &made);
    mock.node("", Node::Works);
    rig.until(&made, State::Running).await;
    assert_eq!(uid(&mock, &made), pod, "the same pod was waited for");
    reconciler.stop().await;
}

#[tokio::test]
async fn who_resumes_one_that_does_not_get_ready_gets_another_pod() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let slow = coditect_workspaces::ReconcilerOptions { settle_within: std::time::Duration::from_millis(50), ..fast() };
    let reconciler = rig.reconciler(cluster(&mock).await, slow);
    mock.node("", Node::NoImage);
    let made = rig.workspace_of("ada").await;
    assert!(!rig.until(&made, State::Failed).await.anew);
    let stuck = uid(&mock, &made);
    let resumed = rig.workspaces.resume(&rig.operator(), &made.id).await.unwrap();
    assert!(resumed.anew);
    eventually("another pod", || uid(&mock, &made).is_some_and(|it| Some(it) != stuck)).await;
    let again = rig.until(&made, State::Failed).await;
    assert!(!again.anew);
    mock.node("", Node::Works);
    rig.until(&made, State::Running).await;
    reconciler.stop().await;
}

#[tokio::test]
async fn a_deleted_one_makes_room_when_it_is_gone_and_is_forgotten_later() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let short = coditect_workspaces::ReconcilerOptions {
        keep_terminated: std::time::Duration::from_millis(50),
        resync: std::time::Duration::from_millis(40),
        ..fast()
    };
    let reconciler = rig.reconciler(cluster(&mock).await, short);
    let first = rig.workspace_of("ada").await;
    rig.until(&first, State::Running).await;
    rig.workspaces.delete(&rig.operator(), &first.id).await.unwrap();
    let new = coditect_workspaces::NewWorkspace { name: "next".into(), user: Some(first.user.clone()) };
    let make = || async { rig.workspaces.create(&rig.operator(), &new).await.ok() };
    let second = crate::harness::eventually_some("room for another", make).await;
    assert_eq!(second.service, first.service);
    rig.until(&second, State::Running).await;
    let gone = || async { rig.now(&first).await.is_none().then_some(()) };
    crate::harness::eventually_some("the record to go", gone).await;
    assert_eq!(mock.places(), parts(&second, true));
    assert_eq!(rig.workspaces.list(&rig.operator(), None, 10).await.unwrap().items.len(), 1);
    reconciler.stop().await;
}
