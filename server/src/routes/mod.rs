//! The routes, one concept a file, and what stands around them.

mod collection_search;
mod collections;
mod context;
mod documents;
mod health;
mod page;
mod places;
mod search;

use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::middleware::{admission, host, observe, panics, problems, request_id};
use crate::openapi;
use crate::problem::{Code, Problem};
use crate::settings::Settings;
use crate::state::AppState;

/// The routes that are in the API's description, without their middleware.
fn described(state: &AppState) -> OpenApiRouter<AppState> {
    let reads = search::routes().merge(context::routes()).merge(documents::reads()).merge(collections::reads());
    let writes = documents::writes().merge(collections::writes());
    OpenApiRouter::with_openapi(openapi::base())
        .merge(reads.layer(from_fn_with_state(state.clone(), admission::reads)))
        .merge(writes.layer(from_fn_with_state(state.clone(), admission::writes)))
        .merge(health::routes())
}

/// The whole application.
pub(crate) fn router(state: &AppState) -> Router {
    let (routes, api) = described(state).split_for_parts();
    let api = openapi::finish(api);
    routes
        .route("/openapi.json", axum::routing::get(async move || Json(api)))
        .merge(page::routes())
        .fallback(async || Problem::new(Code::NotFound, "there is no such route; GET /docs lists all").into_response())
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the route has no such method").into_response()
        })
        .layer(CatchPanicLayer::custom(panics::answer))
        .layer(from_fn_with_state(state.clone(), host::check))
        .layer(from_fn(problems::render))
        .layer(cors(&state.settings))
        .layer(CompressionLayer::new())
        .layer(from_fn(observe::observe))
        .layer(from_fn_with_state(state.clone(), request_id::assign))
        .with_state(state.clone())
}

/// The API's description, as `server/openapi.json` holds it.
pub fn description() -> OpenApi {
    let reads = search::routes().merge(context::routes()).merge(documents::reads()).merge(collections::reads());
    let all = reads.merge(documents::writes()).merge(collections::writes()).merge(health::routes());
    openapi::finish(OpenApiRouter::with_openapi(openapi::base()).merge(all).into_openapi())
}

fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings.cors.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, HeaderName::from_static("x-request-id")])
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER])
}
