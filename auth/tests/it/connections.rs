//! The registry of connections: what is there, what it says in the session's record, and what becomes of it when a sidecar crashes.

use std::time::{Duration, Instant};

use coditect_auth::{
    ConnectionId, ErrorKind, Granted, NewConnection, NewSidecar, Orders, Pod, PodAccess, Refusal, Role, SessionId,
    SidecarId, UserId, WorkspaceId, limits,
};
use coditect_store::Transaction;
use coditect_store::tuple::Subspace;
use secrecy::ExposeSecret as _;

use crate::harness::{Rig, tenant};

fn sidecar(rig: &Rig) -> NewSidecar {
    NewSidecar {
        id: SidecarId::made(&rig.clock),
        address: "10.0.0.7:8765".into(),
        pod_namespace: Some("user-1".into()),
        pod_name: Some("workspace-1".into()),
    }
}

fn connection(rig: &Rig, session: &SessionId) -> NewConnection {
    NewConnection {
        id: ConnectionId::made(&rig.clock),
        session: session.clone(),
        client: "192.0.2.1:5".into(),
        resumable: true,
        opened_at: rig.clock.now(),
    }
}

fn at(rig: &Rig, tenant_name: &str, workspace: &str, user: &UserId) -> PodAccess {
    let workspace = WorkspaceId::new(workspace).unwrap();
    rig.auth.pod_access(Pod { tenant: tenant(tenant_name), workspace, user: user.clone() })
}

/// The sidecar of somebody's workspace, who is logged in, and connections through it.
struct Scene {
    access: PodAccess,
    session: SessionId,
    sidecar: NewSidecar,
    all: Vec<NewConnection>,
}

async fn connected(rig: &Rig, granted: &Granted, count: usize) -> Scene {
    let caller = rig.caller(granted).await;
    let access = at(rig, "acme", "ws-7", caller.user().unwrap());
    let session = access.sign_in(granted.token.expose_secret()).await.unwrap();
    let sidecar = sidecar(rig);
    access.announce(&sidecar).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let one = connection(rig, &session);
        access.connected(&sidecar, &one).await.unwrap();
        all.push(one);
    }
    Scene { access, session, sidecar, all }
}

#[tokio::test]
async fn the_session_says_whether_it_is_connected() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let Scene { access, all, sidecar, .. } = connected(&rig, &granted, 2).await;
    let session = acting.session().await.unwrap();
    assert!(session.websocket_connected);
    assert_eq!((session.workspace_id.as_str(), session.pod_name.as_deref()), ("ws-7", Some("workspace-1")));
    let (listed, next) = acting.connections(None).await.unwrap();
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [all[0].id, all[1].id]);
    assert_eq!((listed[0].sidecar, listed[0].workspace.as_str(), next), (sidecar.id, "ws-7", None));
    access.disconnected(all[0].id).await.unwrap();
    assert!(acting.session().await.unwrap().websocket_connected);
    access.disconnected(all[1].id).await.unwrap();
    access.disconnected(all[1].id).await.unwrap();
    assert!(!acting.session().await.unwrap().websocket_connected);
    assert_eq!(acting.connections(None).await.unwrap(), (vec![], None));
}

#[tokio::test]
async fn a_session_that_ended_cannot_be_connected() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let Scene { access, session, sidecar, .. } = connected(&rig, &granted, 0).await;
    acting.terminate(&session).await.unwrap();
    let late = access.connected(&sidecar, &connection(&rig, &session)).await;
    assert_eq!(*late.unwrap_err().kind(), ErrorKind::Unauthenticated(Refusal::Terminated));
}

#[tokio::test]
async fn what_belongs_to_a_sidecar_that_crashed_vanishes() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    // More than one transaction takes away.
    let Scene { access, sidecar, .. } = connected(&rig, &granted, limits::CONNECTIONS_BATCH + 5).await;
    let there = async || rig.auth.sidecars_of(&access.pod().tenant, &access.pod().workspace).await.unwrap().len();
    assert_eq!((there().await, rig.auth.sweep_connections().await.unwrap()), (1, 0));
    rig.clock.advance(limits::SIDECAR_LEASE - Duration::from_secs(1));
    access.announce(&sidecar).await.unwrap();
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
    let Scene { access, session, sidecar, .. } = connected(&rig, &granted, 0).await;
    let pod = access.pod();
    let is_connected = async |tx: &Transaction| rig.auth.is_connected(tx, &pod.tenant, &pod.workspace).await.unwrap();
    let tx = rig.store.begin();
    assert!(!is_connected(&tx).await);
    access.connected(&sidecar, &connection(&rig, &session)).await.unwrap();
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
    let Scene { access, sidecar, all, .. } = connected(&rig, &granted, 2).await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    let bob = rig.acting(&rig.login("acme", "bob@example.com").await).await;
    assert!(bob.connections(None).await.unwrap().0.is_empty());
    for other in [&bob, &rig.auth.operator(&tenant("other"))] {
        let refused = other.close_connection(all[0].id).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::NotFound);
    }
    let orders = async |seen, wait| access.orders(sidecar.id, seen, Duration::from_secs(wait)).await.unwrap();
    assert_eq!(orders(None, 0).await, Orders::default());
    let waiting = orders(None, 30);
    let closing = async { rig.acting(&granted).await.close_connection(all[1].id).await.unwrap() };
    let (told, ()) = tokio::join!(waiting, closing);
    assert_eq!(told, Orders { connections: vec![all[1].id], latest: Some(all[1].id) });
    assert_eq!(orders(None, 30).await, told, "whoever has not heard of it hears at once");
    let started = Instant::now();
    assert_eq!(orders(told.latest, 1).await, told);
    assert!(started.elapsed() >= Duration::from_secs(1), "whoever has heard of it waits");
    access.disconnected(all[1].id).await.unwrap();
    assert!(orders(told.latest, 0).await.connections.is_empty());
}

