//! Why a cluster did not do what it was asked for.

use std::fmt;
use std::time::Duration;

use crate::keys::Name;

/// The result of a call of a cluster.
pub type ClusterResult<T> = Result<T, ClusterError>;

/// What a reconciler does about a [`ClusterError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterErrorKind {
    /// It does not take what it is given: that counts as a failure, since somebody has to change something.
    Refused,
    /// Something is in the way that goes by itself.
    Waiting,
    /// It does not answer, or asks for a pause of at least this long.
    Unavailable(Duration),
}

/// A failure.
#[derive(Debug)]
pub struct ClusterError {
    kind: ClusterErrorKind,
    message: String,
    owner: Option<Name>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ClusterError {
    /// A failure with a message for the workspace's user.
    #[must_use]
    pub fn new(kind: ClusterErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), owner: None, source: None }
    }

    /// The cluster does not take it.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ClusterErrorKind::Refused, message)
    }

    pub(crate) fn waiting(message: impl Into<String>) -> Self {
        Self::new(ClusterErrorKind::Waiting, message)
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(ClusterErrorKind::Unavailable(Duration::ZERO), "the cluster does not answer")
    }

    /// The same, because of an object of this workspace.
    pub(crate) fn in_the_way(mut self, owner: Option<Name>) -> Self {
        self.owner = owner;
        self
    }

    /// The workspace whose object is in the way.
    pub(crate) fn owner(&self) -> Option<&Name> {
        self.owner.as_ref()
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a reconciler acts on.
    #[must_use]
    pub fn kind(&self) -> ClusterErrorKind {
        self.kind
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ClusterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn std::error::Error + 'static))
    }
}
