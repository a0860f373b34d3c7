//! The audit log: what is in it, page by page, and for whom.

use coditect_auth::{Actor, AuditQuery, ErrorKind, NewServiceToken, Role, Scope, Scopes};
use coditect_store::Error;

use crate::harness::{Rig, tenant};

fn query(limit: usize) -> AuditQuery {
    AuditQuery { limit, ..AuditQuery::default() }
}

#[tokio::test]
async fn who_did_what_is_told_newest_first() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let ada = rig.acting(&granted).await;
    ada.invite(None, Role::Member).await.unwrap();
    let wanted =
        NewServiceToken { name: "pipeline".into(), scopes: Scopes::of(&[Scope::KbRead]), ..Default::default() };
    let (token, _) = ada.create_token(&wanted).await.unwrap();
    ada.revoke_token(token.id).await.unwrap();
    let page = ada.audit(&query(10)).await.unwrap();
    let actions: Vec<&str> = page.entries.iter().map(|(_, entry)| entry.action.as_str()).collect();
    assert_eq!(actions, ["token.revoke", "token.create", "invitation.create", "session.login", "user.create"]);
    let (_, revoked) = &page.entries[0];
    let session = Some(granted.session.session_id.clone());
    assert_eq!(revoked.actor, Actor::User { user: granted.user.user_id.clone(), session });
    assert_eq!(
        (revoked.target.as_str(), revoked.request_id.as_str()),
        (&*format!("token {} (pipeline)", token.id), "test")
    );
    assert_eq!(page.entries[4].1.actor, Actor::Operator);
    assert_eq!(page.next, None);
    let tokens = ada.audit(&AuditQuery { action: Some("token".into()), ..query(10) }).await.unwrap();
    assert_eq!(tokens.entries.len(), 2);
    let some = ada.audit(&AuditQuery { action: Some("tok".into()), ..query(10) }).await.unwrap();
    assert!(some.entries.is_empty());
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let ada = rig.acting(&granted).await;
    let auditor = ada.auditor();
    for number in 0..25u16 {
        let done = &format!("noted/{number}");
        let noted = rig.store.run(|tx| async move {
            if tx.get(done.as_bytes()).await?.is_some() {
                return Ok(());
            }
            tx.set(done.as_bytes(), b"");
            // Two of one commit.
            auditor.note(&tx, 0, "test.note", &format!("{number} a")).unwrap();
            auditor.note(&tx, 1, "test.note", &format!("{number} b")).unwrap();
            Ok::<_, Error>(())
        });
        noted.await.unwrap();
    }
    let (mut targets, mut before) = (Vec::new(), None);
    loop {
        let page = ada.audit(&AuditQuery { before, action: Some("test.note".into()), limit: 7 }).await.unwrap();
        targets.extend(page.entries.iter().map(|(_, entry)| entry.target.clone()));
        match page.next {
            Some(next) => before = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    let expected: Vec<String> =
        (0..25).rev().flat_map(|number| [format!("{number} b"), format!("{number} a")]).collect();
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn it_is_for_administrators_of_the_tenant_alone() {
    let rig = Rig::new().await;
    rig.ada().await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    rig.user("other", "eve@example.com", Role::Administrator).await;
    let (bob, eve) = (rig.login("acme", "bob@example.com").await, rig.login("other", "eve@example.com").await);
    assert_eq!(*rig.acting(&bob).await.audit(&query(10)).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let eves = rig.acting(&eve).await.audit(&query(10)).await.unwrap();
    assert_eq!(eves.entries.len(), 2, "her own account and login");
    for limit in [0, 1_001] {
        let refused = rig.acting(&eve).await.audit(&query(limit)).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Invalid { pointer: "/limit" });
    }
}

#[tokio::test]
async fn a_failed_login_is_told_and_old_entries_go() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    rig.try_login("acme", "ada@example.com", "a wrong password").await.unwrap_err();
    let ada = rig.acting(&granted).await;
    let refused = AuditQuery { action: Some("session.refuse".into()), ..query(1) };
    while ada.audit(&refused).await.unwrap().entries.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    rig.wait(100);
    let operator = rig.auth.operator(&tenant("acme"));
    operator.create_user(&crate::harness::new_user("bob@example.com"), Role::Member).await.unwrap();
    let report = rig.auth.clean_up(std::time::Duration::from_secs(50)).await.unwrap();
    // A refused login changes nothing that could tell whether it was told before: where a commit's result is unknown, it is told twice.
    assert!(matches!(report.audit_entries, 3 | 4), "{report:?}");
    let left = operator.audit(&query(10)).await.unwrap();
    assert_eq!(left.entries.len(), 1);
    assert_eq!(left.entries[0].1.action, "user.create");
}
