//! What clients are told when something goes wrong: one table from kinds of failure to RFC 9457 problems.
//!
//! Text from inside never leaves: what a client reads is the table's title and a detail written for clients. The cause
//! goes to the log, beside the request's id.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coditect_auth::{Error as AuthError, ErrorKind as AuthErrorKind, Refusal};
use coditect_engine::{Error as EngineError, ErrorKind};
use coditect_ingest::embed::EmbedError;
use coditect_ingest::wire;
use coditect_store::TransactError;
use coditect_workspaces::{Error as WorkspaceError, ErrorKind as WorkspaceErrorKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits;

/// The content type of every error.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// The closed set of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The request has a field that cannot be right, or is no JSON.
    InvalidRequest,
    /// There is no such route, collection or document.
    NotFound,
    /// The route has no such method.
    MethodNotAllowed,
    /// The body came too slowly.
    RequestTimeout,
    /// The state of the collection does not allow it.
    Conflict,
    /// This server manages no cluster that workspaces could run in.
    NoCluster,
    /// The body is over its limit.
    BodyTooLarge,
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// There is a WebSocket, and it was not asked for.
    UpgradeRequired,
    /// The request was meant for another host.
    WrongHost,
    /// It is not known who sends the request.
    Unauthenticated,
    /// It is known who sends it, and that one may not.
    Forbidden,
    /// A limit is used up.
    TooManyRequests,
    /// A defect of ours.
    Internal,
    /// Too many requests at once.
    Overloaded,
    /// `min_version` is not visible here yet.
    Lagging,
    /// The embedder is away, failing or limiting the rate.
    EmbedderUnavailable,
    /// The workspace, or the sidecar beside it, does not answer.
    WorkspaceUnavailable,
    /// The store is away.
    StoreUnavailable,
    /// Handling took too long.
    DeadlineExceeded,
    /// The disk is full.
    StorageFull,
}

/// A line of the table.
struct Row {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    retry: bool,
}

impl Code {
    fn row(self) -> Row {
        let row = |status, slug, title| Row { status, slug, title, retry: false };
        let retry = |status, slug, title| Row { status, slug, title, retry: true };
        match self {
            Self::InvalidRequest => row(StatusCode::BAD_REQUEST, "invalid-request", "Invalid request"),
            Self::NotFound => row(StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => row(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed"),
            Self::RequestTimeout => row(StatusCode::REQUEST_TIMEOUT, "request-timeout", "Request came too slowly"),
            Self::Conflict => row(StatusCode::CONFLICT, "conflict", "Conflict"),
            Self::NoCluster => row(StatusCode::CONFLICT, "no-cluster", "No cluster for workspaces"),
            Self::BodyTooLarge => row(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large"),
            Self::UnsupportedMediaType => {
                row(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type")
            }
            Self::Unauthenticated => row(StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in"),
            Self::Forbidden => row(StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::TooManyRequests => row(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Limit used up"),
            Self::WrongHost => row(StatusCode::MISDIRECTED_REQUEST, "wrong-host", "Wrong host"),
            Self::UpgradeRequired => row(StatusCode::UPGRADE_REQUIRED, "upgrade-required", "Ask for a WebSocket"),
            Self::Internal => row(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Self::WorkspaceUnavailable => {
                retry(StatusCode::SERVICE_UNAVAILABLE, "workspace-unavailable", "The workspace does not answer")
            }
            Self::Overloaded => retry(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too many requests at once"),
            Self::Lagging => retry(StatusCode::SERVICE_UNAVAILABLE, "version-not-visible", "Version not visible yet"),
            Self::EmbedderUnavailable => {
                retry(StatusCode::SERVICE_UNAVAILABLE, "embedder-unavailable", "Embedder unavailable")
            }
            Self::StoreUnavailable => retry(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "Store unavailable"),
            Self::DeadlineExceeded => row(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", "Took too long"),
            Self::StorageFull => row(StatusCode::INSUFFICIENT_STORAGE, "storage-full", "Storage is full"),
        }
    }

    /// The status that the problem is answered with.
    pub fn status(self) -> StatusCode {
        self.row().status
    }

    /// The problem's `type`.
    pub fn uri(self) -> String {
        format!("urn:coditect:problem:{}", self.row().slug)
    }
}

/// A field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// RFC 6901 pointer into the body; for a parameter of the path or the query string, `/` and its name.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// An error as RFC 9457 describes it (`application/problem+json`).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:coditect:problem:invalid-request",
    "title": "Invalid request",
    "status": 400,
    "detail": "top_k is 1 to 1000",
    "errors": [{"pointer": "/top_k", "detail": "top_k is 1 to 1000"}],
    "request_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e"
}))]
pub struct ProblemBody {
    /// What kind of problem, as a URI that never changes.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this very request.
    pub detail: String,
    /// The fields at fault, where it is fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The request's id, as it is in the server's log.
    pub request_id: String,
}

/// A failure on its way to the client. `middleware::problems` turns it into a body.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which problem.
    pub code: Code,
    /// What is wrong, for the client.
    pub detail: String,
    /// The fields at fault.
    pub errors: Vec<FieldError>,
    /// What happened inside, for the log alone.
    pub cause: Option<Arc<dyn StdError + Send + Sync>>,
    /// How long to wait before another attempt.
    pub retry_after: Option<Duration>,
    /// How to prove who sends the request (RFC 6750).
    pub challenge: Option<&'static str>,
}

/// The result of a handler.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem without fields.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = clip(detail.into());
        Self { code, detail, errors: Vec::new(), cause: None, retry_after: None, challenge: None }
    }

    /// The same problem with the time after which another attempt has a chance.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The request's field at `pointer` is at fault.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = clip(detail.into());
        let errors = vec![FieldError { pointer: pointer.into(), detail: detail.clone() }];
        Self { errors, ..Self::new(Code::InvalidRequest, detail) }
    }

    /// A defect of ours; the cause is logged.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Code::Internal, "the request could not be handled because of an error inside the server")
            .caused_by(cause)
    }

    /// Attaches what happened inside.
    #[must_use]
    pub fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The same problem with its first field named by another pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        if let Some(first) = self.errors.first_mut() {
            first.pointer = pointer.into();
        }
        self
    }

