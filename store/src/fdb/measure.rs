//! What is counted of the operations on a cluster.

use std::time::Duration;

use crate::error::Error;
use crate::run;

/// An operation on the cluster that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    ReadVersion,
    Get,
    GetKey,
    GetRange,
    Commit,
}

impl Operation {
    fn label(self) -> &'static str {
        match self {
            Self::ReadVersion => "read_version",
            Self::Get => "get",
            Self::GetKey => "get_key",
            Self::GetRange => "get_range",
            Self::Commit => "commit",
        }
    }
}

/// Counts the time of an operation that succeeded, or the kind of its error.
pub(super) fn operation<T>(operation: Operation, took: Duration, result: &Result<T, Error>) {
    match result {
        Ok(_) => {
            metrics::histogram!("store_operation_seconds", "operation" => operation.label()).record(took.as_secs_f64());
        }
        Err(error) => {
            let labels = [("operation", operation.label()), ("kind", run::label(error.kind()))];
            metrics::counter!("store_operation_errors_total", &labels).increment(1);
        }
    }
}

/// Counts a commit that wrote something.
pub(super) fn commit<T>(bytes: usize, took: Duration, result: &Result<T, Error>) {
    match result {
        Ok(_) => {
            metrics::counter!("store_commits_total").increment(1);
            metrics::counter!("store_commit_bytes_total").increment(bytes as u64);
            metrics::histogram!("store_commit_seconds").record(took.as_secs_f64());
        }
        Err(error) => metrics::counter!("store_refused_total", "kind" => run::label(error.kind())).increment(1),
    }
}
