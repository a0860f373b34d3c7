//! The registry of connections: what is there, what it says in the session's record, and what becomes of it when a sidecar crashes.

use std::time::Duration;

use coditect_auth::{
    Caller, Connection, ConnectionId, ErrorKind, Granted, Refusal, Role, Sidecar, SidecarId, WorkspaceId, limits,
};
use coditect_store::Transaction;
use coditect_store::tuple::Subspace;

use crate::harness::{Rig, tenant};

fn sidecar(rig: &Rig, caller: &Caller) -> Sidecar {
    Sidecar {
        id: SidecarId::made(&rig.clock),
        tenant: caller.tenant().clone(),
        workspace: WorkspaceId::new("ws-7").unwrap(),
        user: caller.user().unwrap().clone(),
        address: "10.0.0.7:8765".into(),
        pod_namespace: Some("user-1".into()),
        pod_name: Some("workspace-1".into()),
        expires_at: rig.clock.now(),
    }
}

fn connection(rig: &Rig, caller: &Caller, sidecar: &Sidecar) -> Connection {
    Connection {
        id: ConnectionId::made(&rig.clock),
        session: caller.session().unwrap().clone(),
        user: caller.user().unwrap().clone(),
        workspace: sidecar.workspace.clone(),
        sidecar: sidecar.id,
        client: "192.0.2.1:5".into(),
        resumable: true,
        opened_at: rig.clock.now(),
    }
}

/// A sidecar of somebody who is logged in, and connections through it.
async fn connected(rig: &Rig, granted: &Granted, count: usize) -> (Caller, Sidecar, Vec<Connection>) {
    let caller = rig.caller(granted).await;
    let sidecar = sidecar(rig, &caller);
    rig.auth.announce(&sidecar).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let one = connection(rig, &caller, &sidecar);
        rig.auth.connected(&caller, &sidecar, &one).await.unwrap();
        all.push(one);
    }
    (caller, sidecar, all)
}

#[tokio::test]
async fn the_session_says_whether_it_is_connected() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let (caller, _, all) = connected(&rig, &granted, 2).await;
    let session = acting.session().await.unwrap();
    assert!(session.websocket_connected);
    assert_eq!((session.workspace_id.as_str(), session.pod_name.as_deref()), ("ws-7", Some("workspace-1")));
    assert_eq!(acting.connections(None).await.unwrap(), (all.clone(), None));
    rig.auth.disconnected(caller.tenant(), all[0].id).await.unwrap();
    assert!(acting.session().await.unwrap().websocket_connected);
    rig.auth.disconnected(caller.tenant(), all[1].id).await.unwrap();
    rig.auth.disconnected(caller.tenant(), all[1].id).await.unwrap();
    assert!(!acting.session().await.unwrap().websocket_connected);
    assert_eq!(acting.connections(None).await.unwrap(), (vec![], None));
}

#[tokio::test]
async fn a_session_that_ended_cannot_be_connected() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let (caller, sidecar, _) = connected(&rig, &granted, 0).await;
    acting.terminate(caller.session().unwrap()).await.unwrap();
    let late = rig.auth.connected(&caller, &sidecar, &connection(&rig, &caller, &sidecar)).await;
    assert_eq!(*late.unwrap_err().kind(), ErrorKind::Unauthenticated(Refusal::Terminated));
}

