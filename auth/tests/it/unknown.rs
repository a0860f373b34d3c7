//! Commits whose result is unknown, though they took place: what was done is told as done, once.

use coditect_auth::{AuditQuery, NewServiceToken, Role, Scope, Scopes};
use coditect_store::faults::{Fault, Faults};
use secrecy::ExposeSecret as _;

use crate::harness::{PASSWORD, Rig, options, refusal_of};

/// What the audit log tells, newest first.
async fn actions(rig: &Rig) -> Vec<String> {
    let acting = rig.auth.operator(&crate::harness::tenant("acme"));
    let page = acting.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    page.entries.into_iter().map(|(_, entry)| entry.action).collect()
}

#[tokio::test]
async fn what_was_done_is_told_as_done_once() {
    let faults = Faults::default();
    let rig = Rig::through(options(), |store| store.with_faults(faults.clone())).await;
    let unknown = || faults.on_commits([Fault::UnknownApplied; 2]);
    unknown();
    rig.user("acme", "ada@example.com", Role::Administrator).await;
    unknown();
    let granted = rig.login("acme", "ada@example.com").await;
    let other = rig.login("acme", "ada@example.com").await;
    let ada = rig.acting(&granted).await;
    let wanted = NewServiceToken { name: "t".into(), scopes: Scopes::of(&[Scope::KbRead]), ..Default::default() };
    unknown();
    let (token, secret) = ada.create_token(&wanted).await.unwrap();
    unknown();
    ada.revoke_token(token.id).await.unwrap();
    assert!(rig.refused(&secret).await.is_some());
    unknown();
    let (invitation, _) = ada.invite(None, Role::Member).await.unwrap();
    let (_, code) = ada.invite(None, Role::Administrator).await.unwrap();
    unknown();
    let new = crate::harness::new_user("bob@example.com");
    let bob = rig.auth.register(&crate::harness::tenant("acme"), &new, Some(&code), &crate::harness::origin()).await;
    assert_eq!(bob.unwrap().role, Role::Administrator);
    unknown();
    ada.take_back(invitation.id).await.unwrap();
    unknown();
    ada.suspend(&other.session.session_id).await.unwrap();
    unknown();
    ada.resume(&other.session.session_id).await.unwrap();
    unknown();
    let refreshed = rig.auth.refresh(&other.refresh_token, "test").await.unwrap();
    rig.wait(31);
    let again = rig.auth.refresh(&refreshed.refresh_token, "test").await.unwrap();
    assert_eq!(refusal_of(&rig.auth, &again.token).await, None);
    unknown();
    assert_eq!(ada.terminate_all(true).await.unwrap(), 1);
    rig.login("acme", "ada@example.com").await;
    unknown();
    assert_eq!(ada.change_password(&PASSWORD.into(), &"another password, long".into()).await.unwrap(), 1);
    assert!(refusal_of(&rig.auth, &again.token).await.is_some());
    assert_ne!(again.token.expose_secret(), granted.token.expose_secret());
    unknown();
    ada.logout().await.unwrap();
    let told = actions(&rig).await;
    let times = |action: &str| told.iter().filter(|it| *it == action).count();
    let once = [
        "user.create",
        "token.create",
        "token.revoke",
        "user.register",
        "invitation.revoke",
        "session.suspend",
        "session.resume",
        "user.password",
    ];
    for action in once {
        assert_eq!(times(action), 1, "{action}: {told:?}");
    }
    assert_eq!(times("session.terminate"), 2, "all others, and the logout");
    assert_eq!(times("session.login"), 3);
}
