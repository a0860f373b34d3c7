//! Workspaces of users: making one, looking at them, and saying what they shall be. What is wished is written down and answered at once; the cluster follows.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use coditect_auth::{UserId, WorkspaceId};
use coditect_workspaces::{NewWorkspace, Wanted, Workspace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::PageQuery;
use crate::cursor;
use crate::extract::{Known, Path, Query, ShortJson};
use crate::problem::{Problem, Result};
use crate::state::AppState;

/// A workspace that is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "main"}))]
pub(super) struct CreateWorkspace {
    /// What it shall be called.
    name: String,
    /// Whose it shall be, of the same tenant; the caller's own when absent. Another's takes an administrator.
    #[serde(default)]
    user_id: Option<String>,
}

/// A workspace.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Workspace, example = json!({
    "workspace_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "user_id": "0198f39f-1c7a-7d41-8f0e-2a4b6c8d0e1f", "name": "main",
    "state": "running", "wanted": "running", "pod_namespace": "user-0198f39f-1c7a-7d41-8f0e-2a4b6c8d0e1f",
    "pod_name": "workspace-0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e", "created_at": "2026-03-01T09:30:00Z",
    "state_since": "2026-03-01T09:30:21.4Z", "last_active_at": "2026-03-01T09:45:00Z"
}))]
struct WorkspaceView {
    /// Its id.
    workspace_id: String,
    /// Whose it is.
    user_id: String,
    /// What it is called.
    name: String,
    /// How it was seen last: `pending`, `running`, `suspended`, `terminated` or `failed`.
    state: &'static str,
    /// What it shall be: `running`, `suspended` or `terminated`.
    wanted: &'static str,
    /// Why it is not what it shall be, if more than time is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Namespace of its pod.
    pod_namespace: String,
    /// Its pod.
    pod_name: String,
    /// When it was made.
    created_at: String,
    /// Since when it is in its state.
    state_since: String,
    /// When somebody used it last, at most some minutes late.
    last_active_at: String,
}

/// A page of workspaces.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct WorkspacePage {
    /// Workspaces, oldest first.
    workspaces: Vec<WorkspaceView>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

const SCOPE: &str = "workspaces";

impl From<Workspace> for WorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            workspace_id: workspace.id.to_string(),
            user_id: workspace.user.to_string(),
            name: workspace.name,
            state: workspace.state.name(),
            wanted: workspace.wanted.state().name(),
            message: workspace.message,
            pod_namespace: workspace.pod_namespace,
            pod_name: workspace.pod_name,
            created_at: workspace.created_at.to_string(),
            state_since: workspace.since.to_string(),
            last_active_at: workspace.last_active_at.to_string(),
        }
    }
}

/// Routes behind the guard.
pub(super) fn guarded() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(one, delete))
        .routes(routes!(suspend))
        .routes(routes!(resume))
}

/// Make a workspace.
///
/// It is started then: look at it until its state is `running`.
#[utoipa::path(
    post, operation_id = "create_workspace", path = "/workspaces", tag = "workspaces", request_body = CreateWorkspace,
    responses(
        (status = 201, description = "It is made, and not running yet.", body = WorkspaceView),
        (status = 400, description = "A field is at fault, or there is no such user."),
        (status = 409, description = "The user or its tenant has as many as it may, or this server has no cluster (`no-cluster`)."),
    )
)]
async fn create(
    State(app): State<AppState>,
    Known(acting): Known,
    ShortJson(wanted): ShortJson<CreateWorkspace>,
) -> Result<(StatusCode, JsonAnswer<WorkspaceView>)> {
    let user = wanted.user_id.map(UserId::new).transpose();
    let user = user.map_err(|error| Problem::from(error).at("/user_id"))?;
    let made = app.workspaces.create(&acting, &NewWorkspace { name: wanted.name, user }).await?;
    Ok((StatusCode::CREATED, JsonAnswer(made.into())))
}

