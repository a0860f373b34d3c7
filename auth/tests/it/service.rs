//! Service tokens: what they allow, and that they end.

use std::collections::BTreeSet;

use coditect_auth::{Acting, ErrorKind, NewServiceToken, Refusal, Role, Scope, Scopes};
use jiff::ToSpan as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::harness::{Rig, tenant};

fn new(scopes: &[Scope]) -> NewServiceToken {
    NewServiceToken { name: "pipeline".into(), scopes: Scopes::of(scopes), ..NewServiceToken::default() }
}

async fn of(rig: &Rig, token: &SecretString) -> Acting {
    rig.auth.acting(rig.auth.authenticate(token.expose_secret()).await.unwrap(), "test")
}

#[tokio::test]
async fn a_token_allows_what_it_was_made_for() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    let ada = rig.acting(&ada).await;
    let collections: BTreeSet<String> = ["docs".to_owned()].into();
    let wanted = NewServiceToken { collections: Some(collections.clone()), ..new(&[Scope::KbRead]) };
    let (info, token) = ada.create_token(&wanted).await.unwrap();
    let caller = rig.auth.authenticate(token.expose_secret()).await.unwrap();
    assert_eq!((caller.tenant(), caller.scopes()), (&tenant("acme"), Scopes::of(&[Scope::KbRead])));
    assert_eq!(caller.collections(), Some(&collections));
    assert_eq!((caller.user(), caller.session()), (None, None));
    assert_eq!(ada.tokens(None, 10).await.unwrap().items, std::slice::from_ref(&info));
    assert!(!format!("{info:?}").contains(token.expose_secret()));
    ada.revoke_token(info.id).await.unwrap();
    assert_eq!(rig.refused(&token).await, Some(Refusal::Revoked));
    assert_eq!(*ada.revoke_token(info.id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    let ada = rig.acting(&ada).await;
    let end = rig.clock.now() + 1.hour();
    let (_, token) =
        ada.create_token(&NewServiceToken { expires_at: Some(end), ..new(&[Scope::Agents]) }).await.unwrap();
    rig.wait(3_599);
    assert_eq!(rig.refused(&token).await, None);
    rig.wait(1);
    assert_eq!(rig.refused(&token).await, Some(Refusal::Expired));
}

#[tokio::test]
async fn fields_at_fault_are_named_and_nobody_gives_what_he_has_not() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let ada = rig.acting(&granted).await;
    let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let cases = [
        (NewServiceToken { name: " ".into(), ..new(&[Scope::KbRead]) }, "/name"),
        (NewServiceToken { name: "a\0b".into(), ..new(&[Scope::KbRead]) }, "/name"),
        (new(&[]), "/scopes"),
        (NewServiceToken { collections: set(&[]), ..new(&[Scope::KbRead]) }, "/collections"),
        (NewServiceToken { collections: set(&["../x"]), ..new(&[Scope::KbRead]) }, "/collections"),
        (NewServiceToken { expires_at: Some(rig.clock.now()), ..new(&[Scope::KbRead]) }, "/expires_at"),
        (NewServiceToken { expires_at: Some(jiff::Timestamp::MAX), ..new(&[Scope::KbRead]) }, "/expires_at"),
    ];
    for (wanted, pointer) in cases {
        assert_eq!(*ada.create_token(&wanted).await.unwrap_err().kind(), ErrorKind::Invalid { pointer });
    }
    let (_, admin) = ada.create_token(&new(&[Scope::Admin])).await.unwrap();
    let admin = of(&rig, &admin).await;
    assert_eq!(*admin.create_token(&new(&[Scope::KbWrite])).await.unwrap_err().kind(), ErrorKind::Forbidden);
    admin.create_token(&new(&[Scope::Admin])).await.unwrap();
    let confined = NewServiceToken { collections: set(&["docs"]), ..new(&[Scope::Admin]) };
    let refused = ada.create_token(&confined).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Invalid { pointer: "/scopes" }, "it could let itself out");
    for result in [admin.invite(None, Role::Administrator).await, admin.invite(None, Role::Member).await] {
        assert_eq!(*result.unwrap_err().kind(), ErrorKind::Forbidden, "nobody gives what he has not");
    }
    let (_, reader) = ada.create_token(&new(&[Scope::KbRead])).await.unwrap();
    let reader = of(&rig, &reader).await;
    assert_eq!(*reader.tokens(None, 1).await.unwrap_err().kind(), ErrorKind::Forbidden);
    for result in [reader.logout().await, reader.session().await.map(drop), reader.terminate_all(false).await.map(drop)]
    {
        assert_eq!(*result.unwrap_err().kind(), ErrorKind::Forbidden, "it has no session");
    }
}

#[tokio::test]
async fn what_was_not_minted_is_no_token_and_another_tenants_is_none_of_mine() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let (info, token) = rig.acting(&granted).await.create_token(&new(&[Scope::KbRead])).await.unwrap();
    let text = token.expose_secret();
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(bytes).unwrap();
        assert!(rig.refused(&other.as_str().into()).await.is_some(), "{other}");
        assert!(rig.refused(&text[..at].into()).await.is_some());
    }
    assert_eq!(rig.refused(&token).await, None);
    rig.user("other", "eve@example.com", Role::Administrator).await;
    let eve = rig.login("other", "eve@example.com").await;
    let eve = rig.acting(&eve).await;
    assert!(eve.tokens(None, 10).await.unwrap().items.is_empty());
    assert_eq!(*eve.revoke_token(info.id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(rig.refused(&token).await, None);
}
