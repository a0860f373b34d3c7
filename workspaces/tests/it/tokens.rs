//! The token of a workspace: there before its pod, and taken back after it.

use std::sync::Arc;

use coditect_store::Transaction;
use coditect_workspaces::{Reconciler, Result, SimulatedCluster, State, Tokens, Workspace};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use secrecy::SecretString;

use crate::cluster::Kind;
use crate::harness::{Rig, Running, cluster, fast, mock, options, templates};

/// Writes down what is asked of it.
#[derive(Default)]
struct Noted(Mutex<Vec<&'static str>>);

impl Tokens for Noted {
    fn token<'a>(&'a self, _: &'a Workspace) -> BoxFuture<'a, Result<Option<SecretString>>> {
        self.0.lock().push("token");
        async { Ok(Some("secret".into())) }.boxed()
    }

    fn take_back<'a>(&'a self, _: &'a Transaction, _: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        self.0.lock().push("take back");
        async { Ok(()) }.boxed()
    }
}

#[tokio::test]
async fn each_pod_has_a_token_and_none_outlives_it() {
    let (rig, mock) = (Rig::new(options(1)).await, mock().await);
    let tokens = Arc::new(Noted::default());
    let reconciler = Reconciler::new(&rig.workspaces, cluster(&mock).await, templates(), fast()).unwrap();
    let reconciler = Running::with(reconciler.with_tokens(tokens.clone()));
    let (made, operator) = (rig.workspace_of("ada").await, rig.operator());
    rig.until(&made, State::Running).await;
    let secret = mock.get(Kind::Secret, &made.pod_namespace, &format!("{}-token", made.pod_name)).unwrap();
    assert_eq!(secret["data"]["token"], "c2VjcmV0");
    rig.workspaces.suspend(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Suspended).await;
    rig.workspaces.delete(&operator, &made.id).await.unwrap();
    rig.until(&made, State::Terminated).await;
    let mut asked = tokens.0.lock().clone();
    let given = asked.iter().take_while(|it| **it == "token").count();
    assert!(given > 0, "{asked:?}");
    assert_eq!(asked.split_off(given), ["take back", "take back"], "with the suspension, and with the end");
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
