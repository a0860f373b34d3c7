//! Service tokens, for administrators.

use axum::Json as JsonAnswer;
use axum::http::StatusCode;
use coditect_auth::{NewServiceToken, Scope, Scopes, ServiceTokenInfo};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::PageQuery;
use super::views::{ActorView, Done};
use crate::cursor;
use crate::extract::{Administrator, Path, Query, ShortJson};
use crate::problem::{Problem, Result};

/// A service token that is wanted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly ingest", "scopes": ["kb:read", "kb:write"], "collections": ["handbook"]}))]
pub(super) struct TokenBody {
    /// What it is for.
    name: String,
    /// What it shall allow: `kb:read`, `kb:write`, `agents`, `admin`.
    scopes: Vec<String>,
    /// The collections that it is confined to; all of the tenant, and the shared ones, when absent.
    collections: Option<Vec<String>>,
    /// When it shall end; never when absent.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// A service token, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ServiceToken {
    /// Its id.
    token_id: String,
    /// What it is for.
    name: String,
    /// What it allows.
    scopes: Vec<&'static str>,
    /// The collections that it is confined to; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    collections: Option<Vec<String>>,
    /// Who made it.
    created_by: ActorView,
    /// When it was made.
    created_at: String,
    /// When it ends; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// A service token with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewToken {
    /// What is sent as `authorization: Bearer`.
    token: String,
    /// What is known of it.
    service_token: ServiceToken,
}

/// A page of service tokens.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct TokenPage {
    /// The tokens, oldest first.
    tokens: Vec<ServiceToken>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

const SCOPE: &str = "tokens";

impl From<ServiceTokenInfo> for ServiceToken {
    fn from(info: ServiceTokenInfo) -> Self {
        Self {
            token_id: info.id.to_string(),
            name: info.name,
            scopes: info.scopes.iter().map(Scope::name).collect(),
            collections: info.collections.map(|names| names.into_iter().collect()),
            created_by: info.created_by.into(),
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.map(|end| end.to_string()),
        }
    }
}

/// Make a service token.
///
/// For agents and pipelines. It is in this answer and nowhere else: only a hash of it is kept.
#[utoipa::path(
    post, operation_id = "create_token", path = "/auth/tokens", tag = "tokens", request_body = TokenBody,
    responses(
        (status = 201, description = "The token.", body = NewToken),
        (status = 400, description = "A field is at fault."),
    )
)]
pub(super) async fn create(
    Administrator(acting): Administrator,
    ShortJson(body): ShortJson<TokenBody>,
) -> Result<(StatusCode, JsonAnswer<NewToken>)> {
    let scopes = body.scopes.iter().enumerate().map(|(position, name)| {
        name.parse().map_err(|error: coditect_auth::Error| Problem::from(error).at(format!("/scopes/{position}")))
    });
    let scopes: Vec<Scope> = scopes.collect::<Result<_>>()?;
    let wanted = NewServiceToken {
        name: body.name,
        scopes: Scopes::of(&scopes),
        collections: body.collections.map(|names| names.into_iter().collect()),
        expires_at: body.expires_at,
    };
    let (info, token) = acting.create_token(&wanted).await?;
    let made = NewToken { token: token.expose_secret().to_owned(), service_token: info.into() };
    Ok((StatusCode::CREATED, JsonAnswer(made)))
}

/// List service tokens.
#[utoipa::path(
    get, operation_id = "list_tokens", path = "/auth/tokens", tag = "tokens", params(PageQuery),
    responses(
        (status = 200, description = "A page.", body = TokenPage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn list(
    Administrator(acting): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<JsonAnswer<TokenPage>> {
    let (after, limit) = query.page(SCOPE, |id| Ok(id.parse()?))?;
    let page = acting.tokens(after, limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor::encode(&[SCOPE], &last.id.to_string()));
    Ok(JsonAnswer(TokenPage { tokens: page.items.into_iter().map(ServiceToken::from).collect(), next_cursor }))
}

/// Revoke a service token.
///
/// Its next request is refused on every server.
#[utoipa::path(
    delete, operation_id = "revoke_token", path = "/auth/tokens/{token_id}", tag = "tokens",
    params(("token_id" = String, Path, description = "The token's id.")),
    responses(
        (status = 200, description = "It is revoked.", body = Done),
        (status = 404, description = "There is no such token."),
    )
)]
pub(super) async fn revoke(Administrator(acting): Administrator, Path(id): Path<String>) -> Result<JsonAnswer<Done>> {
    acting.revoke_token(id.parse()?).await?;
    Ok(JsonAnswer(Done::DONE))
}
