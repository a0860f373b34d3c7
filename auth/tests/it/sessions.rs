//! Sessions as their owners and administrators see them.

use coditect_auth::{ErrorKind, Refusal, Role, SessionDetails, SessionId};
use serde_json::json;

use crate::harness::{PASSWORD, Rig, credentials, origin};

#[tokio::test]
async fn a_session_says_what_the_client_said() {
    let rig = Rig::new().await;
    rig.ada().await;
    let details = SessionDetails { workspace_id: Some("ws-7".into()), metadata: Some(json!({"client": "ide"})) };
    let granted = rig.auth.login(&credentials("acme", "ada@example.com", PASSWORD), &details, &origin()).await.unwrap();
    let session = rig.acting(&granted).await.session().await.unwrap();
    assert_eq!(session, granted.session);
    assert_eq!((session.workspace_id.as_str(), session.metadata), ("ws-7", Some(json!({"client": "ide"}))));
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_together() {
    let rig = Rig::new().await;
    let first = rig.ada().await;
    let (second, third) = (rig.login("acme", "ada@example.com").await, rig.login("acme", "ada@example.com").await);
    let ada = rig.acting(&first).await;
    let ids = async || ada.sessions(None).await.unwrap().into_iter().map(|it| it.session_id).collect::<Vec<_>>();
    let all = [&first, &second, &third].map(|granted| granted.session.session_id.clone());
    assert_eq!(ids().await, all);
    ada.terminate(&all[1]).await.unwrap();
    ada.terminate(&all[1]).await.unwrap();
    assert_eq!(ids().await, [all[0].clone(), all[2].clone()]);
    assert_eq!(*ada.suspend(&all[1]).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(*ada.resume(&all[1]).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(ada.terminate_all(true).await.unwrap(), 1);
    assert_eq!(rig.refused(&first.token).await, None);
    assert_eq!(rig.refused(&third.token).await, Some(Refusal::Terminated));
    assert_eq!(ada.terminate_all(false).await.unwrap(), 1);
    assert_eq!(rig.refused(&first.token).await, Some(Refusal::Terminated));
}

#[tokio::test]
async fn nobody_ends_what_is_not_his_and_none_of_another_tenant_is_there() {
    let rig = Rig::new().await;
    let ada = rig.ada().await;
    rig.user("acme", "bob@example.com", Role::Member).await;
    rig.user("other", "eve@example.com", Role::Administrator).await;
    let (bob, eve) = (rig.login("acme", "bob@example.com").await, rig.login("other", "eve@example.com").await);
    let target = &ada.session.session_id;
    for stranger in [&bob, &eve] {
        let acting = rig.acting(stranger).await;
        let missing = SessionId::new("nothing").unwrap();
        for result in [acting.terminate(target).await, acting.suspend(target).await, acting.resume(target).await] {
            let (theirs, nothing) = (result.unwrap_err(), acting.terminate(&missing).await.unwrap_err());
            assert_eq!((theirs.kind(), theirs.to_string()), (nothing.kind(), nothing.to_string()));
            assert_eq!(*theirs.kind(), ErrorKind::NotFound);
        }
    }
    assert_eq!(rig.refused(&ada.token).await, None);
    let acting = rig.acting(&eve).await;
    assert!(acting.sessions(Some(&ada.user.user_id)).await.unwrap().is_empty());
    let bobs = rig.acting(&bob).await;
    assert_eq!(*bobs.sessions(Some(&ada.user.user_id)).await.unwrap_err().kind(), ErrorKind::Forbidden);
    let adas = rig.acting(&ada).await;
    assert_eq!(adas.sessions(Some(&bob.user.user_id)).await.unwrap().len(), 1);
    adas.terminate(&bob.session.session_id).await.unwrap();
    assert_eq!(rig.refused(&bob.token).await, Some(Refusal::Terminated));
}

#[tokio::test]
async fn an_idle_session_does_not_come_back_by_being_resumed() {
    let rig = Rig::new().await;
    let first = rig.ada().await;
    let second = rig.login("acme", "ada@example.com").await;
    rig.acting(&first).await.suspend(&second.session.session_id).await.unwrap();
    rig.wait(24 * 3_600 + 1);
    let ada = rig.login("acme", "ada@example.com").await;
    let ada = rig.acting(&ada).await;
    assert_eq!(*ada.resume(&second.session.session_id).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(ada.sessions(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_oldest_session_makes_room() {
    let rig = Rig::new().await;
    let first = rig.ada().await;
    for _ in 0..100 {
        rig.wait(6);
        rig.login("acme", "ada@example.com").await;
    }
    assert_eq!(rig.refused(&first.token).await, Some(Refusal::Terminated));
    let last = rig.login("acme", "ada@example.com").await;
    assert_eq!(rig.acting(&last).await.sessions(None).await.unwrap().len(), 100);
}
