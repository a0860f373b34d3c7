//! Registering, logging in and out, and refreshing.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use coditect_auth::{Credentials, Granted, NewUser, SessionDetails};
use coditect_store::TenantId;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::views::{Done, GrantedView, UserView};
use crate::extract::{From, ShortJson, SignedIn};
use crate::problem::{Code, Problem, Result};
use crate::settings::RegistrationMode;
use crate::state::AppState;

/// Who wants an account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "tenant": "acme", "email": "bob@example.com", "password": "correct horse battery", "name": "Bob",
    "invitation": "coditect_invitation_AZjz..."
}))]
pub(super) struct RegisterBody {
    /// The tenant: the one that the invitation is of, or a new one.
    tenant: String,
    /// E-mail address.
    email: String,
    /// Password, 12 characters or more.
    #[schema(value_type = String)]
    password: SecretString,
    /// Name to show; the address when absent.
    #[serde(default)]
    name: String,
    /// The invitation's code; without one the tenant is founded, where that is open.
    #[schema(value_type = Option<String>)]
    invitation: Option<SecretString>,
}

/// Who wants to log in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"tenant": "acme", "email": "ada@example.com", "password": "correct horse battery", "workspace_id": "ws-7"}))]
pub(super) struct LoginBody {
    /// The tenant.
    tenant: String,
    /// E-mail address.
    email: String,
    /// Password.
    #[schema(value_type = String)]
    password: SecretString,
    /// The workspace that the IDE has open.
    workspace_id: Option<String>,
    /// Anything about the client, for lists of sessions; at most 16 kB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// A refresh token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "coditect_refresh_AgEx..."}))]
pub(super) struct RefreshBody {
    /// The one that the last login or refresh gave.
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

fn tenant(name: &str) -> Result<TenantId> {
    TenantId::new(name).map_err(|error| Problem::field("/tenant", error.to_string()))
}

/// Secrets are for their reader alone.
fn granted(granted: Granted) -> Response {
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (no_store, JsonAnswer(GrantedView::from(granted))).into_response()
}

/// Register.
///
/// With an invitation, in the tenant that it is of; where registration is open, also to found a tenant, as its administrator.
#[utoipa::path(
    post, operation_id = "register", path = "/auth/register", tag = "sign-in", request_body = RegisterBody, security(()),
    responses(
        (status = 201, description = "The account is there.", body = UserView),
        (status = 400, description = "A field is at fault, or the invitation is not valid."),
        (status = 403, description = "Registration is not open."),
        (status = 409, description = "The address has an account, or the tenant is there."),
        (status = 429, description = "Too many attempts; see `Retry-After`."),
    )
)]
pub(super) async fn register(
    State(app): State<AppState>,
    From(origin): From,
    ShortJson(body): ShortJson<RegisterBody>,
) -> Result<(StatusCode, JsonAnswer<UserView>)> {
    let tenant = tenant(&body.tenant)?;
    app.auth.attempt(&origin)?;
    let is_open = app.settings.auth.registration == RegistrationMode::Open;
    if is_open && body.invitation.is_none() && app.is_taken(&tenant).await? {
        let detail = "there is a tenant of that name: joining it needs an invitation";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let new = NewUser { email: body.email, password: body.password, name: body.name };
    let user = app.auth.register(&tenant, &new, body.invitation.as_ref(), &origin).await?;
    Ok((StatusCode::CREATED, JsonAnswer(user.into())))
}

/// Log in.
#[utoipa::path(
    post, operation_id = "login", path = "/auth/login", tag = "sign-in", request_body = LoginBody, security(()),
    responses(
        (status = 200, description = "A session, and the tokens for it.", body = GrantedView),
        (status = 400, description = "A field is at fault."),
        (status = 401, description = "Wrong tenant, e-mail or password."),
        (status = 429, description = "Too many attempts; see `Retry-After`."),
        (status = 503, description = "Too many logins at once; see `Retry-After`."),
    )
)]
pub(super) async fn login(
    State(app): State<AppState>,
    From(origin): From,
    ShortJson(body): ShortJson<LoginBody>,
) -> Result<Response> {
    let given = Credentials { tenant: tenant(&body.tenant)?, email: body.email, password: body.password };
    let details = SessionDetails { workspace_id: body.workspace_id, metadata: body.metadata.map(Value::Object) };
    Ok(granted(app.auth.login(&given, &details, &origin).await?))
}

/// Refresh.
///
/// Takes a refresh token for the next one and a new JWT of the same session. A token works once; within 30 seconds of its use it gives the same
/// next one again, so that tabs can refresh together. One that is used later was stolen, or its successor was: the session ends.
#[utoipa::path(
    post, operation_id = "refresh", path = "/auth/refresh", tag = "sign-in", request_body = RefreshBody, security(()),
    responses(
        (status = 200, description = "New tokens.", body = GrantedView),
        (status = 400, description = "A field is at fault."),
        (status = 401, description = "The token is not valid, or the session is over."),
    )
)]
pub(super) async fn refresh(
    State(app): State<AppState>,
    From(origin): From,
    ShortJson(body): ShortJson<RefreshBody>,
) -> Result<Response> {
    Ok(granted(app.auth.refresh(&body.refresh_token, &origin.request_id).await?))
}

/// Log out.
///
/// Ends the session of the request, with all its tokens.
#[utoipa::path(
    post, operation_id = "logout", path = "/auth/logout", tag = "sign-in",
    responses((status = 200, description = "The session is over.", body = Done))
)]
pub(super) async fn logout(SignedIn(acting): SignedIn) -> Result<JsonAnswer<Done>> {
    acting.logout().await?;
    Ok(JsonAnswer(Done::DONE))
}
