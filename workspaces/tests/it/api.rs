//! What users and administrators ask for.

use std::time::Duration;

use coditect_auth::{Role, UserChange, UserId, WorkspaceId};
use coditect_store::faults::{Fault, Faults};
use coditect_workspaces::{
    ErrorKind, NewWorkspace, SimulatedCluster, State, Wanted, Workspaces, WorkspacesOptions, limits,
};

use crate::harness::{Rig, eventually, fast, options, tenant};

fn named(name: &str) -> NewWorkspace {
    NewWorkspace { name: name.into(), user: None }
}

#[tokio::test]
async fn a_workspace_is_wanted_to_run_and_has_its_names() {
    let rig = Rig::still(options(1)).await;
    let ada = rig.ada().await;
    let made = rig.workspaces.create(&ada, &named(" Main ")).await.unwrap();
    let user = ada.caller().user().unwrap();
    assert_eq!(
        (made.state, made.wanted, made.name.as_str(), made.revision),
        (State::Pending, Wanted::Running, "Main", 1)
    );
    assert_eq!(made.pod_namespace, format!("user-{user}"));
    assert_eq!(made.service, format!("workspace-{user}"));
    assert_eq!(made.pod_name, format!("workspace-{}", made.id));
    assert_eq!(rig.workspaces.get(&ada, &made.id).await.unwrap(), made);
    assert_eq!(rig.workspaces.find(&made.tenant, &made.id).await.unwrap().unwrap(), made);
    assert_eq!(rig.audit("workspace").await, [format!("workspace {} of user {user}", made.id)]);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_with_the_reason() {
    let rig = Rig::still(options(1)).await;
    let ada = rig.ada().await;
    let refused = async |new: &NewWorkspace| rig.workspaces.create(&ada, new).await.unwrap_err().kind().clone();
    for name in ["", "  ", "a\nb", &"x".repeat(limits::NAME_BYTES + 1)] {
        assert_eq!(refused(&named(name)).await, ErrorKind::Invalid { pointer: "/name" }, "{name:?}");
    }
    rig.workspaces.create(&ada, &named("one")).await.unwrap();
    assert_eq!(refused(&named("two")).await, ErrorKind::Conflict);
    for options in [
        WorkspacesOptions { per_user: limits::PER_USER_MOST + 1, ..options(1) },
        WorkspacesOptions { per_tenant: 0, ..options(1) },
    ] {
        assert!(Workspaces::new(rig.store.clone(), rig.auth.clone(), options).is_err());
    }
}

#[tokio::test]
async fn without_a_cluster_nothing_can_be_started() {
    let rig = Rig::still(WorkspacesOptions::default()).await;
    let ada = rig.ada().await;
    let error = rig.workspaces.create(&ada, &named("main")).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NoCluster);
    assert!(error.to_string().contains("no Kubernetes cluster"), "{error}");
    let id = WorkspaceId::new("w").unwrap();
    assert_eq!(*rig.workspaces.resume(&ada, &id).await.unwrap_err().kind(), ErrorKind::NoCluster);
    assert_eq!(rig.workspaces.list(&ada, None, 10).await.unwrap().items, []);
}

#[tokio::test]
async fn several_of_one_user_share_a_namespace_and_no_name() {
    let rig = Rig::still(options(3)).await;
    let ada = rig.ada().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(rig.workspaces.create(&ada, &named(name)).await.unwrap());
    }
    let user = ada.caller().user().unwrap();
    assert!(made.iter().all(|it| it.pod_namespace == format!("user-{user}")));
    let services: Vec<&str> = made.iter().map(|it| it.service.as_str()).collect();
    assert_eq!(services, [&format!("workspace-{user}"), &made[1].pod_name, &made[2].pod_name]);
    let page = rig.workspaces.list(&ada, None, 2).await.unwrap();
    assert_eq!((page.items, page.more), (made[..2].to_vec(), true));
    let page = rig.workspaces.list(&ada, Some(&made[1].id), 2).await.unwrap();
    assert_eq!((page.items, page.more), (made[2..].to_vec(), false));
}

#[tokio::test]
async fn wishes_are_counted_and_repeated_ones_are_not() {
    let rig = Rig::still(options(1)).await;
    let ada = rig.ada().await;
    let id = &rig.workspaces.create(&ada, &named("main")).await.unwrap().id;
    let suspended = rig.workspaces.suspend(&ada, id).await.unwrap();
    assert_eq!((suspended.wanted, suspended.state, suspended.revision), (Wanted::Suspended, State::Pending, 2));
    assert_eq!(rig.workspaces.suspend(&ada, id).await.unwrap(), suspended);
    let resumed = rig.workspaces.resume(&ada, id).await.unwrap();
    assert_eq!((resumed.wanted, resumed.revision), (Wanted::Running, 3));
    let deleted = rig.workspaces.delete(&ada, id).await.unwrap();
    assert_eq!((deleted.wanted, deleted.revision), (Wanted::Terminated, 4));
    assert_eq!(rig.workspaces.delete(&ada, id).await.unwrap(), deleted);
    for refused in [rig.workspaces.suspend(&ada, id).await, rig.workspaces.resume(&ada, id).await] {
        assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Conflict);
    }
    let log = [
        rig.audit("workspace.suspend").await,
        rig.audit("workspace.resume").await,
        rig.audit("workspace.delete").await,
    ];
    assert!(log.iter().all(|entries| entries.len() == 1), "{log:?}");
}

