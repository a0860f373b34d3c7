//! Sessions: looking at them, suspending, resuming and ending them.

use axum::Json as JsonAnswer;
use coditect_auth::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::views::{Done, Ended, SessionView};
use crate::extract::{Known, Path, Query, SignedIn};
use crate::problem::{Problem, Result};

/// Whose sessions.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// A user's, for administrators; the caller's own when absent.
    user_id: Option<String>,
}

/// Which sessions to end.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct EndQuery {
    /// Keep the session of this request.
    keep_this: Option<bool>,
}

/// Sessions, oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct SessionList {
    /// Those that are not over.
    sessions: Vec<SessionView>,
}

fn session_id(id: String) -> Result<SessionId> {
    SessionId::new(id).map_err(|error| Problem::from(error).at("/session_id"))
}

/// The session of this request.
#[utoipa::path(
    get, operation_id = "get_session", path = "/auth/session", tag = "sessions",
    responses((status = 200, description = "Its record.", body = SessionView))
)]
pub(super) async fn session(SignedIn(acting): SignedIn) -> Result<JsonAnswer<SessionView>> {
    Ok(JsonAnswer(acting.session().await?.into()))
}

/// List sessions.
#[utoipa::path(
    get, operation_id = "list_sessions", path = "/auth/sessions", tag = "sessions", params(ListQuery),
    responses(
        (status = 200, description = "Those that are not over.", body = SessionList),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn list(Known(acting): Known, Query(query): Query<ListQuery>) -> Result<JsonAnswer<SessionList>> {
    let user = query.user_id.map(UserId::new).transpose()?;
    let sessions = acting.sessions(user.as_ref()).await?;
    Ok(JsonAnswer(SessionList { sessions: sessions.into_iter().map(SessionView::from).collect() }))
}

/// End all sessions.
///
/// Those of the caller: everywhere, or everywhere else.
#[utoipa::path(
    delete, operation_id = "end_sessions", path = "/auth/sessions", tag = "sessions", params(EndQuery),
    responses(
        (status = 200, description = "So many were ended.", body = Ended),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn terminate_all(
    SignedIn(acting): SignedIn,
    Query(query): Query<EndQuery>,
) -> Result<JsonAnswer<Ended>> {
    let ended = acting.terminate_all(query.keep_this.unwrap_or_default()).await?;
    Ok(JsonAnswer(Ended { ended }))
}

/// End a session.
///
/// One's own, or for administrators anybody's of the tenant. Its next request is refused on every server.
#[utoipa::path(
    delete, operation_id = "end_session", path = "/auth/sessions/{session_id}", tag = "sessions",
    params(("session_id" = String, Path, description = "The session.")),
    responses(
        (status = 200, description = "It is over.", body = Done),
        (status = 400, description = "This is no session's id."),
        (status = 404, description = "There is none that the caller may end."),
    )
)]
pub(super) async fn terminate(Known(acting): Known, Path(id): Path<String>) -> Result<JsonAnswer<Done>> {
    acting.terminate(&session_id(id)?).await?;
    Ok(JsonAnswer(Done::DONE))
}

/// Suspend a session.
#[utoipa::path(
    post, operation_id = "suspend_session", path = "/auth/sessions/{session_id}/suspend", tag = "sessions",
    params(("session_id" = String, Path, description = "The session.")),
    responses(
        (status = 200, description = "It cannot be used until it is resumed.", body = Done),
        (status = 400, description = "This is no session's id."),
        (status = 404, description = "There is none that the caller may suspend."),
        (status = 409, description = "It has ended."),
    )
)]
pub(super) async fn suspend(Known(acting): Known, Path(id): Path<String>) -> Result<JsonAnswer<Done>> {
    acting.suspend(&session_id(id)?).await?;
    Ok(JsonAnswer(Done::DONE))
}

/// Resume a session.
#[utoipa::path(
    post, operation_id = "resume_session", path = "/auth/sessions/{session_id}/resume", tag = "sessions",
    params(("session_id" = String, Path, description = "The session.")),
    responses(
        (status = 200, description = "It can be used again.", body = Done),
        (status = 400, description = "This is no session's id."),
        (status = 404, description = "There is none that the caller may resume."),
        (status = 409, description = "It has ended, or was not used for too long."),
    )
)]
pub(super) async fn resume(Known(acting): Known, Path(id): Path<String>) -> Result<JsonAnswer<Done>> {
    acting.resume(&session_id(id)?).await?;
    Ok(JsonAnswer(Done::DONE))
}
