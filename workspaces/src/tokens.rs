//! Where a workspace's token comes from, with which its sidecar asks the gateway about sessions.

use coditect_store::Transaction;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::error::Result;
use crate::workspace::Workspace;

/// Makes tokens that are good for one workspace alone.
pub trait Tokens: Send + Sync {
    /// A token for the pods of this workspace, good once the transaction is committed; `None` for none. All that were given before stay good for a while at least.
    fn token<'a>(
        &'a self,
        tx: &'a Transaction,
        workspace: &'a Workspace,
    ) -> BoxFuture<'a, Result<Option<SecretString>>>;

    /// Takes the workspace's tokens back, in the transaction that writes down that no pod has them any more. May be called again.
    fn take_back<'a>(&'a self, tx: &'a Transaction, workspace: &'a Workspace) -> BoxFuture<'a, Result<()>> {
        let _ = (tx, workspace);
        futures::future::ready(Ok(())).boxed()
    }
}

/// No tokens: for templates that need none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokens;

impl Tokens for NoTokens {
    fn token<'a>(&'a self, _: &'a Transaction, _: &'a Workspace) -> BoxFuture<'a, Result<Option<SecretString>>> {
        futures::future::ready(Ok(None)).boxed()
    }
}