#[tokio::test]
async fn use_is_noted_now_and_then_and_is_no_wish() {
    let rig = Rig::still(options(1)).await;
    let ada = rig.ada().await;
    let made = rig.workspaces.create(&ada, &named("main")).await.unwrap();
    let touched = async |seconds: u64| {
        rig.clock.advance(std::time::Duration::from_secs(seconds));
        rig.workspaces.touch(&made.tenant, &made.id).await.unwrap();
        rig.now(&made).await.unwrap()
    };
    assert_eq!(touched(60).await, made);
    let later = touched(1).await;
    assert_eq!((later.revision, later.last_active_at), (1, rig.clock.now()));
    assert_eq!(later.updated_at, made.updated_at);
    rig.workspaces.touch(&made.tenant, &WorkspaceId::new("other").unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_administrator_makes_one_for_a_user_that_there_is() {
    let rig = Rig::still(options(1)).await;
    let admin = rig.user("acme", "root@example.com", Role::Administrator).await;
    let (bob, elsewhere) = (rig.user("acme", "bob@example.com", Role::Member).await, rig.named("other", "eve").await);
    let bob = bob.caller().user().unwrap();
    let of = |user: &UserId| NewWorkspace { name: "main".into(), user: Some(user.clone()) };
    admin.change_user(bob, UserChange { role: None, disabled: Some(true) }).await.unwrap();
    for nobody in [bob, &elsewhere, &UserId::new("u-7").unwrap()] {
        let refused = rig.workspaces.create(&admin, &of(nobody)).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Invalid { pointer: "/user_id" }, "{nobody}");
    }
    admin.change_user(bob, UserChange { role: None, disabled: Some(false) }).await.unwrap();
    let made = rig.workspaces.create(&admin, &of(bob)).await.unwrap();
    assert_eq!((&made.user, made.pod_namespace), (bob, format!("user-{bob}")));
    let unnamed = rig.workspaces.create(&rig.operator(), &named("main")).await.unwrap_err();
    assert_eq!(*unnamed.kind(), ErrorKind::Invalid { pointer: "/user_id" });
}

#[tokio::test]
async fn a_tenant_may_have_so_many_and_another_has_its_own() {
    let rig = Rig::new(WorkspacesOptions { per_tenant: 2, ..options(2) }).await;
    let reconciler =
        rig.reconciler(std::sync::Arc::new(SimulatedCluster::new(rig.clock.clone(), Duration::ZERO)), fast());
    let first = rig.workspace_of("ada").await;
    rig.workspace_of("bob").await;
    let new = NewWorkspace { name: "main".into(), user: Some(rig.named("acme", "eve").await) };
    let refused = rig.workspaces.create(&rig.operator(), &new).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Conflict);
    assert!(refused.to_string().contains("2 workspaces together"), "{refused}");
    rig.named("other", "eve").await;
    rig.workspaces.create(&rig.auth.operator(&tenant("other")), &new).await.unwrap();
    rig.workspaces.delete(&rig.operator(), &first.id).await.unwrap();
    rig.until(&first, State::Terminated).await;
    rig.workspaces.create(&rig.operator(), &new).await.unwrap();
    assert_eq!(*rig.workspaces.create(&rig.operator(), &new).await.unwrap_err().kind(), ErrorKind::Conflict);
    reconciler.stop().await;
}

/// The first wish meets the second one when it is to be committed, and is read and written down anew.
#[tokio::test]
async fn of_two_wishes_at_once_none_is_lost() {
    let faults = Faults::default();
    let rig = Rig::new(options(1)).await;
    let slow = rig.another(|store| store.with_faults(faults.clone())).await;
    let (made, operator) = (rig.workspace_of("ada").await, rig.operator());
    rig.workspaces.suspend(&operator, &made.id).await.unwrap();
    faults.on_commits([Fault::Delay(Duration::from_millis(300))]);
    let second = async {
        eventually("the first to be committed", || faults.left() == 0).await;
        rig.workspaces.resume(&operator, &made.id).await.unwrap()
    };
    let (deleted, resumed) = tokio::join!(slow.delete(&operator, &made.id), second);
    assert_eq!((resumed.wanted, resumed.revision), (Wanted::Running, 3));
    assert_eq!(deleted.unwrap(), rig.now(&made).await.unwrap());
    let now = rig.now(&made).await.unwrap();
    assert_eq!((now.wanted, now.revision), (Wanted::Terminated, 4));
    assert_eq!((rig.audit("workspace.resume").await.len(), rig.audit("workspace.delete").await.len()), (1, 1));
}
