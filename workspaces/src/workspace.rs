//! The record of a workspace: what is wanted of it, and what it was last seen to be.

use std::fmt;

use coditect_auth::{UserId, WorkspaceId};
use coditect_store::{TenantId, Transaction, record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::TenantKeys;

const WHAT: &str = "the record of a workspace";

/// A user's workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its user's tenant.
    pub tenant: TenantId,
    /// Whose it is.
    pub user: UserId,
    /// What its user calls it.
    pub name: String,
    /// How it was seen last.
    pub state: State,
    /// What it shall be.
    pub wanted: Wanted,
    /// Namespace of its parts in the cluster.
    pub pod_namespace: String,
    /// Name of its pod, and of its parts but the Service.
    pub pod_name: String,
    /// Name of its Service.
    pub service: String,
    /// Why it is not what it shall be, for people.
    pub message: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// Whether a pod that is there and not ready shall be replaced: somebody has lost patience with it.
    pub anew: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When what is wanted, its state or its message changed last.
    pub updated_at: Timestamp,
    /// Since when it is in its state.
    pub since: Timestamp,
    /// When somebody used it last, a minute or so late.
    pub last_active_at: Timestamp,
    /// Counts the wishes: what was seen under an earlier wish says nothing about a later one.
    pub revision: u64,
}

/// How a workspace was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// On its way to what is wanted.
    Pending,
    /// Its pod is ready.
    Running,
    /// It has no pod; its files are there.
    Suspended,
    /// Nothing of it is there any more.
    Terminated,
    /// It could not be made what is wanted; that is tried again now and then.
    Failed,
}

/// What a workspace shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// With a pod.
    Running,
    /// Without one, its files kept.
    Suspended,
    /// Gone, with its files.
    Terminated,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Suspended, Self::Terminated, Self::Failed];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Terminated => "terminated",
            Self::Failed => "failed",
        }
    }
}

impl Wanted {
    /// The state that fulfils the wish.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Self::Running => State::Running,
            Self::Suspended => State::Suspended,
            Self::Terminated => State::Terminated,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Workspace {
    /// The record with another wish, to be fulfilled from now on.
    pub(crate) fn wishing(self, wanted: Wanted, now: Timestamp) -> Self {
        let last_active_at = if wanted == Wanted::Running { now } else { self.last_active_at };
        let revision = self.revision + 1;
        let anew = self.state == State::Failed && wanted == Wanted::Running;
        let (state, message, failures) = (State::Pending, None, 0);
        Self { wanted, state, message, failures, anew, updated_at: now, since: now, last_active_at, revision, ..self }
    }

    /// Whether the wish waits for nothing but a new attempt.
    pub(crate) fn is_wanted(&self, wanted: Wanted) -> bool {
        self.wanted == wanted && self.state != State::Failed
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Workspace> {
    Ok(record::decode(bytes, WHAT)?)
}

pub(crate) async fn read(tx: &Transaction, keys: &TenantKeys, id: &WorkspaceId) -> Result<Option<Workspace>> {
    let Some(bytes) = tx.get(&keys.record(id)).await? else { return Ok(None) };
    let found = decode(&bytes)?;
    // What is done to a record is done to the key that it names.
    match found.id == *id && found.tenant == *keys.tenant() {
        true => Ok(Some(found)),
        false => Err(Error::corrupt("the record of a workspace names another")),
    }
}

pub(crate) fn write(tx: &Transaction, keys: &TenantKeys, workspace: &Workspace) -> Result<()> {
    tx.set(&keys.record(&workspace.id), &record::encode(workspace)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_wishes_are_written_as_they_are_called() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for wanted in [Wanted::Running, Wanted::Suspended, Wanted::Terminated] {
            assert_eq!(serde_json::to_value(wanted).unwrap(), wanted.state().name());
        }
    }
}