    /// The same problem with every field's pointer below `prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        for error in &mut self.errors {
            error.pointer.insert_str(0, prefix);
        }
        self
    }

    /// The body for the client.
    pub fn body(&self, request_id: &str) -> ProblemBody {
        let row = self.code.row();
        ProblemBody {
            kind: self.code.uri(),
            title: row.title.into(),
            status: row.status.as_u16(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
            request_id: request_id.into(),
        }
    }

    /// The problem as a part of a batch's answer.
    pub fn outcome(&self) -> wire::Problem {
        let row = self.code.row();
        wire::Problem {
            kind: self.code.uri(),
            title: row.title.into(),
            status: row.status.as_u16(),
            detail: Some(self.detail.clone()),
            pointer: self.errors.first().map(|error| error.pointer.clone()),
        }
    }

    /// The cause and its causes, for the log.
    pub fn chain(&self) -> String {
        let mut text = String::new();
        let mut next = self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn StdError + 'static));
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

fn clip(text: String) -> String {
    match text.char_indices().nth(limits::PROBLEM_DETAIL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let row = self.code.row();
        let mut response = row.status.into_response();
        let usual = row.retry.then_some(u64::from(limits::RETRY_AFTER_SECONDS));
        let seconds = self.retry_after.map(|wait| wait.as_secs_f64().ceil().max(1.0) as u64).or(usual);
        if let Some(seconds) = seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::UpgradeRequired {
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Invalid { pointer } => Self::field(pointer.clone(), message),
            ErrorKind::NotFound => Self::new(Code::NotFound, message),
            ErrorKind::Conflict => Self::new(Code::Conflict, message),
            ErrorKind::Lagging => Self::new(Code::Lagging, message),
            ErrorKind::Unavailable => unavailable(error),
            _ => Self::internal(error),
        }
    }
}

fn unavailable(error: impl TransactError + StdError + Send + Sync + 'static) -> Problem {
    let full = error.store_error().is_some_and(|store| store.kind() == coditect_store::ErrorKind::Full);
    store_unavailable(full).caused_by(error)
}

fn store_unavailable(is_full: bool) -> Problem {
    match is_full {
        true => Problem::new(Code::StorageFull, "the server's disk is full: nothing of this request was stored"),
        false => Problem::new(Code::StoreUnavailable, "the store cannot be reached at the moment, try again"),
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let message = error.to_string();
        match error.kind() {
            AuthErrorKind::Invalid { pointer } => Self::field(*pointer, message),
            AuthErrorKind::Unauthenticated(refusal) => {
                let challenge = match refusal {
                    Refusal::Missing => "Bearer realm=\"coditect\"",
                    _ => "Bearer realm=\"coditect\", error=\"invalid_token\"",
                };
                Self { challenge: Some(challenge), ..Self::new(Code::Unauthenticated, message) }
            }
            AuthErrorKind::Forbidden => forbidden(message),
            AuthErrorKind::NotFound => Self::new(Code::NotFound, message),
            AuthErrorKind::Conflict => Self::new(Code::Conflict, message),
            AuthErrorKind::Throttled(wait) => Self::new(Code::TooManyRequests, message).retry_after(*wait),
            AuthErrorKind::Busy => Self::new(Code::Overloaded, message),
            AuthErrorKind::Unavailable => unavailable(error),
            _ => Self::internal(error),
        }
    }
}

fn forbidden(message: String) -> Problem {
    let challenge = Some("Bearer realm=\"coditect\", error=\"insufficient_scope\"");
    Problem { challenge, ..Problem::new(Code::Forbidden, message) }
}

impl From<WorkspaceError> for Problem {
    fn from(error: WorkspaceError) -> Self {
        let message = error.to_string();
        match error.kind() {
            WorkspaceErrorKind::Invalid { pointer } => Self::field(*pointer, message),
            WorkspaceErrorKind::Forbidden => forbidden(message),
            WorkspaceErrorKind::NotFound => Self::new(Code::NotFound, message),
            WorkspaceErrorKind::Conflict => Self::new(Code::Conflict, message),
            WorkspaceErrorKind::NoCluster => Self::new(Code::NoCluster, message),
            WorkspaceErrorKind::Unavailable => unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<EmbedError> for Problem {
    fn from(error: EmbedError) -> Self {
        match &error {
            EmbedError::Input { message, .. } => Self::field("/text", format!("cannot be embedded: {message}")),
            EmbedError::RateLimited { .. } => {
                Self::new(Code::EmbedderUnavailable, "the embedding provider limits the rate, try again")
                    .caused_by(error)
            }
            _ => Self::new(Code::EmbedderUnavailable, "the text could not be embedded at the moment").caused_by(error),
        }
    }
}
