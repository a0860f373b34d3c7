//! The routes, one concept a file, and what stands around them.

mod auth;
mod collection_search;
mod collections;
mod connections;
mod context;
mod documents;
mod health;
mod page;
mod places;
mod search;
mod sidecars;
mod workspaces;

use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::middleware::{admission, guard, host, observe, panics, problems, request_id};
use crate::openapi;
use crate::problem::{Code, Problem};
use crate::settings::Settings;
use crate::state::AppState;

fn reads() -> OpenApiRouter<AppState> {
    search::routes()
        .merge(context::routes())
        .merge(documents::reads())
        .merge(collections::reads())
        .merge(auth::guarded())
        .merge(connections::guarded())
        .merge(workspaces::guarded())
}

fn writes() -> OpenApiRouter<AppState> {
    documents::writes().merge(collections::writes())
}

/// Routes that nobody can be asked to sign in for.
fn open() -> OpenApiRouter<AppState> {
    auth::open().merge(health::routes())
}

/// The routes that are in the API's description. Whatever is not open stands behind the guard.
fn described(state: &AppState) -> OpenApiRouter<AppState> {
    let guarded = OpenApiRouter::new()
        .merge(reads().layer(from_fn_with_state(state.clone(), admission::reads)))
        .merge(writes().layer(from_fn_with_state(state.clone(), admission::writes)))
        .layer(from_fn_with_state(state.clone(), guard::check));
    let signing_in = auth::open().layer(from_fn_with_state(state.clone(), admission::sign_ins));
    // Sockets have places of their own: a handshake may wait for a workspace, and a refusal is for their pages to see.
    let unadmitted = connections::sockets().merge(health::routes());
    OpenApiRouter::with_openapi(openapi::base()).merge(guarded).merge(signing_in).merge(unadmitted)
}

/// The whole application.
pub(crate) fn router(state: &AppState) -> Router {
    let (routes, api) = described(state).split_for_parts();
    let api = openapi::finish(api);
    let routes = routes
        .route("/openapi.json", axum::routing::get(async move || Json(api)))
        .merge(page::routes())
        .merge(sidecars::routes())
        .fallback(async || Problem::new(Code::NotFound, "there is no such route; GET /docs lists all").into_response())
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the route has no such method").into_response()
        });
    around(routes, state)
}

/// The application of the listener for metrics.
pub(crate) fn metrics_router(state: &AppState) -> Router {
    let routes = health::metrics_routes()
        .fallback(async || Problem::new(Code::NotFound, "there is /metrics here, and nothing else").into_response());
    around(routes, state)
}

/// What stands around all routes.
fn around(routes: Router<AppState>, state: &AppState) -> Router {
    routes
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
    let all = reads().merge(writes()).merge(connections::sockets()).merge(open());
    openapi::finish(OpenApiRouter::with_openapi(openapi::base()).merge(all).into_openapi())
}

fn cors(settings: &Settings) -> CorsLayer {
    let origins = settings.cors.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("x-request-id")])
        .expose_headers([HeaderName::from_static("x-request-id"), header::RETRY_AFTER, header::WWW_AUTHENTICATE])
}
