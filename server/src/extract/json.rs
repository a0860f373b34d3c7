//! A JSON body: bounded in size and time, decoded strictly, refused with the field's name.

use std::time::Duration;

use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::pointer::refusal;
use crate::limits;
use crate::problem::{Code, Problem, Result};
use crate::state::AppState;

/// The decoded body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body of a few fields, as strangers may send one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShortJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for ShortJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self> {
        check_content_type(&request)?;
        let bounds = &state.settings.limits;
        let limit = bounds.body_bytes.min(limits::SHORT_BODY_BYTES);
        let body = read(request, limit, Duration::from_millis(bounds.body_timeout_ms)).await?;
        decode(&body).map(Self)
    }
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self> {
        check_content_type(&request)?;
        let bounds = &state.settings.limits;
        let body = read(request, bounds.body_bytes, Duration::from_millis(bounds.body_timeout_ms)).await?;
        if body.len() <= limits::PARSE_INLINE_BYTES {
            return decode(&body).map(Self);
        }
        let decoded = tokio::task::spawn_blocking(move || decode(&body)).await;
        decoded.map_err(Problem::internal)?.map(Self)
    }
}

fn check_content_type(request: &Request) -> Result<()> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        true => Ok(()),
        false => Err(Problem::new(Code::UnsupportedMediaType, "send a JSON body with content-type: application/json")),
    }
}

async fn read(request: Request, limit: u64, patience: Duration) -> Result<Bytes> {
    let too_large = || Problem::new(Code::BodyTooLarge, format!("a body has at most {limit} bytes here"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(too_large());
    }
    let bounded = Limited::new(request.into_body(), usize::try_from(limit).unwrap_or(usize::MAX));
    match tokio::time::timeout(patience, bounded.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Code::InvalidRequest, "the body ended before it was complete")),
        Err(_) => {
            let seconds = patience.as_secs_f32();
            Err(Problem::new(Code::RequestTimeout, format!("the body was not complete within {seconds} s")))
        }
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::field("", format!("the body is not UTF-8: byte {} cannot be decoded", error.valid_up_to()))
    })?;
    // Derived decoders also take an array for an object, field by field; an API does not.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::field("", "the body must be a JSON object"));
    }
    let mut decoder = serde_json::Deserializer::from_str(text);
    let decoded = serde_path_to_error::deserialize(&mut decoder).map_err(|error| describe(&error, text))?;
    decoder.end().map_err(|error| Problem::field("", format!("the body is not JSON: {error}")))?;
    Ok(decoded)
}

fn describe(error: &serde_path_to_error::Error<serde_json::Error>, text: &str) -> Problem {
    let inner = error.inner();
    if inner.is_data() || inner.to_string().starts_with("number out of range") {
        return refusal(error.path(), &inner.to_string());
    }
    // The decoder also calls a value of the wrong type a syntax error where it looks for a name.
    let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    if inner.to_string().starts_with("expected value") && is_json() {
        return refusal(error.path(), "a value of another type is expected");
    }
    Problem::field("", format!("the body is not JSON that can be read: {inner}"))
}

/// A route whose body may be left out.
impl<T: DeserializeOwned + Send + 'static> OptionalFromRequest<AppState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Option<Self>> {
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH).map_or(b"0".as_slice(), |value| value.as_bytes());
        let empty = length == b"0" && !headers.contains_key(header::TRANSFER_ENCODING);
        if empty && !headers.contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<AppState>>::from_request(request, state).await.map(Some)
    }
}