#[tokio::test]
async fn what_belongs_to_a_sidecar_that_crashed_vanishes() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    // More than one transaction takes away.
    let (caller, sidecar, _) = connected(&rig, &granted, limits::CONNECTIONS_BATCH + 5).await;
    let there = async || rig.auth.sidecars_of(caller.tenant(), &sidecar.workspace).await.unwrap().len();
    assert_eq!((there().await, rig.auth.sweep_connections().await.unwrap()), (1, 0));
    rig.clock.advance(limits::SIDECAR_LEASE - Duration::from_secs(1));
    rig.auth.announce(&sidecar).await.unwrap();
    rig.clock.advance(limits::SIDECAR_LEASE);
    assert_eq!(there().await, 1, "it was renewed");
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(there().await, 0);
    assert!(acting.connections(None).await.unwrap().0.is_empty());
    assert!(acting.session().await.unwrap().websocket_connected, "nobody has looked yet");
    assert_eq!(rig.auth.sweep_connections().await.unwrap(), 1);
    assert!(!acting.session().await.unwrap().websocket_connected);
    assert_eq!(rig.auth.sweep_connections().await.unwrap(), 0);
    let space = rig.store.begin();
    let left = space.snapshot().get_range(coditect_store::RangeQuery::from((vec![], vec![0xff]))).await.unwrap();
    let left =
        left.items.iter().filter(|item| item.key.windows(7).any(|part| part == b"connect" || part == b"sidecar"));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn what_cannot_be_read_keeps_nobody_elses_sidecar_in_the_registry() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    let bob = rig.login("acme", "bob@example.com").await;
    connected(&rig, &ada, 1).await;
    connected(&rig, &bob, 1).await;
    let tx = rig.store.begin();
    tx.set(format!("acme/session/{}", ada.session.session_id).as_bytes(), b"of another service");
    // It comes before the others.
    let key = Subspace::all().pack(&("coditect", "auth", "in", "acme", "sidecar", "ws-1", "none"));
    tx.set(&key, b"of nobody");
    tx.commit().await.unwrap();
    rig.clock.advance(limits::SIDECAR_LEASE + Duration::from_secs(1));
    assert_eq!(rig.auth.sweep_connections().await.unwrap(), 2);
    assert!(!rig.acting(&bob).await.session().await.unwrap().websocket_connected);
    assert_eq!(rig.auth.sweep_connections().await.unwrap(), 0);
}

#[tokio::test]
async fn a_transaction_that_saw_no_connection_conflicts_with_one_that_comes() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let (caller, sidecar, _) = connected(&rig, &granted, 0).await;
    let is_connected =
        async |tx: &Transaction| rig.auth.is_connected(tx, caller.tenant(), &sidecar.workspace).await.unwrap();
    let tx = rig.store.begin();
    assert!(!is_connected(&tx).await);
    rig.auth.connected(&caller, &sidecar, &connection(&rig, &caller, &sidecar)).await.unwrap();
    tx.set(b"decided", b"nobody is there");
    assert_eq!(tx.commit().await.unwrap_err().kind(), coditect_store::ErrorKind::Conflict);
    assert!(is_connected(&rig.store.begin()).await);
    rig.clock.advance(limits::SIDECAR_LEASE + Duration::from_secs(1));
    assert!(!is_connected(&rig.store.begin()).await, "its sidecar has crashed");
}

#[tokio::test]
async fn a_connection_is_closed_by_whoever_may() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let (_, sidecar, all) = connected(&rig, &granted, 2).await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    let bob = rig.acting(&rig.login("acme", "bob@example.com").await).await;
    assert!(bob.connections(None).await.unwrap().0.is_empty());
    for other in [&bob, &rig.auth.operator(&tenant("other"))] {
        let refused = other.close_connection(all[0].id).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::NotFound);
    }
    let (orders, more) = rig.auth.close_orders(&sidecar).await.unwrap();
    assert!(orders.is_empty());
    rig.acting(&granted).await.close_connection(all[1].id).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(5), more).await;
    let (orders, _) = rig.auth.close_orders(&sidecar).await.unwrap();
    assert_eq!(orders, [all[1].id]);
    rig.auth.disconnected(&sidecar.tenant, all[1].id).await.unwrap();
    assert!(rig.auth.close_orders(&sidecar).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn whoever_waits_hears_of_the_end_of_a_session() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let (acting, caller) = (rig.acting(&granted).await, rig.caller(&granted).await);
    let standing = rig.auth.standing(&caller, true).await.unwrap();
    assert_eq!(standing.refusal(), None);
    let waiting = tokio::spawn(standing.changed());
    acting.suspend(caller.session().unwrap()).await.unwrap();
    // A store may lose a watch: whoever waits looks again now and then.
    let _ = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    let standing = rig.auth.standing(&caller, false).await.unwrap();
    assert_eq!(standing.refusal(), Some(Refusal::Suspended));
}

/// On a store that loses no watch.
#[tokio::test]
async fn changes_are_told_at_once() {
    if std::env::var_os("FDB_STANDIN_FAULTS").is_some() {
        return eprintln!("not under faults: the stand-in loses watches there");
    }
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let (acting, caller) = (rig.acting(&granted).await, rig.caller(&granted).await);
    let standing = rig.auth.standing(&caller, true).await.unwrap();
    acting.suspend(caller.session().unwrap()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), standing.changed()).await.unwrap();
}
