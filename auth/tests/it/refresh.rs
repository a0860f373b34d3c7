//! Refresh tokens: used once, by many tabs at a time, and never by a thief for long.

use coditect_auth::{Granted, Refusal, UserChange};
use secrecy::{ExposeSecret as _, SecretString};

use crate::harness::{Rig, tenant};

async fn refusal(rig: &Rig, token: &SecretString) -> Option<Refusal> {
    rig.auth.refresh(token, "test").await.err().map(|error| error.refusal().unwrap_or_else(|| panic!("{error:?}")))
}

#[tokio::test]
async fn a_refresh_goes_on_with_the_same_session() {
    let rig = Rig::new().await;
    let mut granted = rig.ada().await;
    let session = granted.session.session_id.clone();
    for _ in 0..50 {
        rig.wait(20 * 3_600);
        let next = rig.auth.refresh(&granted.refresh_token, "test").await;
        match next {
            Ok(next) => granted = next,
            Err(error) => {
                assert_eq!(error.refusal(), Some(Refusal::Expired), "thirty days after the login");
                let age = rig.clock.now().duration_since(granted.session.created_at);
                assert!(age.as_hours() > 30 * 24, "{age}");
                return;
            }
        }
        assert_eq!(granted.session.session_id, session);
        assert_eq!(granted.session.last_access_at, rig.clock.now());
        rig.caller(&granted).await;
    }
    panic!("a session can be prolonged for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_tabs_refresh_at_once_and_go_on_together() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let tabs = (0..50).map(|_| {
        let (auth, token) = (rig.auth.clone(), granted.refresh_token.clone());
        tokio::spawn(async move { auth.refresh(&token, "test").await.unwrap() })
    });
    let mut all: Vec<Granted> = Vec::new();
    for tab in tabs.collect::<Vec<_>>() {
        all.push(tab.await.unwrap());
    }
    for one in &all {
        assert_eq!(one.refresh_token.expose_secret(), all[0].refresh_token.expose_secret(), "one family");
        assert_eq!(rig.refused(&one.token).await, None);
    }
    rig.wait(31);
    let later = rig.auth.refresh(&all[49].refresh_token, "test").await.unwrap();
    assert_ne!(later.refresh_token.expose_secret(), all[0].refresh_token.expose_secret());
    assert_eq!(refusal(&rig, &all[0].refresh_token).await, None, "within the grace");
}

#[tokio::test]
async fn a_token_that_is_used_again_ends_the_session() {
    let rig = Rig::new().await;
    let first = rig.ada().await;
    let second = rig.auth.refresh(&first.refresh_token, "test").await.unwrap();
    rig.wait(30);
    assert_eq!(refusal(&rig, &first.refresh_token).await, None);
    rig.wait(1);
    assert_eq!(refusal(&rig, &first.refresh_token).await, Some(Refusal::Reused));
    assert_eq!(refusal(&rig, &second.refresh_token).await, Some(Refusal::Terminated));
    for granted in [&first, &second] {
        assert_eq!(rig.refused(&granted.token).await, Some(Refusal::Terminated));
    }
}

#[tokio::test]
async fn the_one_before_the_last_has_no_grace() {
    let rig = Rig::new().await;
    let first = rig.ada().await;
    let second = rig.auth.refresh(&first.refresh_token, "test").await.unwrap();
    rig.wait(31);
    rig.auth.refresh(&second.refresh_token, "test").await.unwrap();
    assert_eq!(refusal(&rig, &first.refresh_token).await, Some(Refusal::Reused));
}

#[tokio::test]
async fn what_ends_a_session_ends_its_refresh_tokens() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    rig.acting(&granted).await.logout().await.unwrap();
    assert_eq!(refusal(&rig, &granted.refresh_token).await, Some(Refusal::Terminated));
    let granted = rig.login("acme", "ada@example.com").await;
    rig.wait(24 * 3_600 + 1);
    assert_eq!(refusal(&rig, &granted.refresh_token).await, Some(Refusal::Idle));
    let granted = rig.login("acme", "ada@example.com").await;
    let operator = rig.auth.operator(&tenant("acme"));
    operator.change_user(&granted.user.user_id, UserChange { disabled: Some(true), role: None }).await.unwrap();
    assert!(refusal(&rig, &granted.refresh_token).await.is_some());
}

#[tokio::test]
async fn tabs_that_come_one_after_the_other_leave_none_behind() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let first = rig.auth.refresh(&granted.refresh_token, "test").await.unwrap();
    rig.wait(2);
    let second = rig.auth.refresh(&first.refresh_token, "test").await.unwrap();
    assert_eq!(second.refresh_token.expose_secret(), first.refresh_token.expose_secret(), "it has only just come");
    rig.wait(2);
    assert_eq!(refusal(&rig, &granted.refresh_token).await, None, "the slowest tab, with what it had");
    rig.wait(30);
    let later = rig.auth.refresh(&second.refresh_token, "test").await.unwrap();
    assert_ne!(later.refresh_token.expose_secret(), second.refresh_token.expose_secret());
}

#[tokio::test]
async fn what_was_not_minted_is_no_refresh_token() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let text = granted.refresh_token.expose_secret();
    let mut bad =
        vec![String::new(), "coditect_refresh_".into(), granted.token.expose_secret().to_owned(), "x".repeat(10_000)];
    bad.extend((0..text.len()).map(|end| text[..end].to_owned()));
    bad.extend((0..text.len()).map(|at| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    }));
    for bad in bad {
        let refused = refusal(&rig, &bad.as_str().into()).await;
        assert_eq!(refused, Some(Refusal::Malformed), "{bad}");
    }
    assert_eq!(rig.refused(&granted.refresh_token).await, Some(Refusal::Malformed), "it is no JWT");
    assert_eq!(refusal(&rig, &granted.refresh_token).await, None);
}