/// List workspaces.
///
/// The caller's own; for administrators those of all users of the tenant. Deleted ones are shown for a while.
#[utoipa::path(
    get, operation_id = "list_workspaces", path = "/workspaces", tag = "workspaces", params(PageQuery),
    responses(
        (status = 200, description = "A page.", body = WorkspacePage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
async fn list(
    State(app): State<AppState>,
    Known(acting): Known,
    Query(query): Query<PageQuery>,
) -> Result<JsonAnswer<WorkspacePage>> {
    let (after, limit) = query.page(SCOPE, |id| Ok(WorkspaceId::new(id)?))?;
    let page = app.workspaces.list(&acting, after.as_ref(), limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor::encode(&[SCOPE], last.id.as_str()));
    let workspaces = page.items.into_iter().map(WorkspaceView::from).collect();
    Ok(JsonAnswer(WorkspacePage { workspaces, next_cursor }))
}

/// Look at a workspace.
#[utoipa::path(
    get, operation_id = "get_workspace", path = "/workspaces/{workspace_id}", tag = "workspaces",
    params(("workspace_id" = String, Path, description = "The workspace.")),
    responses(
        (status = 200, description = "The workspace.", body = WorkspaceView),
        (status = 404, description = "There is none that the caller may see."),
    )
)]
async fn one(
    State(app): State<AppState>,
    Known(acting): Known,
    Path(id): Path<String>,
) -> Result<JsonAnswer<WorkspaceView>> {
    Ok(JsonAnswer(app.workspaces.get(&acting, &named(id)?).await?.into()))
}

/// Delete a workspace.
///
/// Its files go as well. It counts as one of its user's until its state is `terminated`.
#[utoipa::path(
    delete, operation_id = "delete_workspace", path = "/workspaces/{workspace_id}", tag = "workspaces",
    params(("workspace_id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, description = "It will be deleted.", body = WorkspaceView),
        (status = 404, description = "There is none that the caller may delete."),
    )
)]
async fn delete(app: State<AppState>, acting: Known, id: Path<String>) -> Wished {
    wish(app, acting, id, Wanted::Terminated).await
}

/// Suspend a workspace.
///
/// Its pod is stopped; its files stay.
#[utoipa::path(
    post, operation_id = "suspend_workspace", path = "/workspaces/{workspace_id}/suspend", tag = "workspaces",
    params(("workspace_id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, description = "It will be suspended.", body = WorkspaceView),
        (status = 404, description = "There is none that the caller may suspend."),
        (status = 409, description = "It was deleted."),
    )
)]
async fn suspend(app: State<AppState>, acting: Known, id: Path<String>) -> Wished {
    wish(app, acting, id, Wanted::Suspended).await
}

/// Resume a workspace.
///
/// One that was suspended starts; one that has failed is tried again at once.
#[utoipa::path(
    post, operation_id = "resume_workspace", path = "/workspaces/{workspace_id}/resume", tag = "workspaces",
    params(("workspace_id" = String, Path, description = "The workspace.")),
    responses(
        (status = 202, description = "It will run.", body = WorkspaceView),
        (status = 404, description = "There is none that the caller may resume."),
        (status = 409, description = "It was deleted, or this server has no cluster (`no-cluster`)."),
    )
)]
async fn resume(app: State<AppState>, acting: Known, id: Path<String>) -> Wished {
    wish(app, acting, id, Wanted::Running).await
}

type Wished = Result<(StatusCode, JsonAnswer<WorkspaceView>)>;

async fn wish(State(app): State<AppState>, Known(acting): Known, Path(id): Path<String>, wanted: Wanted) -> Wished {
    let (workspaces, id) = (&app.workspaces, &named(id)?);
    let wished = match wanted {
        Wanted::Running => workspaces.resume(&acting, id).await?,
        Wanted::Suspended => workspaces.suspend(&acting, id).await?,
        Wanted::Terminated => workspaces.delete(&acting, id).await?,
    };
    Ok((StatusCode::ACCEPTED, JsonAnswer(wished.into())))
}

fn named(id: String) -> Result<WorkspaceId> {
    WorkspaceId::new(id).map_err(|error| Problem::from(error).at("/workspace_id"))
}
