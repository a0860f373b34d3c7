//! One log line and the metrics of each request. No query, id or body is logged: only the route's template.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::RequestId;
use crate::limits;

/// The route of what fits none.
const UNMATCHED: &str = "unmatched";

/// Counts down when the request is over, however it ends.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
    }
}

/// Observes a request.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let _in_flight = InFlight::enter();
    let route = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>().cloned().map_or_else(String::new, |id| id.0);
    let method = method_name(request.method());
    let started = Instant::now();
    let response = next.run(request).await;
    record(method, &route, response.status().as_u16(), started.elapsed(), &id);
    response
}

/// Methods are labels: a client cannot make up new ones.
fn method_name(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

fn record(method: &'static str, route: &str, status: u16, took: Duration, request_id: &str) {
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(took);
    let ms = (took.as_secs_f64() * 1e4).round() / 10.0;
    if matches!(route, "/healthz" | "/readyz" | "/metrics") {
        tracing::debug!(request_id, method, route, status, ms, "request");
    } else if took > limits::SLOW_REQUEST {
        tracing::info!(request_id, method, route, status, ms, "slow request");
    } else {
        tracing::info!(request_id, method, route, status, ms, "request");
    }
}
