//! `GET /documents`: the documents of a collection, or those whose last write failed, page by page.

use axum::Json as JsonAnswer;
use axum::extract::State;
use coditect_engine::documents::{ListQuery as Listing, Listed};
use coditect_engine::model::{DocumentId, DocumentState, StoredDocument};
use coditect_ingest::wire::DEFAULT_COLLECTION;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Query, Reader};
use crate::pipeline::PipelineId;
use crate::problem::{Problem, Result};
use crate::routes::places;
use crate::state::AppState;
use crate::{cursor, limits};

/// Which documents to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The collection, or `shared:` and a shared one; `default` when absent.
    collection: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Entries of a page, 1 to 1000; 100 when absent.
    limit: Option<usize>,
    /// Only ids that begin like this.
    prefix: Option<String>,
    /// `stored` (when absent) or `failed`: those whose last write failed.
    #[param(value_type = Option<String>)]
    state: Option<ListedState>,
}

/// Which documents a listing shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListedState {
    #[default]
    Stored,
    Failed,
}

impl ListedState {
    fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Failed => "failed",
        }
    }
}

/// A page of documents, in the order of their ids.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct DocumentPage {
    /// The entries: stored documents, or failures, as asked for.
    documents: Vec<Entry>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An entry of a page.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Entry {
    /// With `state=stored`.
    Stored(DocumentSummary),
    /// With `state=failed`.
    Failed(FailedDocument),
}

/// A stored document without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "document_id": "guides/retries.md", "kind": "documentation", "title": "Retries", "source": "guides/retries.md",
    "content_hash": "5c9b2a7e0d4f11c38a6be2f0971d53e4b8c60f2a94d7318e05bb6c1f7a2e9d48", "passages": 12, "bytes": 5120,
    "version": "00000000000000a1f300", "created_at": "2026-03-01T09:30:00Z", "updated_at": "2026-03-01T09:30:00Z"
}))]
pub(super) struct DocumentSummary {
    /// The id that the client chose.
    document_id: String,
    /// `documentation`, `code`, `agent_template` or a free word.
    kind: String,
    /// Programming language; absent for prose.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Title to show.
    title: String,
    /// Path or URL.
    source: String,
    /// Hash of what the document was made from. `stale-` stands before it when today's settings would split or embed the
    /// document differently: send it again.
    content_hash: String,
    /// Number of its passages.
    passages: u32,
    /// Length of the text in bytes.
    bytes: u64,
    /// The commit that made this state.
    version: String,
    /// First write.
    created_at: String,
    /// Last write that changed something.
    updated_at: String,
}

/// A document whose last write failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "document_id": "empty.md", "error": "the document has no text", "failed_at": "2026-03-01T09:30:00Z"
}))]
pub(super) struct FailedDocument {
    /// The id that the client chose.
    document_id: String,
    /// Why it failed.
    error: String,
    /// When.
    failed_at: String,
}

/// List documents.
///
/// `state=failed` lists the documents whose last write failed, with the reason; an older state of them may be stored all the same.
#[utoipa::path(
    get, operation_id = "list_documents", path = "/documents", tag = "documents", params(ListQuery),
    responses(
        (status = 200, description = "A page.", body = DocumentPage),
        (status = 400, description = "A parameter is at fault; `errors[].pointer` names it."),
        (status = 404, description = "There is no such collection."),
    )
)]
pub(super) async fn list(
    State(app): State<AppState>,
    Reader(tenant): Reader,
    Query(query): Query<ListQuery>,
) -> Result<JsonAnswer<DocumentPage>> {
    let name = places::read_collection(query.collection.as_deref().unwrap_or(DEFAULT_COLLECTION))?;
    let state = query.state.unwrap_or_default();
    let prefix = query.prefix.unwrap_or_default();
    let scope = ["documents", &name.to_string(), state.name(), &prefix];
    let after = query.cursor.map(|cursor| cursor::decode(&scope, &cursor)).transpose()?;
    let after = after.map(DocumentId::new).transpose().map_err(|error| Problem::from(error).at("/cursor"))?;
    let listing = Listing {
        after,
        limit: query.limit.unwrap_or(limits::PAGE_DEFAULT),
        state: match state {
            ListedState::Stored => DocumentState::Stored,
            ListedState::Failed => DocumentState::Failed,
        },
        prefix: prefix.clone(),
    };
    let page = tenant.reading(&name)?.documents(&listing).await?;
    let next_cursor = page.next.map(|last| cursor::encode(&scope, last.as_str()));
    let documents = page.documents.into_iter().map(|listed| entry(listed, app.pipeline.id())).collect();
    Ok(JsonAnswer(DocumentPage { documents, next_cursor }))
}

fn entry(listed: Listed, pipeline: &PipelineId) -> Entry {
    match listed {
        Listed::Stored(document) => Entry::Stored(summary(*document, pipeline)),
        Listed::Failed { id, failure } => Entry::Failed(FailedDocument {
            document_id: id.to_string(),
            error: failure.error,
            failed_at: failure.at.to_string(),
        }),
    }
}

fn summary(document: StoredDocument, pipeline: &PipelineId) -> DocumentSummary {
    let head = document.head;
    DocumentSummary {
        document_id: document.id.to_string(),
        kind: head.kind,
        language: head.language,
        title: head.title,
        source: head.source,
        content_hash: pipeline.comparable(&head.content_hash),
        passages: head.passages,
        bytes: head.bytes,
        version: document.version.to_string(),
        created_at: head.created_at.to_string(),
        updated_at: head.updated_at.to_string(),
    }
}
