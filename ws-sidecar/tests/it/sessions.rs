//! Sessions: a connection is in its session's record and in the registry, and ends with the session.

use std::time::{Duration, Instant};

use coditect_auth::{ConnectionId, Pod, Role, UserChange, WorkspaceId};
use coditect_store::faults::Switch;
use coditect_store::{EmbeddedOptions, Store};
use futures::StreamExt as _;
use secrecy::ExposeSecret as _;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Rig, Socket, login, tenant, until, user};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_in_its_session_and_in_the_registry() {
    let rig = Rig::new().await;
    let acting = rig.acting().await;
    let before = acting.session().await.unwrap();
    assert!(!before.websocket_connected);
    let mut socket = rig.connect("/echo").await;
    let second = rig.connect("/echo").await;
    until("both are listed", async || acting.connections(None).await.unwrap().0.len() == 2).await;
    let session = acting.session().await.unwrap();
    assert!(session.websocket_connected);
    assert_eq!(session.workspace_id, "ws-7");
    assert_eq!((session.pod_namespace.as_deref(), session.pod_name.as_deref()), (Some("user-1"), Some("workspace-1")));
    let (connections, _) = acting.connections(None).await.unwrap();
    assert!(connections.iter().all(|it| it.workspace.as_str() == "ws-7" && it.user == rig.user && !it.resumable));
    let sidecars = rig.auth.sidecars_of(&tenant("acme"), &WorkspaceId::new("ws-7").unwrap()).await.unwrap();
    assert_eq!(sidecars.iter().map(|it| it.address.clone()).collect::<Vec<_>>(), [rig.address.to_string()]);
    drop(second);
    until("one is gone", async || acting.connections(None).await.unwrap().0.len() == 1).await;
    assert!(acting.session().await.unwrap().websocket_connected);
    socket.stream.close(None).await.unwrap();
    socket.closed().await;
    until("nobody is connected", async || !acting.session().await.unwrap().websocket_connected).await;
    assert!(acting.connections(None).await.unwrap().0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_ends_a_session_ends_its_connections_within_a_second() {
    let rig = Rig::new().await;
    let admin = rig.auth.operator(&tenant("acme"));
    for end in ["terminate", "suspend", "disable"] {
        let granted = login(&rig.auth, "acme", "ada@example.com").await;
        let mut request = rig.request("/echo");
        let header = format!("Bearer {}", granted.token.expose_secret());
        request.headers_mut().insert("authorization", header.parse().unwrap());
        let mut socket = Socket::open(request).await.unwrap();
        let acting = rig.auth.acting(rig.auth.authenticate(granted.token.expose_secret()).await.unwrap(), "test");
        let session = acting.session().await.unwrap().session_id;
        let begun = Instant::now();
        match end {
            "terminate" => acting.terminate(&session).await.unwrap(),
            "suspend" => admin.suspend(&session).await.unwrap(),
            _ => drop(admin.change_user(&rig.user, disabled(true)).await.unwrap()),
        }
        assert_eq!(socket.closed().await.0, 4401, "{end}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{end}: {:?}", begun.elapsed());
        admin.change_user(&rig.user, disabled(false)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_resumed_is_watched_again() {
    let rig = Rig::new().await;
    let admin = rig.auth.operator(&tenant("acme"));
    let session = rig.acting().await.session().await.unwrap().session_id;
    let mut connections = Vec::new();
    for _ in 0..3 {
        // The ones before have been told, and do not answer: they are still ending.
        let mut socket = rig.connect("/echo").await;
        socket.say("hello").await;
        assert_eq!(socket.text().await, "hello");
        admin.suspend(&session).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(1), socket.stream.next()).await;
        assert!(matches!(told, Ok(Some(Ok(Message::Close(Some(frame))))) if u16::from(frame.code) == 4401));
        connections.push(socket);
        admin.resume(&session).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_that_was_taken_for_dead_enters_its_connections_again() {
    let rig = Rig::new().await;
    let acting = rig.acting().await;
    let _socket = rig.connect("/echo").await;
    until("it is listed", async || acting.connections(None).await.unwrap().0.len() == 1).await;
    let workspace = WorkspaceId::new("ws-7").unwrap();
    let sidecar = rig.auth.sidecars_of(&tenant("acme"), &workspace).await.unwrap().remove(0);
    let pod = Pod { tenant: sidecar.tenant, workspace: sidecar.workspace, user: sidecar.user };
    rig.auth.pod_access(pod).retire(sidecar.id).await.unwrap();
    assert!(acting.connections(None).await.unwrap().0.is_empty());
    assert!(!acting.session().await.unwrap().websocket_connected);
    until("it is listed again", async || acting.connections(None).await.unwrap().0.len() == 1).await;
    assert!(acting.session().await.unwrap().websocket_connected);
}

fn disabled(disabled: bool) -> UserChange {
    UserChange { disabled: Some(disabled), ..UserChange::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_closed_by_its_user_or_an_administrator_and_nobody_else() {
    let rig = Rig::new().await;
    let acting = rig.acting().await;
    let bob = user(&rig.auth, "acme", "bob@example.com", Role::Member).await;
    let granted = login(&rig.auth, "acme", "bob@example.com").await;
    let bobs = rig.auth.acting(rig.auth.authenticate(granted.token.expose_secret()).await.unwrap(), "test");
    assert_eq!(bobs.caller().user(), Some(&bob));
    let elsewhere = rig.auth.operator(&tenant("other"));
    for closer in [acting.clone(), rig.auth.operator(&tenant("acme"))] {
        let mut socket = rig.connect("/echo").await;
        let mut id: Option<ConnectionId> = None;
        until("it is listed", async || {
            id = acting.connections(None).await.unwrap().0.first().map(|it| it.id);
            id.is_some()
        })
        .await;
        let id = id.unwrap();
        assert!(bobs.connections(None).await.unwrap().0.is_empty());
        for other in [&bobs, &elsewhere] {
            assert!(other.close_connection(id).await.is_err());
        }
        closer.close_connection(id).await.unwrap();
        assert_eq!(socket.closed().await.0, 4403);
        until("it is not listed", async || acting.connections(None).await.unwrap().0.is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_is_use_of_the_session() {
    let rig = Rig::new().await;
    let acting = rig.acting().await;
    let before = acting.session().await.unwrap().last_access_at;
    let mut socket = rig.connect("/echo").await;
    until("its use was noted", async || {
        socket.say("x").await;
        socket.text().await;
        acting.session().await.unwrap().last_access_at > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_live_on_while_the_store_is_away_and_new_ones_are_told_why() {
    let mut switch: Option<Switch> = None;
    let rig = Rig::through(&["--store-grace-ms=1500"], |store| {
        let (store, its) = store.with_switch();
        switch = Some(its);
        store
    })
    .await;
    let mut socket = rig.connect("/echo").await;
    // A store that answers nothing any more.
    let dir = tempfile::tempdir().unwrap();
    let away = Store::open_embedded(EmbeddedOptions::new(dir.path().join("away"))).await.unwrap();
    away.close().await.unwrap();
    switch.unwrap().lead_to(&away);
    let begun = Instant::now();
    let (status, body) = Socket::refused(rig.signed("/echo")).await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("the session cannot be checked now"), "{body}");
    socket.say("still here").await;
    assert_eq!(socket.text().await, "still here");
    assert_eq!(socket.closed().await.0, 1013);
    assert!(begun.elapsed() > Duration::from_millis(1_500));
}
