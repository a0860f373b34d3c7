//! Live connections to workspaces: the sockets themselves, looking at them, and closing them.

use std::time::Duration;

use axum::Json as JsonAnswer;
use axum::extract::{FromRequestParts as _, Request, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use coditect_auth::{Caller, Connection, ConnectionId, WorkspaceId};
use coditect_websocket::token;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Known, Path, Peer, Query};
use crate::problem::{Code, Problem, Result};
use crate::state::AppState;
use crate::{cursor, gateway};

/// Where a listing goes on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A live connection to a workspace.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ConnectionView {
    /// Its id.
    connection_id: String,
    /// The workspace that it leads to.
    workspace_id: String,
    /// Whose it is.
    user_id: String,
    /// The session that it belongs to, with which it ends.
    session_id: String,
    /// Where it comes from.
    client: String,
    /// Whether it outlives its socket for a while.
    resumable: bool,
    /// Since when it has been there.
    opened_at: String,
}

/// A page of live connections.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ConnectionPage {
    /// Connections, oldest first.
    connections: Vec<ConnectionView>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

const SCOPE: &str = "connections";

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self {
            connection_id: connection.id.to_string(),
            workspace_id: connection.workspace.to_string(),
            user_id: connection.user.to_string(),
            session_id: connection.session.to_string(),
            client: connection.client,
            resumable: connection.resumable,
            opened_at: connection.opened_at.to_string(),
        }
    }
}

/// Routes behind the guard.
pub(super) fn guarded() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(close))
}

/// Routes that look at the token themselves: a page cannot set headers of a socket.
pub(super) fn sockets() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(socket)).routes(routes!(socket_below))
}

/// List live connections.
///
/// The caller's own; for administrators those of all users of the tenant. A page may hold fewer than there are, and the next one more.
#[utoipa::path(
    get, operation_id = "list_connections", path = "/connections", tag = "workspaces", params(ListQuery),
    responses(
        (status = 200, description = "Those that are there.", body = ConnectionPage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
async fn list(Known(acting): Known, Query(query): Query<ListQuery>) -> Result<JsonAnswer<ConnectionPage>> {
    let after = query.cursor.map(|cursor| cursor::decode(&[SCOPE], &cursor)).transpose()?;
    let after: Option<ConnectionId> = after.map(|after| after.parse()).transpose()?;
    let (connections, next) = acting.connections(after).await?;
    Ok(JsonAnswer(ConnectionPage {
        connections: connections.into_iter().map(ConnectionView::from).collect(),
        next_cursor: next.map(|next| cursor::encode(&[SCOPE], &next.to_string())),
    }))
}

/// Close a live connection.
///
/// One's own, or for administrators anybody's of the tenant. Its client is told 4403.
#[utoipa::path(
    delete, operation_id = "close_connection", path = "/connections/{connection_id}", tag = "workspaces",
    params(("connection_id" = String, Path, description = "The connection.")),
    responses(
        (status = 202, description = "Its sidecar was told."),
        (status = 404, description = "There is none that the caller may close."),
    )
)]
async fn close(Known(acting): Known, Path(id): Path<String>) -> Result<StatusCode> {
    acting.close_connection(id.parse()?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Connect to a workspace.
///
/// A WebSocket to the workspace's root. The token comes in `authorization`, as the subprotocol after `bearer`, or in the cookie that the workspace's pages have.
/// Clients that offer the subprotocol `coditect.resume.v1` get a connection that can be resumed. A token that is not valid and came as a subprotocol
/// is answered with a socket that is closed at once, with 4401, 4403, 4404 or 1013: a page sees nothing of a handshake that failed.
#[utoipa::path(
    get, operation_id = "connect_workspace", path = "/workspaces/{workspace_id}/ws", tag = "workspaces",
    params(("workspace_id" = String, Path, description = "The workspace.")),
    responses(
        (status = 101, description = "The socket."),
        (status = 404, description = "There is no such workspace of the caller's, or it does not run."),
        (status = 426, description = "The request is not for a WebSocket."),
        (status = 429, description = "The caller has as many sockets open as it may."),
        (status = 503, description = "The workspace does not answer."),
    )
)]
async fn socket(State(app): State<AppState>, Path(workspace): Path<String>, request: Request) -> Response {
    answer(&app, workspace, request).await
}

