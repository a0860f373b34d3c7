//! The token of a workspace: there before its pod, and taken back after it.

use std::sync::Arc;
use std::time::Duration;

use coditect_store::Transaction;
use coditect_workspaces::{
    Reconciler, ReconcilerOptions, Result, SimulatedCluster, State, TemplateOptions, Templates, Tokens, Workspace,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::cluster::{Kind, Mock};
use crate::harness::{Rig, Running, cluster, eventually, fast, mock, options, templates};

/// Writes down what is asked of it, and of which workspace: once, however often a transaction has to be tried.
#[derive(Default)]
struct Noted(Mutex<Vec<(&'static str, Workspace)>>);

impl Noted {
    /// Answers how much was asked by now.
    fn note(&self, what: &'static str, workspace: &Workspace) -> usize {
        let mut asked = self.0.lock();
        asked.push((what, workspace.clone()));
        asked.dedup();
        asked.len()
    }

    fn asked(&self) -> Vec<&'static str> {
        self.0.lock().iter().map(|(what, _)| *what).collect()
    }
}

impl Tokens for Noted {
    fn token<'a>(&'a self, _: &'a Transaction, of: &'a Workspace) -> BoxFuture<'a, Result<Option<SecretString>>> {
        let secret = format!("secret {}", self.note("token", of));
        async { Ok(Some(secret.into())) }.boxed()
    }

    fn take_back<'a>(&'a self, _: &'a Transaction, of: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        self.note("take back", of);
        async { Ok(()) }.boxed()
    }
}

fn token_of(mock: &Mock, workspace: &Workspace) -> Value {
    let name = format!("{}-token", workspace.pod_name);
    let secret = mock.get(Kind::Secret, &workspace.pod_namespace, &name);
    secret.map_or(json!(null), |secret| secret["data"]["token"].clone())
}

#[tokio::test]
async fn each_pod_has_a_token_and_none_outlives_it() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let tokens = Arc::new(Noted::default());
    let reconciler = Reconciler::new(&rig.workspaces, cluster(&mock).await, templates(), fast()).unwrap();
    let reconciler = Running::with(reconciler.with_tokens(tokens.clone()));
    let (made, operator) = (rig.workspace_of("ada").await, rig.operator());
    rig.until(&made, State::Running).await;
    assert_eq!(token_of(&mock, &made), json!("c2VjcmV0IDE="));
    rig.workspaces.suspend(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    rig.workspaces.delete(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    assert_eq!(tokens.asked(), ["token", "take back", "take back"], "with the suspension, and with the end");
    reconciler.stop().await;
}

/// Its predecessor may have given one that replaced the one in the cluster, and have crashed before it put it there.
#[tokio::test]
async fn whoever_takes_over_gives_each_workspace_another_once() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let tokens = Arc::new(Noted::default());
    let often = ReconcilerOptions { resync: Duration::from_millis(20), ..fast() };
    let reconciler = async || {
        let reconciler = Reconciler::new(&rig.workspaces, cluster(&mock).await, templates(), often.clone()).unwrap();
        Running::with(reconciler.with_tokens(tokens.clone()))
    };
    let first = reconciler().await;
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    first.stop().await;
    let second = reconciler().await;
    eventually("another token", || token_of(&mock, &made) == json!("c2VjcmV0IDI=")).await;
    mock.delete(Kind::Secret, &made.pod_namespace, &format!("{}-token", made.pod_name));
    eventually("the same token again", || token_of(&mock, &made) == json!("c2VjcmV0IDI=")).await;
    assert_eq!(tokens.asked(), ["token", "token"]);
    assert_eq!(rig.now(&made).await.unwrap().state, State::Running);
    second.stop().await;
}

/// Its sidecar looks sessions up in the store.
#[tokio::test]
async fn a_pod_that_needs_none_gets_none() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let tokens = Arc::new(Noted::default());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../k8s/components/workspace-store-access");
    let templates = Templates::load(TemplateOptions { folder: Some(folder.into()), ..Default::default() }).unwrap();
    let reconciler = Reconciler::new(&rig.workspaces, cluster(&mock).await, templates, fast()).unwrap();
    let reconciler = Running::with(reconciler.with_tokens(tokens.clone()));
    let made = rig.workspace_of("ada").await;
    rig.until(&made, State::Running).await;
    assert_eq!((token_of(&mock, &made), tokens.asked().len()), (json!(null), 0));
    reconciler.stop().await;
}

#[tokio::test]
async fn a_pod_that_cannot_start_without_one_is_not_made() {
    let rig = Rig::new(options(1)).await;
    let cluster = SimulatedCluster::new(rig.clock.clone(), std::time::Duration::ZERO);
    let reconciler = Running::with(Reconciler::new(&rig.workspaces, Arc::new(cluster), templates(), fast()).unwrap());
    let made = rig.workspace_of("ada").await;
    let failed = rig.until(&made, State::Failed).await;
    assert_eq!(failed.message.as_deref(), Some("its pod needs a token for the gateway, and this server gives none"));
    reconciler.stop().await;
}
