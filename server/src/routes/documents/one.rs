//! `GET` and `DELETE /documents/{collection}/{document_id}`.

use axum::Json as JsonAnswer;
use coditect_engine::model::{Passage, StoredDocument};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query, Reader, Writer};
use crate::pipeline::content_of;
use crate::problem::{Code, Problem, Result};
use crate::routes::places;

/// What to read of a document.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct GetQuery {
    /// A write's `version`: the answer shows that write.
    min_version: Option<String>,
}

/// A document with its text and its passages.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Document)]
pub(super) struct FullDocument {
    /// Its collection.
    collection: String,
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
    /// Hash of what the document was made from, 64 hexadecimal digits.
    content_hash: String,
    /// The commit that made this state.
    version: String,
    /// Length of the text in bytes.
    bytes: u64,
    /// First write.
    created_at: String,
    /// Last write that changed something.
    updated_at: String,
    /// The client's metadata and the text's front matter.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The whole text.
    text: String,
    /// The passages that the text was split into.
    passages: Vec<StoredPassage>,
}

/// A passage of a document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct StoredPassage {
    /// Its place in the document, from 0.
    ordinal: usize,
    /// Its text, exactly as in the source.
    text: String,
    /// Headings above it, outermost first.
    heading_path: Vec<String>,
    /// First line, from 1.
    line_start: u32,
    /// Last line.
    line_end: u32,
    /// First byte.
    byte_start: u64,
    /// Behind its last byte.
    byte_end: u64,
}

/// Read a document.
///
/// The id is percent-encoded; slashes may stay as they are. Text and passages are of one version.
#[utoipa::path(
    get, operation_id = "get_document", path = "/documents/{collection}/{*document_id}", tag = "documents",
    params(("collection" = String, Path, description = "The collection."), ("document_id" = String, Path, description = "The document's id, percent-encoded."), GetQuery),
    responses(
        (status = 200, description = "The document.", body = FullDocument),
        (status = 400, description = "A parameter is at fault."),
        (status = 404, description = "There is no such document."),
        (status = 503, description = "`min_version` is not visible yet; see `Retry-After`."),
    )
)]
pub(super) async fn get(
    Reader(tenant): Reader,
    Path((collection, document)): Path<(String, String)>,
    Query(query): Query<GetQuery>,
) -> Result<JsonAnswer<FullDocument>> {
    let (collection, document) = (places::read_collection(&collection)?, places::document(&document)?);
    places::wait_for(&tenant, places::min_version(query.min_version.as_deref())?).await?;
    let found = tenant.reading(&collection)?.document_with_text(&document).await?;
    let (stored, text, passages) = found.ok_or_else(|| {
        Problem::new(Code::NotFound, format!("there is no document {document} in collection {collection}"))
    })?;
    Ok(JsonAnswer(full(collection.to_string(), stored, text, passages)?))
}

fn full(collection: String, stored: StoredDocument, text: String, passages: Vec<Passage>) -> Result<FullDocument> {
    let head = stored.head;
    let metadata = serde_json::from_str(&head.metadata).map_err(Problem::internal)?;
    Ok(FullDocument {
        collection,
        document_id: stored.id.to_string(),
        kind: head.kind,
        language: head.language,
        title: head.title,
        source: head.source,
        content_hash: content_of(&head.content_hash).to_owned(),
        version: stored.version.to_string(),
        bytes: head.bytes,
        created_at: head.created_at.to_string(),
        updated_at: head.updated_at.to_string(),
        metadata,
        text,
        passages: passages.into_iter().enumerate().map(StoredPassage::from).collect(),
    })
}

impl From<(usize, Passage)> for StoredPassage {
    fn from((ordinal, passage): (usize, Passage)) -> Self {
        let location = passage.location;
        Self {
            ordinal,
            text: passage.text,
            heading_path: location.heading_path,
            line_start: location.lines.0,
            line_end: location.lines.1,
            byte_start: location.bytes.start,
            byte_end: location.bytes.end,
        }
    }
}

/// What a deletion did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"document_id": "guides/retries.md", "deleted": true, "version": "00000000000000a1f900"}))]
pub(super) struct Deleted {
    /// The id that was given.
    document_id: String,
    /// Whether there was such a document.
    deleted: bool,
    /// The version that shows that it is gone.
    version: String,
}

/// Delete a document.
///
/// Deleting what is not there succeeds with `deleted` false.
#[utoipa::path(
    delete, operation_id = "delete_document", path = "/documents/{collection}/{*document_id}", tag = "documents",
    params(("collection" = String, Path, description = "The collection."), ("document_id" = String, Path, description = "The document's id, percent-encoded.")),
    responses(
        (status = 200, description = "It is gone.", body = Deleted),
        (status = 400, description = "A parameter is at fault."),
        (status = 404, description = "There is no such collection."),
    )
)]
pub(super) async fn delete(
    writer: Writer,
    Path((collection, document)): Path<(String, String)>,
) -> Result<JsonAnswer<Deleted>> {
    let (collection, document) = (places::collection(&collection)?, places::document(&document)?);
    writer.charge(1, 0)?;
    let (deleted, version) = writer.tenant.delete(&collection, &document).await?;
    Ok(JsonAnswer(Deleted { document_id: document.to_string(), deleted, version: version.to_string() }))
}