/// Connect to a path of a workspace.
///
/// As `/workspaces/{workspace_id}/ws`, for a socket of the workspace that is not at its root.
#[utoipa::path(
    get, operation_id = "connect_workspace_path", path = "/workspaces/{workspace_id}/ws/{*path}", tag = "workspaces",
    params(
        ("workspace_id" = String, Path, description = "The workspace."),
        ("path" = String, Path, description = "The socket's path in the workspace."),
    ),
    responses(
        (status = 101, description = "The socket."),
        (status = 404, description = "There is no such workspace of the caller's, it does not run, or it has no socket there."),
        (status = 426, description = "The request is not for a WebSocket."),
        (status = 429, description = "The caller has as many sockets open as it may."),
        (status = 503, description = "The workspace does not answer."),
    )
)]
async fn socket_below(
    State(app): State<AppState>,
    Path((workspace, _path)): Path<(String, String)>,
    request: Request,
) -> Response {
    answer(&app, workspace, request).await
}

async fn answer(app: &AppState, workspace: String, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let limit = Duration::from_millis(app.settings.limits.read_timeout_ms);
    let connected = tokio::time::timeout(limit, connect(app, workspace, Request::from_parts(parts.clone(), body)));
    let problem = match connected.await {
        Ok(Ok(response)) => return response,
        Ok(Err(problem)) => problem,
        Err(_) => Problem::new(Code::DeadlineExceeded, format!("not done within {} s", limit.as_secs_f32())),
    };
    if !token::is_by_protocol(&parts.headers) {
        return problem.into_response();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, app).await {
        Ok(upgrade) => refuse(upgrade, &problem),
        Err(_) => problem.into_response(),
    }
}

async fn connect(app: &AppState, workspace: String, request: Request) -> Result<Response> {
    let caller = gateway::known(app, request.headers()).await?;
    let place = app.tunnels.place(&caller)?;
    let workspace = WorkspaceId::new(workspace)?;
    let sidecar = gateway::sidecar(app, &caller, &workspace).await?;
    gateway::check_upgrade(&request)?;
    let target = gateway::target(request.uri())?;
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let tunnel = gateway::tunnel(app, request, peer, target, &sidecar, place);
    let (answer, ()) = tokio::join!(tunnel, used(app, &caller, &workspace));
    answer
}

/// Notes that a workspace is used, which takes one read beside the handshake and seldom a write. A sidecar's workspace need not be one of ours.
async fn used(app: &AppState, caller: &Caller, workspace: &WorkspaceId) {
    if let Err(error) = app.workspaces.touch(caller.tenant(), workspace).await {
        tracing::warn!(%error, %workspace, "the use of a workspace was not noted");
    }
}

/// A page sees nothing of a handshake that failed: it gets a socket that is closed with the reason.
fn refuse(upgrade: WebSocketUpgrade, problem: &Problem) -> Response {
    use axum::extract::ws::{CloseFrame, Message};
    let code = match problem.code.status() {
        StatusCode::UNAUTHORIZED => 4401,
        StatusCode::FORBIDDEN => 4403,
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => 4404,
        _ => 1013,
    };
    let reason = &problem.detail[..problem.detail.floor_char_boundary(crate::limits::CLOSE_REASON_BYTES)];
    let frame = CloseFrame { code, reason: reason.into() };
    upgrade.protocols([token::RESUME, token::BEARER]).on_upgrade(async move |mut socket| {
        // Who is gone by now needs no reason.
        let _ = socket.send(Message::Close(Some(frame))).await;
        let _ = tokio::time::timeout(crate::limits::GOODBYE_WAIT, socket.recv()).await;
    })
}
