//! Who is let in, and for how long: a bounded number of requests at once, each with a bounded time. Who is not let in is told
//! at once when to come back.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Admits a request that reads.
pub(crate) async fn reads(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(app.settings.limits.read_timeout_ms);
    admit(&app.reads, limit, "reads", request, next).await
}

/// Admits a request that writes.
pub(crate) async fn writes(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(app.settings.limits.write_timeout_ms);
    admit(&app.writes, limit, "writes", request, next).await
}

/// Admits a request of somebody who signs in.
pub(crate) async fn sign_ins(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(app.settings.limits.read_timeout_ms);
    admit(&app.sign_ins, limit, "sign_ins", request, next).await
}

async fn admit(places: &Arc<Semaphore>, limit: Duration, kind: &'static str, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        metrics::counter!("http_requests_shed_total", "kind" => kind).increment(1);
        return Problem::new(Code::Overloaded, "too many requests at once, try again").into_response();
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = limit.as_secs_f32();
            Problem::new(Code::DeadlineExceeded, format!("not done within {seconds} s")).into_response()
        }
    }
}
