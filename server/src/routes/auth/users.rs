//! Users, for administrators.

use axum::Json as JsonAnswer;
use coditect_auth::{UserChange, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::views::{RoleView, UserView};
use crate::extract::{Administrator, Path, Query, ShortJson};
use crate::problem::{Problem, Result};
use crate::{cursor, limits};

/// Which page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(in crate::routes) struct PageQuery {
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Entries of a page, 1 to 1000; 100 when absent.
    pub(super) limit: Option<usize>,
}

impl PageQuery {
    /// Where the page begins and how long it is at most.
    pub(in crate::routes) fn page<T>(
        self,
        scope: &str,
        parse: impl Fn(String) -> Result<T>,
    ) -> Result<(Option<T>, usize)> {
        let after = self.cursor.map(|cursor| cursor::decode(&[scope], &cursor)).transpose()?;
        Ok((after.map(parse).transpose()?, self.limit.unwrap_or(limits::PAGE_DEFAULT)))
    }
}

/// A page of users.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct UserPage {
    /// The users, in the order of their registration.
    users: Vec<UserView>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What of a user is to be another; what is absent stays.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"role": "administrator"}))]
pub(super) struct UserPatch {
    /// What it is.
    role: Option<RoleView>,
    /// Whether it cannot log in.
    disabled: Option<bool>,
}

const SCOPE: &str = "users";

/// List users.
#[utoipa::path(
    get, operation_id = "list_users", path = "/auth/users", tag = "users", params(PageQuery),
    responses(
        (status = 200, description = "A page.", body = UserPage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn list(
    Administrator(acting): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<JsonAnswer<UserPage>> {
    let (after, limit) = query.page(SCOPE, |id| Ok(UserId::new(id)?))?;
    let page = acting.users(after.as_ref(), limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor::encode(&[SCOPE], last.user_id.as_str()));
    Ok(JsonAnswer(UserPage { users: page.items.into_iter().map(UserView::from).collect(), next_cursor }))
}

/// Change a user.
///
/// Another role, or whether it can log in at all. Its sessions end when that changes what it may do.
#[utoipa::path(
    patch, operation_id = "change_user", path = "/auth/users/{user_id}", tag = "users",
    params(("user_id" = String, Path, description = "The user.")), request_body = UserPatch,
    responses(
        (status = 200, description = "It is changed.", body = UserView),
        (status = 400, description = "A field is at fault."),
        (status = 404, description = "There is no such user."),
        (status = 409, description = "Another administrator has to change one's own account."),
    )
)]
pub(super) async fn change(
    Administrator(acting): Administrator,
    Path(id): Path<String>,
    ShortJson(patch): ShortJson<UserPatch>,
) -> Result<JsonAnswer<UserView>> {
    let id = UserId::new(id).map_err(|error| Problem::from(error).at("/user_id"))?;
    let change = UserChange { role: patch.role.map(Into::into), disabled: patch.disabled };
    Ok(JsonAnswer(acting.change_user(&id, change).await?.into()))
}
