//! The tokens that workspaces have, as far as this process has given them since it reconciles.
//!
//! A token that another has replaced ends after a while, so the one in the cluster must be the last that was given. A process that took over cannot know whether its
//! predecessor has still put there what it gave: it gives another to each workspace, once, and puts it there with each round.

use std::collections::HashMap;

use coditect_store::Term;
use parking_lot::Mutex;
use secrecy::SecretString;

use super::Reconciler;
use crate::error::Result;
use crate::keys::Name;
use crate::workspace::Workspace;

/// See the module. It holds at most one entry for each workspace that has a pod.
#[derive(Debug, Default)]
pub(super) struct Given(Mutex<HashMap<Name, Option<SecretString>>>);

impl Given {
    /// Another term begins.
    pub(super) fn forget_all(&self) {
        self.0.lock().clear();
    }

    pub(super) fn forget(&self, workspace: &Workspace) {
        self.0.lock().remove(&Name::of(workspace));
    }
}

impl Reconciler {
    /// The token for the pods of a workspace, where they can use one: given by no other than the process that reconciles.
    pub(super) async fn token(&self, term: &Term, workspace: &Workspace) -> Result<Option<SecretString>> {
        if !self.templates.takes_token(workspace) {
            return Ok(None);
        }
        let name = Name::of(workspace);
        if let Some(token) = self.given.0.lock().get(&name) {
            return Ok(token.clone());
        }
        let token = self
            .inner
            .run(|tx| async move {
                term.fence(&tx).await?;
                self.tokens.token(&tx, workspace).await
            })
            .await?;
        self.given.0.lock().insert(name, token.clone());
        Ok(token)
    }
}
