//! For operators: health, readiness and metrics. These are answered however busy the server is.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json as JsonAnswer, Router};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::telemetry;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// What the listener for metrics answers.
pub(super) fn metrics_routes() -> Router<AppState> {
    Router::new().route("/metrics", axum::routing::get(metrics))
}

/// A sign of life.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether requests can be served.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Readiness {
    /// `ready`, `starting`, or `behind` when the store has not answered for a while.
    status: &'static str,
    /// Why not; absent when ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Every write up to this version is visible to searches.
    version: String,
}

/// Is the server alive.
#[utoipa::path(
    get, operation_id = "health", path = "/healthz", tag = "operation", security(()),
    responses((status = 200, description = "It is.", body = Health))
)]
async fn healthz() -> JsonAnswer<Health> {
    JsonAnswer(Health { status: "ok" })
}

/// Is the server ready.
///
/// It is, once the indexes have followed the change log to its head, and as long as they can follow it.
#[utoipa::path(
    get, operation_id = "readiness", path = "/readyz", tag = "operation", security(()),
    responses(
        (status = 200, description = "Searches show every write up to `version`.", body = Readiness),
        (status = 503, description = "The indexes are still being built, or the store does not answer.", body = Readiness),
    )
)]
async fn readyz(State(app): State<AppState>) -> Response {
    let state = app.engine.readiness();
    let version = state.version.to_string();
    let (status, reason) = match (state.ready, state.age) {
        (false, _) => ("starting", "the indexes are still being built from the change log".to_owned()),
        (true, Some(age)) if state.is_behind() => {
            ("behind", format!("the store has not answered for {} s; searches show what was there then", age.as_secs()))
        }
        (true, _) => return JsonAnswer(Readiness { status: "ready", reason: None, version }).into_response(),
    };
    let body = JsonAnswer(Readiness { status, reason: Some(reason), version });
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], body).into_response()
}

/// Metrics for Prometheus.
async fn metrics(State(app): State<AppState>) -> Response {
    telemetry::measure(&app).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()).into_response()
}
