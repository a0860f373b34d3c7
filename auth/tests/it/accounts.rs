//! Accounts: registering, inviting, logging in, passwords, roles, and limits on attempts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use coditect_auth::{
    AuthOptions, Error, ErrorKind, NewServiceToken, NewUser, Origin, Refusal, Registration, Role, Scope, Scopes,
    SessionDetails, UserChange,
};
use coditect_store::faults::{Fault, Faults};
use coditect_store::tuple::pack;
use secrecy::ExposeSecret as _;

use crate::harness::{PASSWORD, Rig, credentials, new_user, options, origin, tenant};

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind().clone()
}

fn invalid(pointer: &'static str) -> ErrorKind {
    ErrorKind::Invalid { pointer }
}

#[tokio::test]
async fn whoever_founds_a_tenant_looks_after_it_and_lets_others_in() {
    let rig = Rig::new().await;
    let founder = rig.auth.register(&tenant("acme"), &new_user("Ada@Example.com"), None, &origin()).await.unwrap();
    assert_eq!((founder.role, founder.email.as_str()), (Role::Administrator, "ada@example.com"));
    let again = rig.auth.register(&tenant("acme"), &new_user("eve@example.com"), None, &origin()).await;
    assert_eq!(kind(again), ErrorKind::Conflict, "a tenant that is there is joined by invitation");
    let granted = rig.login("acme", "ada@example.com").await;
    let ada = rig.acting(&granted).await;
    let (info, code) = ada.invite(Some("Bob@example.com"), Role::Member).await.unwrap();
    let register =
        async |to: &str, email: &str| rig.auth.register(&tenant(to), &new_user(email), Some(&code), &origin()).await;
    assert_eq!(kind(register("acme", "eve@example.com").await), invalid("/invitation"), "it is for another");
    let taken = register("acme", "ada@example.com").await;
    assert_eq!(kind(taken), invalid("/invitation"), "nor does it tell who has an account");
    assert_eq!(kind(register("other", "bob@example.com").await), invalid("/invitation"), "it is for another tenant");
    let bob = register("acme", "bob@EXAMPLE.com").await.unwrap();
    assert_eq!(bob.role, Role::Member);
    assert_eq!(kind(register("acme", "bob@example.com").await), invalid("/invitation"), "it was used");
    assert!(ada.invitations(None, 10).await.unwrap().items.is_empty());
    assert_eq!(kind(ada.take_back(info.id).await), ErrorKind::NotFound);
    let users = ada.users(None, 10).await.unwrap();
    assert_eq!(users.items, [founder, bob]);
}

#[tokio::test]
async fn invitations_end() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let ada = rig.acting(&granted).await;
    let (first, taken_back) = ada.invite(None, Role::Member).await.unwrap();
    let (_, late) = ada.invite(None, Role::Member).await.unwrap();
    assert_eq!(ada.invitations(None, 1).await.unwrap().items[0], first);
    assert_eq!(ada.invitations(Some(first.id), 10).await.unwrap().items.len(), 1);
    ada.take_back(first.id).await.unwrap();
    rig.wait(7 * 24 * 3_600);
    for code in [taken_back, late, "coditect_invitation_AAAA".into(), "".into()] {
        let registered = rig.auth.register(&tenant("acme"), &new_user("bob@example.com"), Some(&code), &origin()).await;
        assert_eq!(kind(registered), invalid("/invitation"));
    }
}

#[tokio::test]
async fn registration_is_as_open_as_it_is_set() {
    for (registration, expected) in
        [(Registration::Closed, ErrorKind::Forbidden), (Registration::Invitation, ErrorKind::Forbidden)]
    {
        let rig = Rig::with(AuthOptions { registration, ..options() }).await;
        let registered = rig.auth.register(&tenant("acme"), &new_user("ada@example.com"), None, &origin()).await;
        assert_eq!(kind(registered), expected);
    }
}

#[tokio::test]
async fn an_address_has_one_account_in_a_tenant_also_when_two_register_at_once() {
    let rig = Rig::new().await;
    rig.ada().await;
    let operator = rig.auth.operator(&tenant("acme"));
    let attempts = (0..8).map(|_| {
        let operator = operator.clone();
        tokio::spawn(async move { operator.create_user(&new_user("bob@example.com"), Role::Member).await })
    });
    let mut made = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Conflict),
        }
    }
    assert_eq!(made, 1);
    rig.auth.operator(&tenant("other")).create_user(&new_user("bob@example.com"), Role::Member).await.unwrap();
}

#[tokio::test]
async fn fields_at_fault_are_named() {
    let rig = Rig::new().await;
    let operator = rig.auth.operator(&tenant("acme"));
    let cases = [
        (NewUser { email: "no address".into(), ..new_user("") }, "/email"),
        (NewUser { password: "short".into(), ..new_user("a@b.c") }, "/password"),
        (NewUser { name: "x".repeat(201), ..new_user("a@b.c") }, "/name"),
        (NewUser { name: "a\nb".into(), ..new_user("a@b.c") }, "/name"),
    ];
    for (new, pointer) in cases {
        assert_eq!(kind(operator.create_user(&new, Role::Member).await), invalid(pointer));
    }
    rig.ada().await;
    let long = SessionDetails { workspace_id: Some("x".repeat(257)), metadata: None };
    let login = rig.auth.login(&credentials("acme", "ada@example.com", PASSWORD), &long, &origin()).await;
    assert_eq!(kind(login), invalid("/workspace_id"));
}

