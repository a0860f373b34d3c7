//! Parameters of the path, percent-decoded.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::{Code, Problem, Result};
use crate::state::AppState;

/// The decoded parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(decoded)) => Ok(Self(decoded)),
            Err(PathRejection::FailedToDeserializePathParams(failed)) => Err(describe(failed.into_kind())),
            Err(rejection) => Err(Problem::internal(rejection)),
        }
    }
}

fn describe(kind: ErrorKind) -> Problem {
    match kind {
        ErrorKind::InvalidUtf8InPathParam { key } => {
            Problem::field(format!("/{key}"), "percent-encode UTF-8: the decoded path is not UTF-8")
        }
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            Problem::field(format!("/{key}"), format!("expected {expected_type}"))
        }
        _ => Problem::new(Code::InvalidRequest, "the path cannot be decoded"),
    }
}
