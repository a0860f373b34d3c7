//! Why a request did not succeed, and what a caller does about it.

use std::time::Duration;

use reqwest::StatusCode;

use super::problem::ProblemDetails;

/// What a caller does about a [`ClientError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server is away or busy (no connection, 429, 502, 503, 507): the same request succeeds later.
    Unavailable,
    /// The request takes too long (408, 504, our own time-out): a smaller one has better chances.
    Slow,
    /// The request is too large (413): only a smaller one can succeed.
    TooLarge,
    /// The server is broken (500 and the like, an unreadable answer): a few more tries are worth it.
    Broken,
    /// The request's content is at fault.
    Refused,
    /// No request of ours will be served: the token is wrong, or this is not a Coditect gateway.
    Hopeless,
}

impl Verdict {
    /// What the status of a whole answer, or of one document's problem, means for the sender.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            429 | 502 | 503 | 507 => Self::Unavailable,
            408 | 504 => Self::Slow,
            413 => Self::TooLarge,
            300..=399 | 401 | 403 | 404 | 405 | 421 => Self::Hopeless,
            400..=499 => Self::Refused,
            _ => Self::Broken,
        }
    }
}

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No answer came.
    #[error("the server cannot be reached: {}", cause(.0))]
    Transport(#[source] reqwest::Error),
    /// An answer came that is no success.
    #[error("{problem}")]
    Status {
        /// The status of the answer.
        status: StatusCode,
        /// What the server says about it.
        problem: Box<ProblemDetails>,
        /// How long the server asks us to wait.
        retry_after: Option<Duration>,
    },
    /// An answer came that cannot be understood.
    #[error("{message}{}", also(.source.as_ref()))]
    Undecodable {
        /// What is odd about it.
        message: String,
        /// Where decoding stopped.
        source: Option<serde_json::Error>,
    },
    /// The id cannot be written into a URL.
    #[error("the id `{0}` cannot be named in a URL")]
    Unnameable(String),
}

impl ClientError {
    pub(super) fn transport(error: reqwest::Error) -> Self {
        Self::Transport(error.without_url())
    }

    pub(super) fn undecodable(message: impl Into<String>) -> Self {
        Self::Undecodable { message: message.into(), source: None }
    }

    pub(super) fn caused_by(self, error: serde_json::Error) -> Self {
        match self {
            Self::Undecodable { message, .. } => Self::Undecodable { message, source: Some(error) },
            other => other,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Transport(error) if error.is_timeout() && !error.is_connect() => Verdict::Slow,
            Self::Transport(error) if error.is_builder() => Verdict::Refused,
            Self::Transport(_) => Verdict::Unavailable,
            Self::Status { status, .. } => Verdict::of_status(status.as_u16()),
            Self::Undecodable { .. } => Verdict::Broken,
            Self::Unnameable(_) => Verdict::Refused,
        }
    }

    /// How long the server asks us to wait before the next try.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What a person can do about it, where that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Transport(error) if error.is_connect() => {
                Some("is it running? name another with --server or CODITECT_SERVER")
            }
            Self::Transport(_) | Self::Unnameable(_) => None,
            Self::Undecodable { .. } => Some("do server and command have the same version?"),
            Self::Status { status, .. } => hint_of_status(*status),
        }
    }
}

fn hint_of_status(status: StatusCode) -> Option<&'static str> {
    match status.as_u16() {
        401 => Some("give a token with --token or CODITECT_TOKEN"),
        403 => Some("the token does not allow this; give another with --token or CODITECT_TOKEN"),
        404 | 405 => Some("is --server the address of a Coditect gateway?"),
        413 => Some("split the document, or raise the server's limit"),
        429 | 503 => Some("the server is busy; try again later"),
        507 => Some("make room on the server's disk"),
        300..=399 => Some("give the final address with --server"),
        _ => None,
    }
}

/// The innermost cause, which is the one that tells something ("connection refused").
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn also(source: Option<&serde_json::Error>) -> String {
    source.map(|error| format!(": {error}")).unwrap_or_default()
}
