//! Invitations, for administrators.

use axum::Json as JsonAnswer;
use axum::http::StatusCode;
use coditect_auth::InvitationInfo;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users::PageQuery;
use super::views::{ActorView, Done, RoleView};
use crate::cursor;
use crate::extract::{Administrator, Path, Query, ShortJson};
use crate::problem::Result;

/// Who is invited.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"email": "bob@example.com"}))]
pub(super) struct InvitationBody {
    /// Whom it is for; anybody who has the code when absent.
    email: Option<String>,
    /// What whoever accepts it will be; a member when absent.
    role: RoleView,
}

/// An invitation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Invitation {
    /// Its id.
    invitation_id: String,
    /// Whom it is for; absent for anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// What whoever accepts it will be.
    role: RoleView,
    /// Who made it.
    created_by: ActorView,
    /// When it was made.
    created_at: String,
    /// Until when it can be accepted.
    expires_at: String,
}

/// An invitation with its code, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewInvitation {
    /// What is to be sent to whoever is invited.
    code: String,
    /// The invitation.
    invitation: Invitation,
}

/// A page of invitations.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct InvitationPage {
    /// Those that nobody has accepted, oldest first.
    invitations: Vec<Invitation>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

const SCOPE: &str = "invitations";

impl From<InvitationInfo> for Invitation {
    fn from(info: InvitationInfo) -> Self {
        Self {
            invitation_id: info.id.to_string(),
            email: info.email,
            role: info.role.into(),
            created_by: info.created_by.into(),
            created_at: info.created_at.to_string(),
            expires_at: info.expires_at.to_string(),
        }
    }
}

/// Invite.
///
/// The answer holds the code that is to be sent to whoever is invited; it can be used once, for seven days.
#[utoipa::path(
    post, operation_id = "invite", path = "/auth/invitations", tag = "users", request_body = InvitationBody,
    responses(
        (status = 201, description = "The invitation and its code.", body = NewInvitation),
        (status = 400, description = "A field is at fault."),
    )
)]
pub(super) async fn create(
    Administrator(acting): Administrator,
    ShortJson(body): ShortJson<InvitationBody>,
) -> Result<(StatusCode, JsonAnswer<NewInvitation>)> {
    let (info, code) = acting.invite(body.email.as_deref(), body.role.into()).await?;
    let made = NewInvitation { code: code.expose_secret().to_owned(), invitation: info.into() };
    Ok((StatusCode::CREATED, JsonAnswer(made)))
}

/// List invitations.
#[utoipa::path(
    get, operation_id = "list_invitations", path = "/auth/invitations", tag = "users", params(PageQuery),
    responses(
        (status = 200, description = "A page.", body = InvitationPage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn list(
    Administrator(acting): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<JsonAnswer<InvitationPage>> {
    let (after, limit) = query.page(SCOPE, |id| Ok(id.parse()?))?;
    let page = acting.invitations(after, limit).await?;
    let last = page.items.last().filter(|_| page.more);
    let next_cursor = last.map(|last| cursor::encode(&[SCOPE], &last.id.to_string()));
    let invitations = page.items.into_iter().map(Invitation::from).collect();
    Ok(JsonAnswer(InvitationPage { invitations, next_cursor }))
}

/// Take an invitation back.
#[utoipa::path(
    delete, operation_id = "take_invitation_back", path = "/auth/invitations/{invitation_id}", tag = "users",
    params(("invitation_id" = String, Path, description = "The invitation.")),
    responses(
        (status = 200, description = "It cannot be accepted any more.", body = Done),
        (status = 404, description = "There is none; it may have been accepted."),
    )
)]
pub(super) async fn take_back(
    Administrator(acting): Administrator,
    Path(id): Path<String>,
) -> Result<JsonAnswer<Done>> {
    acting.take_back(id.parse()?).await?;
    Ok(JsonAnswer(Done::DONE))
}
