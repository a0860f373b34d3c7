//! Sign-in, sessions, users, invitations, service tokens and the audit log.

mod account;
mod audit;
mod invitations;
mod login;
mod sessions;
mod tokens;
mod users;
mod views;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
pub(super) use users::PageQuery;

/// Routes for whoever has no token yet, or an old one.
pub(super) fn open() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login::register)).routes(routes!(login::login)).routes(routes!(login::refresh))
}

/// Routes for those who are known.
pub(super) fn guarded() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(login::logout))
        .routes(routes!(account::me))
        .routes(routes!(account::password))
        .routes(routes!(sessions::session))
        .routes(routes!(sessions::list, sessions::terminate_all))
        .routes(routes!(sessions::terminate))
        .routes(routes!(sessions::suspend))
        .routes(routes!(sessions::resume))
        .routes(routes!(users::list))
        .routes(routes!(users::change))
        .routes(routes!(invitations::list, invitations::create))
        .routes(routes!(invitations::take_back))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::list))
}
