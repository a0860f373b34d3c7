//! Documents: writing one or many, reading, deleting, listing.

mod list;
mod one;
mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn reads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(one::get))
}

pub(super) fn writes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(write::put)).routes(routes!(write::batch)).routes(routes!(one::delete))
}
