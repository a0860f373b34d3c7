//! The audit log, for administrators.

use axum::Json as JsonAnswer;
use coditect_auth::{AuditEntry, AuditPosition, AuditQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::views::ActorView;
use crate::extract::{Administrator, Query};
use crate::problem::Result;
use crate::{cursor, limits};

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Entries of a page, 1 to 1000; 100 when absent.
    limit: Option<usize>,
    /// Only those of this action, such as `document.put`, or of all that begin so, such as `document`.
    action: Option<String>,
}

/// What somebody did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditEntry, example = json!({
    "at": "2026-03-01T09:30:00Z", "actor": {"kind": "token", "id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e"},
    "action": "document.put", "target": "handbook/guides/retries.md", "request_id": "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e"
}))]
pub(super) struct EntryView {
    /// When.
    at: String,
    /// Who.
    actor: ActorView,
    /// What.
    action: String,
    /// To what.
    target: String,
    /// In which request, as in the server's log.
    request_id: String,
}

/// A page of the audit log, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct AuditPage {
    /// The entries.
    entries: Vec<EntryView>,
    /// Where the next page begins; absent at the end. A page can be short and have a next one, where few entries are of the wanted action.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            actor: entry.actor.into(),
            action: entry.action,
            target: entry.target,
            request_id: entry.request_id,
        }
    }
}

/// Read the audit log.
///
/// Who did what to which document, collection, session, user or token of the tenant. Entries are written in the same commit as what they tell of.
#[utoipa::path(
    get, operation_id = "list_audit", path = "/audit", tag = "audit", params(ListQuery),
    responses(
        (status = 200, description = "A page, newest first.", body = AuditPage),
        (status = 400, description = "A parameter is at fault."),
    )
)]
pub(super) async fn list(
    Administrator(acting): Administrator,
    Query(query): Query<ListQuery>,
) -> Result<JsonAnswer<AuditPage>> {
    let scope = ["audit", query.action.as_deref().unwrap_or_default()];
    let before = query.cursor.map(|cursor| cursor::decode(&scope, &cursor)).transpose()?;
    let before = before.map(|text| text.parse::<AuditPosition>()).transpose()?;
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let page = acting.audit(&AuditQuery { before, action: query.action.clone(), limit }).await?;
    let next_cursor = page.next.map(|next| cursor::encode(&scope, &next.to_string()));
    Ok(JsonAnswer(AuditPage {
        entries: page.entries.into_iter().map(|(_, entry)| entry.into()).collect(),
        next_cursor,
    }))
}