#[tokio::test]
async fn a_wrong_login_says_the_same_whatever_is_wrong() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    let ada = rig.acting(&granted).await;
    let bob = ada.users(None, 10).await.unwrap().items[1].user_id.clone();
    ada.change_user(&bob, UserChange { disabled: Some(true), role: None }).await.unwrap();
    let cases = [
        ("acme", "ada@example.com", "a wrong password"),
        ("acme", "eve@example.com", PASSWORD),
        ("acme", "no address", PASSWORD),
        ("nobody", "ada@example.com", PASSWORD),
        ("acme", "bob@example.com", PASSWORD),
        ("acme", "ada@example.com", ""),
    ];
    let mut said = BTreeSet::new();
    for (tenant, email, password) in cases {
        let error = rig.try_login(tenant, email, password).await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::Credentials));
        said.insert(error.to_string());
    }
    assert_eq!(said.len(), 1, "{said:?}");
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let rig = Rig::new().await;
    let (here, there) = (rig.ada().await, rig.login("acme", "ada@example.com").await);
    let acting = rig.acting(&here).await;
    let new = "a new password, longer";
    assert_eq!(kind(acting.change_password(&"wrong".into(), &new.into()).await), invalid("/current"));
    assert_eq!(kind(acting.change_password(&PASSWORD.into(), &"short".into()).await), invalid("/password"));
    assert_eq!(acting.change_password(&PASSWORD.into(), &new.into()).await.unwrap(), 1);
    assert_eq!(rig.refused(&here.token).await, None);
    assert_eq!(rig.refused(&there.token).await, Some(Refusal::Terminated));
    assert_eq!(
        rig.try_login("acme", "ada@example.com", PASSWORD).await.unwrap_err().refusal(),
        Some(Refusal::Credentials)
    );
    rig.try_login("acme", "ada@example.com", new).await.unwrap();
}

#[tokio::test]
async fn another_role_ends_the_sessions_that_had_the_old_one() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    rig.user("acme", "bob@example.com", Role::Administrator).await;
    let bob = rig.login("acme", "bob@example.com").await;
    let acting = rig.acting(&ada).await;
    let change = |role| UserChange { role: Some(role), disabled: None };
    let own = acting.change_user(&ada.user.user_id, change(Role::Member)).await;
    assert_eq!(kind(own), ErrorKind::Conflict, "a tenant keeps an administrator");
    acting.change_user(&bob.user.user_id, change(Role::Administrator)).await.unwrap();
    assert_eq!(rig.refused(&bob.token).await, None, "nothing changed");
    acting.change_user(&bob.user.user_id, change(Role::Member)).await.unwrap();
    assert_eq!(rig.refused(&bob.token).await, Some(Refusal::Terminated));
    let bob = rig.login("acme", "bob@example.com").await;
    let bobs = rig.acting(&bob).await;
    assert_eq!(kind(bobs.users(None, 10).await), ErrorKind::Forbidden);
    assert_eq!(kind(bobs.invite(None, Role::Administrator).await), ErrorKind::Forbidden);
    assert_eq!(kind(bobs.change_user(&ada.user.user_id, change(Role::Member)).await), ErrorKind::Forbidden);
    assert_eq!(bobs.me().await.unwrap().email, "bob@example.com");
}

