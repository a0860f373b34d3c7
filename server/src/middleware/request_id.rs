//! An id for every request: the client's own if it is harmless, else a new one. It is in the answer, in every problem and in
//! the log.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::limits;
use crate::state::AppState;

/// The header that carries the id, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being handled.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub String);

/// Gives the request its id and the answer the same.
pub(crate) async fn assign(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_harmless(id));
    let id = given.map_or_else(|| app.clock.uuid().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Ids go into logs: nothing that could be taken for something else.
fn is_harmless(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    !id.is_empty() && id.len() <= limits::REQUEST_ID_BYTES && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_ids_are_replaced() {
        assert!(is_harmless("0198f3a1-6f0e-7c3c"));
        for id in ["", "a b", "a\"b", "ü", &"x".repeat(65)] {
            assert!(!is_harmless(id), "{id:?}");
        }
    }
}
