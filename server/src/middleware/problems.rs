//! Turns every failure into `application/problem+json`: problems of handlers, and bare errors of the HTTP library.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::RequestId;
use crate::problem::{CONTENT_TYPE, Code, Problem};

/// Renders problems and logs what is behind them.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned().map_or_else(String::new, |id| id.0);
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| bare(&response));
    let Some(problem) = problem else { return response };
    log(&problem, &id);
    let body = serde_json::to_vec(&problem.body(&id)).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    HttpResponse::from_parts(parts, Body::from(body))
}

/// An error that no handler of ours made.
fn bare(response: &Response) -> Option<Problem> {
    let status = response.status();
    let has_body = response.headers().contains_key(header::CONTENT_TYPE);
    if has_body || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Problem::new(Code::NotFound, "there is no such route"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(Code::MethodNotAllowed, "the route has no such method"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::BodyTooLarge, "the body is too large"),
        status if status.is_client_error() => Problem::new(Code::InvalidRequest, "the request cannot be understood"),
        _ => Problem::new(Code::Internal, "the request could not be handled"),
    })
}

fn log(problem: &Problem, request_id: &str) {
    let (status, chain) = (problem.code.status(), problem.chain());
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request_id, cause = chain, "internal error");
    } else if !chain.is_empty() {
        tracing::warn!(request_id, status = status.as_u16(), cause = chain, "request failed");
    } else {
        tracing::debug!(request_id, status = status.as_u16(), detail = problem.detail, "request refused");
    }
}