#[tokio::test]
async fn attempts_are_limited_by_account_and_by_address() {
    let rig = Rig::new().await;
    rig.ada().await;
    let mut tries = 0;
    let wait = loop {
        match rig.try_login("acme", "ada@example.com", "a wrong password").await.unwrap_err().kind() {
            ErrorKind::Unauthenticated(_) => tries += 1,
            ErrorKind::Throttled(wait) => break *wait,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(tries, 9, "ten with the one that was right");
    assert!(matches!(
        rig.try_login("acme", "ada@example.com", PASSWORD).await.unwrap_err().kind(),
        ErrorKind::Throttled(_)
    ));
    rig.clock.advance(wait);
    rig.login("acme", "ada@example.com").await;
    let from = Origin { address: Some("192.0.2.7".parse().unwrap()), request_id: "test".into() };
    let mut tries = 0;
    while !matches!(attempt(&rig, tries, &from).await.kind(), ErrorKind::Throttled(_)) {
        tries += 1;
    }
    assert_eq!(tries, 60);
}

async fn attempt(rig: &Rig, number: usize, from: &Origin) -> Error {
    let given = credentials("acme", &format!("{number}@example.com"), PASSWORD);
    rig.auth.login(&given, &SessionDetails::default(), from).await.unwrap_err()
}

#[tokio::test]
async fn a_hash_of_another_cost_is_made_anew_at_the_next_login() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    let key = pack(&("coditect", "auth", "in", "acme", "user", ada.user.user_id.as_str()));
    let key = &key;
    let cost = async || {
        let record = rig.store.run(|tx| async move { tx.get(key).await }).await.unwrap().unwrap();
        String::from_utf8_lossy(&record).contains("m=64,t=2,p=1")
    };
    assert!(!cost().await);
    let dearer = coditect_auth::HashCost { passes: 2, ..crate::harness::CHEAP };
    let other = rig.another(AuthOptions { cost: dearer, ..options() }).await;
    let given = credentials("acme", "ada@example.com", PASSWORD);
    other.login(&given, &SessionDetails::default(), &origin()).await.unwrap();
    assert!(cost().await);
    rig.login("acme", "ada@example.com").await;
    other.stop().await;
}

#[tokio::test]
async fn a_login_of_nobody_takes_as_long_as_one_of_somebody() {
    let dear = coditect_auth::HashCost { memory_kib: 16 * 1_024, passes: 3, lanes: 1, threads: 1 };
    let rig = Rig::with(AuthOptions { cost: dear, ..options() }).await;
    rig.ada().await;
    let took = async |email: &str| {
        let began = Instant::now();
        rig.try_login("acme", email, "a wrong password").await.unwrap_err();
        began.elapsed()
    };
    let (mut somebody, mut nobody) = (Duration::MAX, Duration::MAX);
    // By turns, so that whatever else the machine does meets both.
    for _ in 0..8 {
        somebody = somebody.min(took("ada@example.com").await);
        nobody = nobody.min(took("eve@example.com").await);
    }
    assert!(nobody > somebody / 2 && somebody > nobody / 2, "{somebody:?} and {nobody:?}");
}

#[tokio::test]
async fn a_login_under_way_does_not_outlive_the_password() {
    let faults = Faults::default();
    let rig = Rig::through(options(), |store| store.with_faults(faults.clone())).await;
    let granted = rig.ada().await;
    let ada = rig.acting(&granted).await;
    // The login has read the user, and goes on when the password is another.
    faults.on_commits([Fault::Delay(Duration::from_millis(300))]);
    let auth = rig.auth.clone();
    let login = tokio::spawn(async move {
        auth.login(&credentials("acme", "ada@example.com", PASSWORD), &SessionDetails::default(), &origin()).await
    });
    while faults.left() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ada.change_password(&PASSWORD.into(), &"another password, long".into()).await.unwrap();
    assert_eq!(login.await.unwrap().unwrap_err().refusal(), Some(Refusal::Credentials));
    assert_eq!(ada.sessions(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_tenant_keeps_an_administrator() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    let bob = rig.user("acme", "bob@example.com", Role::Administrator).await;
    let granted = rig.login("acme", "bob@example.com").await;
    let (adas, bobs) = (rig.acting(&ada).await, rig.acting(&granted).await);
    let down = UserChange { role: Some(Role::Member), disabled: None };
    let (one, two) = tokio::join!(adas.change_user(&bob.user_id, down), bobs.change_user(&ada.user.user_id, down));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let (left, refused) = if one.is_ok() { (&ada.user, two) } else { (&granted.user, one) };
    assert_eq!(kind(refused), ErrorKind::Conflict);
    let wanted = NewServiceToken { name: "t".into(), scopes: Scopes::of(&Scope::ALL), ..NewServiceToken::default() };
    let (_, token) = rig.auth.operator(&tenant("acme")).create_token(&wanted).await.unwrap();
    let by_token = rig.auth.acting(rig.auth.authenticate(token.expose_secret()).await.unwrap(), "test");
    assert_eq!(kind(by_token.change_user(&left.user_id, down).await), ErrorKind::Conflict);
}

#[tokio::test]
async fn who_only_administers_disables_users_and_gives_no_roles() {
    let rig = Rig::new().await;
    rig.ada().await;
    let bob = rig.user("acme", "bob@example.com", Role::Member).await;
    let wanted =
        NewServiceToken { name: "t".into(), scopes: Scopes::of(&[Scope::Admin]), ..NewServiceToken::default() };
    let (_, token) = rig.auth.operator(&tenant("acme")).create_token(&wanted).await.unwrap();
    let by_token = rig.auth.acting(rig.auth.authenticate(token.expose_secret()).await.unwrap(), "test");
    let disable = UserChange { role: None, disabled: Some(true) };
    assert!(by_token.change_user(&bob.user_id, disable).await.unwrap().disabled);
    let promote = UserChange { role: Some(Role::Administrator), disabled: None };
    assert_eq!(kind(by_token.change_user(&bob.user_id, promote).await), ErrorKind::Forbidden);
}

#[tokio::test]
async fn nothing_that_is_shown_or_logged_holds_a_secret() {
    let rig = Rig::new().await;
    let granted = rig.ada().await;
    let shown = format!("{granted:?} {:?} {:?}", credentials("a", "b", PASSWORD), new_user("a@b.c"));
    for secret in [granted.token.expose_secret(), granted.refresh_token.expose_secret(), PASSWORD, "argon2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
