//! `POST /documents` and `POST /documents/batch`.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use coditect_ingest::wire::{BatchRequest, BatchResponse, DocumentInput, WriteOutcome, WriteStatus};

use crate::extract::{Json, Writer};
use crate::pipeline::Written;
use crate::problem::{Problem, Result};
use crate::state::AppState;

/// Store a document.
///
/// Replaces the document's earlier self atomically; the same content again is `unchanged` and costs nothing. The answer's
/// `version` is the commit: a search with it as `min_version` finds the document.
#[utoipa::path(
    post, operation_id = "put_document", path = "/documents", tag = "documents", request_body = DocumentInput,
    responses(
        (status = 200, description = "It replaced its earlier self, or was there already.", body = WriteOutcome),
        (status = 201, description = "It is new.", body = WriteOutcome),
        (status = 400, description = "A field is at fault; `errors[].pointer` names it."),
        (status = 409, description = "The collection was embedded by another model than the server's."),
        (status = 413, description = "The body is too large."),
        (status = 503, description = "The embedder or the store is away, or there are too many writes; see `Retry-After`."),
        (status = 507, description = "The server's disk is full."),
    )
)]
pub(super) async fn put(
    State(app): State<AppState>,
    writer: Writer,
    Json(document): Json<DocumentInput>,
) -> Result<(StatusCode, JsonAnswer<WriteOutcome>)> {
    writer.charge(1, document.text.len())?;
    let written = app.pipeline.ingest(&writer.tenant, vec![document]).await.pop();
    let Some(Written { outcome, problem }) = written else {
        return Err(Problem::internal(std::io::Error::other("the pipeline lost a document")));
    };
    match (problem, outcome.status) {
        (Some(problem), _) => Err(problem),
        (None, WriteStatus::Created) => Ok((StatusCode::CREATED, JsonAnswer(outcome))),
        (None, _) => Ok((StatusCode::OK, JsonAnswer(outcome))),
    }
}

/// Store a batch of documents.
///
/// Each document is stored, or fails, on its own: `outcomes` tells, in the order of the request. `version` shows all of them.
#[utoipa::path(
    post, operation_id = "put_documents", path = "/documents/batch", tag = "documents", request_body = BatchRequest,
    responses(
        (status = 200, description = "What became of each document; also when some or all failed.", body = BatchResponse),
        (status = 400, description = "The request as a whole is at fault; `errors[].pointer` names the field."),
        (status = 413, description = "The body is too large."),
        (status = 503, description = "Too many writes at once; see `Retry-After`."),
    )
)]
pub(super) async fn batch(
    State(app): State<AppState>,
    writer: Writer,
    Json(request): Json<BatchRequest>,
) -> Result<JsonAnswer<BatchResponse>> {
    let limit = app.settings.limits.batch_documents;
    match request.documents.len() {
        0 => return Err(Problem::field("/documents", "a batch needs at least one document")),
        count if count > limit => {
            return Err(Problem::field("/documents", format!("{count} documents, at most {limit} are allowed")));
        }
        _ => {}
    }
    let bytes = request.documents.iter().map(|document| document.text.len()).sum();
    writer.charge(request.documents.len(), bytes)?;
    let written = app.pipeline.ingest(&writer.tenant, request.documents).await;
    let outcomes = written.into_iter().enumerate().map(|(position, written)| in_batch(position, written.outcome));
    Ok(JsonAnswer(BatchResponse::new(outcomes.collect())))
}

/// The outcome with its pointer from the batch's root.
fn in_batch(position: usize, mut outcome: WriteOutcome) -> WriteOutcome {
    if let Some(pointer) = outcome.error.as_mut().and_then(|error| error.pointer.as_mut()) {
        pointer.insert_str(0, &format!("/documents/{position}"));
    }
    outcome
}
