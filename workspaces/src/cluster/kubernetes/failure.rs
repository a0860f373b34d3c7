//! What went wrong with a request to the API, and what that means for a workspace.

use std::fmt;
use std::time::Duration;

use kube::core::Status;

use crate::cluster::{ClusterError, ClusterErrorKind};

/// A request that was not answered as it should be.
#[derive(Debug)]
pub(super) enum Failure {
    /// The API said no.
    Status(Box<Status>),
    /// The API asks for a pause.
    Throttled(Duration),
    /// No answer came in time.
    Late,
    /// The connection failed, or what came was no answer.
    Away(kube::Error),
}

impl Failure {
    pub(super) fn of(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status),
            other => Self::Away(other),
        }
    }

    fn code(&self) -> u16 {
        match self {
            Self::Status(status) => status.code,
            _ => 0,
        }
    }

    /// Whether another attempt in a moment may do.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Late | Self::Away(_)) || matches!(self.code(), 429 | 500..)
    }

    pub(super) fn is_already_there(&self) -> bool {
        matches!(self, Self::Status(status) if status.is_already_exists())
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    pub(super) fn is_conflict(&self) -> bool {
        self.code() == 409 && !self.is_already_there()
    }

    /// Whether somebody else has set what server-side apply would change.
    pub(super) fn is_of_field_managers(&self) -> bool {
        self.is_conflict() && self.has_cause("FieldManagerConflict")
    }

    fn has_cause(&self, reason: &str) -> bool {
        let Self::Status(status) = self else { return false };
        status.details.iter().flat_map(|details| &details.causes).any(|cause| cause.reason == reason)
    }

    /// The failure together with the pause that the API has asked for.
    pub(super) fn paused(self, left: Duration) -> Self {
        match self.code() {
            429 => Self::Throttled(left),
            _ => self,
        }
    }

    pub(super) fn count(&self) {
        // Both are answers that are asked for.
        if !self.is_not_found() && !self.is_already_there() {
            metrics::counter!("workspaces_cluster_errors_total", "kind" => self.label()).increment(1);
        }
    }

    fn label(&self) -> &'static str {
        match (self, self.code()) {
            (Self::Throttled(_), _) | (_, 429) => "throttled",
            (Self::Late, _) => "late",
            (Self::Away(_), _) => "away",
            (_, 401 | 403) => "forbidden",
            (_, 404) => "not_found",
            (_, 409) => "conflict",
            (_, 500..) => "server",
            _ => "refused",
        }
    }

    /// What it means for a workspace that this was asked of its `part`. What the API says stays in the log: it may tell of others.
    pub(super) fn of_part(self, part: &str) -> ClusterError {
        if self.has_cause("NamespaceTerminating") {
            return ClusterError::waiting("its namespace is being deleted").caused_by(self);
        }
        match &self {
            Self::Throttled(left) => {
                let kind = ClusterErrorKind::Unavailable(*left);
                ClusterError::new(kind, "the cluster has too much to do").caused_by(self)
            }
            Self::Status(status) if !matches!(status.code, 401 | 404 | 409 | 429 | 500..) => {
                let places = places_of(status);
                let reason = if status.reason.is_empty() { "Unknown" } else { &status.reason };
                ClusterError::refused(format!("the cluster refuses its {part}: {reason}{places}")).caused_by(self)
            }
            Self::Status(status) if matches!(status.code, 404 | 409) => {
                ClusterError::waiting(format!("its {part} is being changed by somebody else")).caused_by(self)
            }
            _ => ClusterError::unavailable().caused_by(self),
        }
    }
}

/// The fields that the API names.
fn places_of(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<&str> = causes.map(|cause| cause.field.as_str()).filter(|field| !field.is_empty()).collect();
    if fields.is_empty() { String::new() } else { format!(" at {}", fields.join(", ")) }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{} {}: {}", status.code, status.reason, status.message),
            Self::Throttled(left) => write!(f, "the API asks for a pause of {left:?}"),
            Self::Late => f.write_str("no answer came in time"),
            Self::Away(_) => f.write_str("the API cannot be reached"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Away(error) => Some(error),
            _ => None,
        }
    }
}
