//! Error answers: problem documents of RFC 9457, or whatever else a proxy on the way may answer.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::error::ClientError;
use super::limits;

/// What an error answer says. Every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ProblemDetails {
    /// Short name of the kind of problem.
    #[serde(default)]
    pub title: String,
    /// What is wrong with this very request.
    #[serde(default)]
    pub detail: Option<String>,
    /// JSON pointer to the one field at fault.
    #[serde(default)]
    pub pointer: Option<String>,
    /// All fields at fault.
    #[serde(default)]
    pub errors: Vec<Fault>,
    /// The server's name for the request, to find it in its log.
    #[serde(default)]
    pub request_id: Option<String>,
}

/// A field at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Fault {
    /// JSON pointer to the field.
    #[serde(default)]
    pub pointer: String,
    /// What is wrong with it.
    #[serde(default)]
    pub detail: String,
}

impl fmt::Display for ProblemDetails {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.title)?;
        if let Some(detail) = self.detail.as_deref().filter(|detail| !detail.is_empty()) {
            write!(out, ": {detail}")?;
        }
        if let Some(pointer) = &self.pointer {
            write!(out, " (at {pointer})")?;
        }
        for fault in &self.errors {
            match Some(fault.detail.as_str()) == self.detail.as_deref() {
                true => write!(out, " (at {})", fault.pointer)?,
                false => write!(out, " (at {}: {})", fault.pointer, fault.detail)?,
            }
        }
        match &self.request_id {
            Some(id) => write!(out, " [request {id}]"),
            None => Ok(()),
        }
    }
}

/// Accepts a 404 that the gateway itself gave. One from anything else means that the address is wrong.
pub(super) async fn absent(response: Response) -> Result<(), ClientError> {
    match is_problem(&response) {
        true => Ok(()),
        false => Err(refusal(response).await),
    }
}

/// Reads an answer that is no success.
pub(super) async fn refusal(response: Response) -> ClientError {
    let status = response.status();
    let retry_after = retry_after(&response);
    let body = beginning(response).await;
    let mut problem: ProblemDetails = serde_json::from_slice(&body)
        .unwrap_or_else(|_| ProblemDetails { detail: excerpt(&body), ..ProblemDetails::default() });
    if problem.title.is_empty() {
        problem.title = name_of(status);
    }
    ClientError::Status { status, problem: Box::new(problem), retry_after }
}

fn is_problem(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/problem+json"))
}

fn name_of(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// `Retry-After` in seconds. The form with a date needs a clock in common with the server, and is left alone.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// As much of a body as an error needs; what breaks off is shown as far as it came.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= limits::PROBLEM_BYTES {
            break;
        }
    }
    body
}

fn excerpt(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = printable.take(limits::EXCERPT_CHARS).collect();
    Some(short.trim().to_owned()).filter(|short| !short.is_empty())
}
