//! What the guard believes: sessions that are in force, at once on every replica, with keys that change, and without ever turning a read into a conflict.

use std::sync::Arc;

use coditect_auth::{ErrorKind, Granted, Issuing, Refusal, Role, Session, SessionStatus, UserChange};
use coditect_store::{Error, Transaction};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::harness::{Rig, options, options_with, refusal_of, tenant};

async fn record(rig: &Rig, session: &Session) -> Session {
    let key = format!("{}/session/{}", session.tenant_id, session.session_id);
    let read = async move |tx: Transaction, key: Arc<str>| tx.get(key.as_bytes()).await;
    let key: Arc<str> = key.into();
    let bytes = rig.store.run(|tx| read(tx, key.clone())).await.unwrap().unwrap();
    Session::decode(&bytes).unwrap()
}

async fn write(rig: &Rig, session: &Session) {
    let key = &format!("{}/session/{}", session.tenant_id, session.session_id);
    let bytes = &session.encode().unwrap();
    let written = rig.store.run(|tx| async move {
        tx.set(key.as_bytes(), bytes);
        Ok::<_, Error>(())
    });
    written.await.unwrap();
}

#[tokio::test]
async fn a_login_is_believed_for_its_tenant_user_and_session() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let caller = rig.caller(&granted).await;
    assert_eq!(caller.tenant(), &tenant("acme"));
    assert_eq!(caller.user(), Some(&granted.user.user_id));
    assert_eq!(caller.session(), Some(&granted.session.session_id));
    assert_eq!(caller.scopes(), Role::Administrator.scopes());
    assert_eq!(record(&rig, &granted.session).await, granted.session);
}

#[tokio::test]
async fn what_ends_a_session_is_seen_by_the_next_request_of_every_replica() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let other = rig.another(options()).await;
    let (acting, id) = (rig.acting(&granted).await, granted.session.session_id.clone());
    let second = rig.login("acme", "ada@example.com").await;
    for round in 0..20 {
        assert_eq!(refusal_of(&other, &second.token).await, None, "{round}");
        acting.suspend(&second.session.session_id).await.unwrap();
        assert_eq!(refusal_of(&other, &second.token).await, Some(Refusal::Suspended), "{round}");
        acting.resume(&second.session.session_id).await.unwrap();
    }
    acting.terminate(&id).await.unwrap();
    for auth in [&rig.auth, &other] {
        assert_eq!(refusal_of(auth, &granted.token).await, Some(Refusal::Terminated));
        assert_eq!(refusal_of(auth, &second.token).await, None);
    }
    other.stop().await;
}

#[tokio::test]
async fn a_session_lasts_while_it_is_used_and_a_token_for_its_life() {
    let rig = Rig::with({
        let life = std::time::Duration::from_secs(10 * 24 * 3_600);
        coditect_auth::AuthOptions { issuing: Issuing { life, ..Issuing::default() }, ..options() }
    })
    .await;
    let granted = rig.ada().await;
    for _ in 0..5 {
        rig.wait(23 * 3_600);
        used(&rig, &granted).await;
    }
    rig.wait(24 * 3_600 + 1);
    assert_eq!(rig.refused(&granted.token).await, Some(Refusal::Idle));
    let again = rig.login("acme", "ada@example.com").await;
    rig.wait(10 * 24 * 3_600);
    assert_eq!(rig.refused(&again.token).await, Some(Refusal::Expired));
}

/// Uses a session until that is written down: an earlier note may be on its way.
async fn used(rig: &Rig, granted: &Granted) {
    let now = jiff::Timestamp::from_millisecond(rig.clock.now().as_millisecond()).unwrap();
    while record(rig, &granted.session).await.last_access_at != now {
        rig.caller(granted).await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn the_use_of_a_session_is_written_down_once_in_fifteen_seconds() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let begun = granted.session.last_access_at;
    rig.wait(14);
    rig.caller(&granted).await;
    rig.wait(1);
    used(&rig, &granted).await;
    let first = record(&rig, &granted.session).await.last_access_at;
    assert_eq!(first.duration_since(begun).as_secs(), 15);
    rig.wait(14);
    for _ in 0..100 {
        rig.caller(&granted).await;
    }
    rig.auth.stop().await;
    assert_eq!(record(&rig, &granted.session).await.last_access_at, first);
}

#[tokio::test]
async fn uses_that_wait_are_written_down_before_the_end() {
    let rig = Rig::new().await;
    let mut all = vec![rig.ada().await];
    for _ in 0..40 {
        all.push(rig.login_anew().await);
    }
    rig.wait(20);
    for granted in &all {
        rig.caller(granted).await;
    }
    rig.auth.stop().await;
    let now = rig.clock.now();
    for granted in &all {
        assert_eq!(record(&rig, &granted.session).await.last_access_at, now);
    }
}

impl Rig {
    /// Another session of the first user, however many there were: attempts are limited.
    async fn login_anew(&self) -> Granted {
        self.wait(6);
        self.login("acme", "ada@example.com").await
    }
}

#[tokio::test]
async fn writing_down_keeps_what_other_services_wrote() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let mut theirs = granted.session.clone();
    theirs.websocket_connected = true;
    theirs.pod_name = Some("ws-7-0".into());
    theirs.others.insert("theirs".into(), 7.into());
    write(&rig, &theirs).await;
    rig.wait(60);
    used(&rig, &granted).await;
    let now = record(&rig, &granted.session).await;
    assert_eq!(Session { last_access_at: theirs.last_access_at, ..now }, theirs);
    rig.wait(60);
    // Ended between the request and its note.
    let ended = Session { status: SessionStatus::Terminated, ..theirs.clone() };
    rig.caller(&granted).await;
    write(&rig, &ended).await;
    rig.auth.stop().await;
    assert_eq!(record(&rig, &granted.session).await.status, SessionStatus::Terminated);
}

