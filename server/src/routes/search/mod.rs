//! `POST /search` and `GET /search`: ranked passages.

pub(super) mod ask;
mod request;
mod response;

use std::time::Instant;

use axum::Json as JsonAnswer;
use axum::extract::State;
use coditect_engine::Tenant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::ask::ask;
use self::request::{Include, SearchQuery};
pub(super) use self::request::{SearchBody, SearchMode};
use self::response::SearchAnswer;
pub(super) use self::response::{degraded_text, mode_name};
use crate::extract::{Json, Query, Reader};
use crate::problem::Result;
use crate::state::{App, AppState};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search, search_get))
}

/// Search.
///
/// Finds the passages that answer a query best. `hybrid` fuses what vectors and keywords find. With `max_latency_ms` a hybrid
/// search whose query is not embedded in time answers from keywords alone and says so in `mode` and `degraded`.
#[utoipa::path(
    post, operation_id = "search", path = "/search", tag = "search", request_body = SearchBody,
    responses(
        (status = 200, description = "The best passages, best first.", body = SearchAnswer),
        (status = 400, description = "A field is at fault; `errors[].pointer` names it."),
        (status = 404, description = "A collection does not exist."),
        (status = 409, description = "A collection was embedded by another model than the server's."),
        (status = 503, description = "`min_version` is not visible yet, or too many requests; see `Retry-After`."),
    )
)]
async fn search(
    State(app): State<AppState>,
    Reader(tenant): Reader,
    Json(body): Json<SearchBody>,
) -> Result<JsonAnswer<SearchAnswer>> {
    answer(&app, &tenant, body).await
}

/// Search, for a browser or curl.
///
/// The same as `POST /search`, with the parameters in the query string.
#[utoipa::path(
    get, operation_id = "search_by_parameters", path = "/search", tag = "search", params(SearchQuery),
    responses(
        (status = 200, description = "The best passages, best first.", body = SearchAnswer),
        (status = 400, description = "A parameter is at fault; `errors[].pointer` names it."),
        (status = 404, description = "A collection does not exist."),
    )
)]
async fn search_get(
    State(app): State<AppState>,
    Reader(tenant): Reader,
    Query(query): Query<SearchQuery>,
) -> Result<JsonAnswer<SearchAnswer>> {
    let body = query.into_body()?;
    answer(&app, &tenant, body).await.map_err(request::by_parameter)
}

async fn answer(app: &App, tenant: &Tenant, body: SearchBody) -> Result<JsonAnswer<SearchAnswer>> {
    let started = Instant::now();
    let include = body.include.clone().unwrap_or_else(|| vec![Include::Text, Include::Highlights]);
    let answered = ask(app, tenant, body.into_ask()?).await?;
    Ok(JsonAnswer(SearchAnswer::new(answered, &include, started.elapsed())))
}
