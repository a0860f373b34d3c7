//! Users and tenants see nothing of each other, neither here nor in the cluster.

use coditect_auth::{Acting, NewServiceToken, Role, Scope, Scopes, UserId};
use coditect_workspaces::{ErrorKind, NewWorkspace, Workspace};
use secrecy::ExposeSecret as _;

use crate::harness::{Rig, options, tenant};

fn main() -> NewWorkspace {
    NewWorkspace { name: "main".into(), user: None }
}

/// What `acting` gets to see of a workspace: always the same.
async fn sees(rig: &Rig, acting: &Acting, workspace: &Workspace) -> bool {
    let id = &workspace.id;
    let all = [
        rig.workspaces.get(acting, id).await,
        rig.workspaces.suspend(acting, id).await,
        rig.workspaces.resume(acting, id).await,
        rig.workspaces.delete(acting, id).await,
    ];
    let seen = all[0].is_ok();
    for answer in all {
        assert_eq!(answer.as_ref().is_ok(), seen, "{answer:?}");
        if let Err(error) = answer {
            assert_eq!(*error.kind(), ErrorKind::NotFound);
        }
    }
    seen
}

async fn token(rig: &Rig, scopes: &[Scope]) -> Acting {
    let new = NewServiceToken { name: "t".into(), scopes: Scopes::of(scopes), ..Default::default() };
    let (_, token) = rig.operator().create_token(&new).await.unwrap();
    rig.auth.acting(rig.auth.authenticate(token.expose_secret()).await.unwrap(), "test")
}

#[tokio::test]
async fn others_do_not_learn_that_there_is_one() {
    let rig = Rig::still(options(1)).await;
    let (ada, bob) = (rig.ada().await, rig.user("acme", "bob@example.com", Role::Member).await);
    let admin = rig.user("acme", "root@example.com", Role::Administrator).await;
    let stranger = rig.user("other", "root@example.com", Role::Administrator).await;
    let of_ada = rig.workspaces.create(&ada, &main()).await.unwrap();
    for other in [&bob, &stranger, &token(&rig, &[Scope::KbRead]).await] {
        assert!(!sees(&rig, other, &of_ada).await);
    }
    let of_bob = rig.workspaces.create(&bob, &main()).await.unwrap();
    let listed = async |acting: &Acting| rig.workspaces.list(acting, None, 100).await.unwrap().items;
    assert_eq!(listed(&ada).await, std::slice::from_ref(&of_ada));
    assert_eq!(listed(&bob).await, std::slice::from_ref(&of_bob));
    assert_eq!(listed(&admin).await, [of_ada.clone(), of_bob]);
    assert_eq!(listed(&stranger).await, []);
    assert!(rig.workspaces.find(&tenant("other"), &of_ada.id).await.unwrap().is_none());
    for one in [&admin, &token(&rig, &[Scope::Admin]).await] {
        assert!(rig.workspaces.get(one, &of_ada.id).await.is_ok());
    }
}

#[tokio::test]
async fn nobody_gets_one_that_is_not_his() {
    let rig = Rig::still(options(1)).await;
    let ada = rig.ada().await;
    let for_bob = NewWorkspace { user: Some(UserId::new("bob").unwrap()), ..main() };
    let plain = token(&rig, &[Scope::KbRead, Scope::KbWrite, Scope::Agents]).await;
    for (acting, new) in [(&ada, &for_bob), (&plain, &main()), (&plain, &for_bob)] {
        assert_eq!(*rig.workspaces.create(acting, new).await.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    assert_eq!(*rig.workspaces.list(&plain, None, 10).await.unwrap_err().kind(), ErrorKind::Forbidden);
    for limit in [0, 1_001] {
        let refused = rig.workspaces.list(&ada, None, limit).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Invalid { pointer: "/limit" });
    }
}

/// Two tenants may give their users the same ids.
#[tokio::test]
async fn users_of_two_tenants_never_share_a_namespace() {
    let rig = Rig::still(options(2)).await;
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..2 {
        for name in ["acme", "other", "third"] {
            for user in ["ada", "Ada", "a.da"] {
                let new = NewWorkspace { user: Some(rig.named(name, user).await), ..main() };
                let made = rig.workspaces.create(&rig.auth.operator(&tenant(name)), &new).await.unwrap();
                let owner = (made.tenant.clone(), made.user.clone());
                assert_eq!(*seen.entry(made.pod_namespace.clone()).or_insert(owner.clone()), owner);
            }
        }
    }
    assert_eq!(seen.len(), 9);
    assert_eq!(seen["user-ada"].0, tenant("acme"), "the first has the plain name");
}