#[tokio::test]
async fn a_record_that_says_otherwise_is_not_believed() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let other = Session { user_id: coditect_auth::UserId::new("somebody").unwrap(), ..granted.session.clone() };
    write(&rig, &other).await;
    assert_eq!(rig.refused(&granted.token).await, Some(Refusal::NoSession));
    let key = &format!("acme/session/{}", granted.session.session_id);
    let written = rig.store.run(|tx| async move {
        tx.set(key.as_bytes(), b"{ no record");
        Ok::<_, Error>(())
    });
    written.await.unwrap();
    assert_eq!(rig.refused(&granted.token).await, Some(Refusal::NoSession));
}

#[tokio::test]
async fn a_session_of_another_service_is_its_users_all_the_same() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    // As the IDE makes one: a record of its own, and nothing else.
    let theirs = Session { session_id: coditect_auth::SessionId::new("theirs").unwrap(), ..granted.session.clone() };
    write(&rig, &theirs).await;
    let claims = json!({
        "userId": granted.user.user_id.to_string(), "tenantId": "acme", "sessionId": "theirs", "iss": "coditect",
        "exp": rig.clock.now().as_second() + 3_600, "scope": "kb:read admin"
    });
    let header = jsonwebtoken::decode_header(granted.token.expose_secret()).unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(crate::harness::SECRET.as_bytes());
    let token: secrecy::SecretString = jsonwebtoken::encode(&header, &claims, &key).unwrap().into();
    let scopes = async || rig.auth.authenticate(token.expose_secret()).await.map(|caller| caller.scopes().to_string());
    assert_eq!(scopes().await.unwrap(), "kb:read admin");
    let operator = rig.auth.operator(&tenant("acme"));
    let change = |role, disabled| UserChange { role, disabled };
    operator.change_user(&granted.user.user_id, change(Some(Role::Member), None)).await.unwrap();
    assert_eq!(scopes().await.unwrap(), "kb:read", "a member is no administrator, whatever a token says");
    operator.change_user(&granted.user.user_id, change(None, Some(true))).await.unwrap();
    assert_eq!(scopes().await.unwrap_err().refusal(), Some(Refusal::Terminated));
}

#[tokio::test]
async fn a_record_that_names_another_is_none() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let key = &"acme/session/copied".to_owned();
    let bytes = &granted.session.encode().unwrap();
    let written = rig.store.run(|tx| async move {
        tx.set(key.as_bytes(), bytes);
        Ok::<_, Error>(())
    });
    written.await.unwrap();
    let ada = rig.acting(&granted).await;
    let copied = coditect_auth::SessionId::new("copied").unwrap();
    assert_eq!(*ada.terminate(&copied).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(rig.refused(&granted.token).await, None, "the one that it was copied from stays");
}

#[tokio::test]
async fn keys_change_without_logging_anybody_out() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let new = "another secret of the tests, also 32 bytes";
    let both = rig.another(options_with(new, &[crate::harness::SECRET])).await;
    assert_eq!(refusal_of(&both, &granted.token).await, None);
    let refreshed = both.refresh(&granted.refresh_token, "test").await.unwrap();
    let only_new = rig.another(options_with(new, &[])).await;
    assert_eq!(refusal_of(&only_new, &granted.token).await, Some(Refusal::Malformed));
    assert_eq!(refusal_of(&only_new, &refreshed.token).await, None);
    assert_ne!(refreshed.token.expose_secret(), granted.token.expose_secret());
    both.stop().await;
    only_new.stop().await;
}

#[tokio::test]
async fn tokens_are_for_whom_they_were_made() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let made = |issuer: &str, audience: Option<&str>| {
        let issuing = Issuing { issuer: issuer.into(), audience: audience.map(Into::into), ..Issuing::default() };
        coditect_auth::AuthOptions { issuing, ..options() }
    };
    let cases = [
        (made("coditect", None), None),
        (made("somebody", None), Some(Refusal::Malformed)),
        (made("coditect", Some("ide")), Some(Refusal::Malformed)),
    ];
    for (options, refusal) in cases {
        let other = rig.another(options).await;
        assert_eq!(refusal_of(&other, &granted.token).await, refusal);
        other.stop().await;
    }
    let ide = rig.another(made("coditect", Some("ide"))).await;
    rig.wait(31);
    let for_ide = ide.refresh(&granted.refresh_token, "test").await.unwrap();
    assert_eq!(refusal_of(&ide, &for_ide.token).await, None);
    assert_eq!(
        rig.refused(&for_ide.token).await,
        Some(Refusal::Malformed),
        "what was made for somebody is for nobody else"
    );
    ide.stop().await;
}
