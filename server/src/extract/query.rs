//! Parameters of the query string, decoded strictly: unknown, repeated and broken ones are refused by name.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::pointer::refusal;
use crate::limits;
use crate::problem::{Code, Problem, Result};
use crate::state::AppState;

/// The decoded parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self> {
        let text = parts.uri.query().unwrap_or_default();
        if text.len() > limits::QUERY_STRING_BYTES {
            let limit = limits::QUERY_STRING_BYTES;
            return Err(Problem::new(Code::InvalidRequest, format!("a query string has at most {limit} bytes here")));
        }
        check_utf8(text)?;
        let decoder = serde_urlencoded::Deserializer::new(form_pairs(text));
        let decoded = serde_path_to_error::deserialize(decoder);
        decoded.map(Self).map_err(|error| refusal(error.path(), &error.inner().to_string()))
    }
}

fn form_pairs(text: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(text.as_bytes())
}

/// The decoder would put replacement characters in place of what is not UTF-8.
fn check_utf8(text: &str) -> Result<()> {
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        if percent_decode_str(value).decode_utf8().is_err() || name.contains('\u{fffd}') {
            return Err(Problem::field(format!("/{name}"), "percent-encode UTF-8: the decoded value is not UTF-8"));
        }
    }
    Ok(())
}
