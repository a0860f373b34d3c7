//! The caller's own account.

use axum::Json as JsonAnswer;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::views::{Ended, UserView};
use crate::extract::{ShortJson, SignedIn};
use crate::problem::Result;

/// A new password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The current one.
    #[schema(value_type = String)]
    current: SecretString,
    /// The new one, 12 characters or more.
    #[schema(value_type = String)]
    password: SecretString,
}

/// Who am I.
#[utoipa::path(
    get, operation_id = "get_account", path = "/auth/me", tag = "sign-in",
    responses(
        (status = 200, description = "The account.", body = UserView),
        (status = 404, description = "It is kept by another service."),
    )
)]
pub(super) async fn me(SignedIn(acting): SignedIn) -> Result<JsonAnswer<UserView>> {
    Ok(JsonAnswer(acting.me().await?.into()))
}

/// Change the password.
///
/// Ends all other sessions of the user.
#[utoipa::path(
    post, operation_id = "change_password", path = "/auth/password", tag = "sign-in", request_body = PasswordBody,
    responses(
        (status = 200, description = "It is changed; so many other sessions were ended.", body = Ended),
        (status = 400, description = "The current one is wrong, or the new one is too weak."),
        (status = 404, description = "The account is kept by another service."),
    )
)]
pub(super) async fn password(
    SignedIn(acting): SignedIn,
    ShortJson(body): ShortJson<PasswordBody>,
) -> Result<JsonAnswer<Ended>> {
    let ended = acting.change_password(&body.current, &body.password).await?;
    Ok(JsonAnswer(Ended { ended }))
}
