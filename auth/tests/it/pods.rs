//! Tokens of workspaces' pods: whose they are, that nothing else can be done with them, and that they end.

use std::time::Duration;

use coditect_auth::{Pod, Refusal, UserId, WorkspaceId, limits};
use secrecy::{ExposeSecret as _, SecretString};

use crate::harness::{Rig, tenant};

pub(crate) fn pod(tenant_name: &str, workspace: &str, user: &str) -> Pod {
    let (workspace, user) = (WorkspaceId::new(workspace).unwrap(), UserId::new(user).unwrap());
    Pod { tenant: tenant(tenant_name), workspace, user }
}

async fn found(rig: &Rig, token: &SecretString) -> Result<Pod, Refusal> {
    let found = rig.auth.authenticate_pod(token.expose_secret()).await;
    found.map_err(|error| error.refusal().unwrap_or_else(|| panic!("{error:?}")))
}

#[tokio::test]
async fn a_token_says_whose_pod_it_is_and_is_good_for_nothing_else() {
    let rig = Rig::new().await;
    let (one, other) = (pod("acme", "ws-1", "u-1"), pod("acme", "ws-2", "u-2"));
    let (first, second) =
        (rig.auth.give_pod_token(&one).await.unwrap(), rig.auth.give_pod_token(&other).await.unwrap());
    assert_eq!((found(&rig, &first).await, found(&rig, &second).await), (Ok(one), Ok(other)));
    assert_eq!(rig.refused(&first).await, Some(Refusal::Malformed));
    let ada = rig.ada().await;
    assert_eq!(found(&rig, &ada.token).await, Err(Refusal::Malformed));
    assert!(rig.acting(&ada).await.tokens(None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_token_that_was_changed_is_refused() {
    let rig = Rig::new().await;
    let token = rig.auth.give_pod_token(&pod("acme", "ws-1", "u-1")).await.unwrap();
    let text = token.expose_secret();
    for position in ["coditect_pod_".len(), text.len() / 2, text.len() - 1] {
        let other = if text.as_bytes()[position] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &text[..position], &text[position + 1..]);
        assert!(found(&rig, &changed.into()).await.is_err(), "{position}");
    }
}

#[tokio::test]
async fn an_older_token_ends_a_while_after_a_newer_one_was_given() {
    let rig = Rig::new().await;
    let one = pod("acme", "ws-1", "u-1");
    let first = rig.auth.give_pod_token(&one).await.unwrap();
    rig.clock.advance(Duration::from_secs(365 * 24 * 3_600));
    let second = rig.auth.give_pod_token(&one).await.unwrap();
    rig.clock.advance(limits::POD_TOKEN_KEPT - Duration::from_secs(1));
    assert_eq!((found(&rig, &first).await, found(&rig, &second).await), (Ok(one.clone()), Ok(one.clone())));
    // Another one puts off no end.
    let third = rig.auth.give_pod_token(&one).await.unwrap();
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(found(&rig, &first).await, Err(Refusal::Expired));
    rig.auth.give_pod_token(&one).await.unwrap();
    assert_eq!(found(&rig, &first).await, Err(Refusal::Revoked), "its record is not kept for ever");
    assert_eq!((found(&rig, &second).await, found(&rig, &third).await), (Ok(one.clone()), Ok(one)));
}

#[tokio::test]
async fn all_tokens_of_a_workspace_are_taken_back_and_no_others() {
    let rig = Rig::new().await;
    let (one, other) = (pod("acme", "ws-1", "u-1"), pod("acme", "ws-10", "u-1"));
    let namesake = pod("other", "ws-1", "u-1");
    let mut tokens = Vec::new();
    for pod in [&one, &one, &other, &namesake] {
        tokens.push(rig.auth.give_pod_token(pod).await.unwrap());
    }
    for _ in 0..2 {
        rig.auth.take_back_pod_tokens(&one.tenant, &one.workspace).await.unwrap();
    }
    assert_eq!(found(&rig, &tokens[0]).await, Err(Refusal::Revoked));
    assert_eq!(found(&rig, &tokens[1]).await, Err(Refusal::Revoked));
    assert_eq!((found(&rig, &tokens[2]).await, found(&rig, &tokens[3]).await), (Ok(other), Ok(namesake)));
}