#[tokio::test]
async fn whoever_waits_hears_of_the_end_of_a_session() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let Scene { access, session, .. } = connected(&rig, &granted, 0).await;
    let standing = async |wait| access.standing(&session, true, Duration::from_secs(wait)).await.unwrap();
    assert_eq!(standing(0).await, None);
    let suspending = async { acting.suspend(&session).await.unwrap() };
    let (told, ()) = tokio::join!(standing(30), suspending);
    assert_eq!(told, Some(Refusal::Suspended));
    assert_eq!(standing(30).await, told, "whoever asks later hears at once");
    acting.resume(&session).await.unwrap();
    assert_eq!(standing(0).await, None);
}

/// On a store that loses no watch.
#[tokio::test]
async fn changes_are_told_at_once() {
    if std::env::var_os("FDB_STANDIN_FAULTS").is_some() {
        return eprintln!("not under faults: the stand-in loses watches there");
    }
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let acting = rig.acting(&granted).await;
    let Scene { access, session, .. } = connected(&rig, &granted, 0).await;
    let waiting = tokio::spawn({
        let (access, session) = (access.clone(), session.clone());
        async move { access.standing(&session, false, Duration::from_secs(30)).await }
    });
    // It has looked once by then, and would look again by itself much later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    acting.terminate(&session).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(2), waiting).await;
    assert_eq!(told.unwrap().unwrap().unwrap(), Some(Refusal::Terminated));
}

#[tokio::test]
async fn a_pod_reaches_its_own_workspace_alone() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let Scene { access, session, sidecar, all } = connected(&rig, &granted, 1).await;
    rig.user("acme", "bob@example.com", Role::Administrator).await;
    let bobs = rig.login("acme", "bob@example.com").await;
    let bob = rig.caller(&bobs).await;
    // Another user's workspace, another workspace of hers, and one of a tenant where a user has her id.
    let (theirs, second) =
        (at(&rig, "acme", "ws-8", bob.user().unwrap()), at(&rig, "acme", "ws-8", &access.pod().user));
    let foreign = at(&rig, "other", "ws-7", &access.pod().user);
    for token in [&granted.token, &bobs.token] {
        let (own, other) = (&access, &theirs);
        let refused = if token.expose_secret() == bobs.token.expose_secret() { own } else { other };
        let refused = refused.sign_in(token.expose_secret()).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Forbidden);
    }
    assert_eq!(*foreign.sign_in(granted.token.expose_secret()).await.unwrap_err().kind(), ErrorKind::Forbidden);
    for other in [&theirs, &foreign] {
        let looked = other.standing(&session, true, Duration::ZERO).await.unwrap();
        assert_eq!(looked, Some(Refusal::NoSession));
        let entered = other.connected(&sidecar, &connection(&rig, &session)).await.unwrap_err();
        assert_eq!(*entered.kind(), ErrorKind::Unauthenticated(Refusal::NoSession));
    }
    for other in [&theirs, &second, &foreign] {
        other.announce(&sidecar).await.unwrap();
        let taken_out = other.disconnected(all[0].id).await;
        assert!(other.pod().tenant != access.pod().tenant || *taken_out.unwrap_err().kind() == ErrorKind::Conflict);
        other.retire(sidecar.id).await.unwrap();
    }
    let again = second.connected(&sidecar, &all[0]).await.unwrap_err();
    assert_eq!(*again.kind(), ErrorKind::Conflict);
    rig.acting(&granted).await.close_connection(all[0].id).await.unwrap();
    for other in [&theirs, &second, &foreign] {
        assert_eq!(other.orders(sidecar.id, None, Duration::ZERO).await.unwrap(), Orders::default());
    }
    assert_eq!(access.orders(sidecar.id, None, Duration::ZERO).await.unwrap().connections, [all[0].id]);
    assert_eq!(rig.acting(&granted).await.connections(None).await.unwrap().0.len(), 1);
}
