//! Collections: making, changing, listing, reading and dropping them.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use coditect_engine::model::{CollectionChange, CollectionInfo as Info, CollectionName, SearchChange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::collection_search::{Quantization, SearchInfo, SearchSettings};
use super::places;
use crate::extract::{Json, Path, Query, Reader, Writer};
use crate::problem::{Code, Problem, Result};
use crate::state::AppState;
use crate::{cursor, limits, telemetry};

pub(super) fn reads() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

pub(super) fn writes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(put, alter, drop_collection))
}

/// A collection.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "handbook", "description": "How we work", "documents": 120, "passages": 1450,
    "embedder": {"id": "local/all-MiniLM-L6-v2/384/5f0c2a9be1d47733", "model": "all-MiniLM-L6-v2", "dimension": 384},
    "search": {"recall_target": 0.95, "ef": null, "ef_min": null, "effort": 160, "recall": 0.968, "samples": 200},
    "late_interaction": true, "quantization": "auto", "created_at": "2026-03-01T09:30:00Z", "version": "00000000000000a1f300"
}))]
struct CollectionInfo {
    /// Its name.
    name: String,
    /// Free text for people.
    description: String,
    /// Number of its documents.
    documents: u64,
    /// Number of their passages.
    passages: u64,
    /// What embeds its passages.
    embedder: EmbedderInfo,
    /// Whether its passages' tokens are kept for late interaction.
    late_interaction: bool,
    /// In which form its vectors are compared before the best are compared as they are.
    quantization: Quantization,
    /// How its vectors are searched, and with what recall.
    search: SearchInfo,
    /// When it was made.
    created_at: String,
    /// The newest version that searches of it show.
    version: String,
}

/// What embeds a collection's passages. Searches and writes with another are refused.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct EmbedderInfo {
    /// The fingerprint's name.
    id: String,
    /// The model.
    model: String,
    /// Length of a vector.
    dimension: u32,
}

/// How to make a collection.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"description": "How we work"}))]
struct CollectionBody {
    /// Free text for people, at most 4096 bytes.
    description: String,
    /// Whether its passages' tokens are kept for late interaction; as the server is set when absent. For good: a collection that
    /// exists stays as it is.
    late_interaction: Option<bool>,
    /// In which form its vectors are compared before the best are compared as they are; chosen by their length when absent. For good.
    quantization: Option<Quantization>,
    /// How its vectors are searched.
    search: Option<SearchSettings>,
}

/// What of a collection is to be another; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"search": {"recall_target": 0.98}}))]
struct CollectionPatch {
    /// Free text for people, at most 4096 bytes.
    description: Option<String>,
    /// How its vectors are searched.
    search: Option<SearchSettings>,
}

/// Which page of collections.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Entries of a page, 1 to 1000; 100 when absent.
    limit: Option<usize>,
    /// Those that are shared with all tenants in place of the tenant's own; they are named with `shared:` in front where they are read.
    shared: Option<bool>,
}

/// A page of collections, in the order of their names.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct CollectionPage {
    /// The collections.
    collections: Vec<CollectionInfo>,
    /// Where the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What dropping a collection did.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Dropped {
    /// The name that was given.
    name: String,
    /// Whether there was such a collection; always true.
    deleted: bool,
    /// The version that shows that it is gone.
    version: String,
}

/// Make a collection.
///
/// With the server's embedder. A write into a collection that does not exist makes it, too. One that exists stays as it is.
#[utoipa::path(
    put, operation_id = "put_collection", path = "/collections/{name}", tag = "collections",
    params(("name" = String, Path, description = "1 to 64 characters from A-Z a-z 0-9 - _ .")),
    request_body = Option<CollectionBody>,
    responses(
        (status = 200, description = "It was there already.", body = CollectionInfo),
        (status = 201, description = "It is new.", body = CollectionInfo),
        (status = 400, description = "A field is at fault; `errors[].pointer` names it."),
        (status = 409, description = "It is there with another embedder, or with other settings than the given ones."),
    )
)]
async fn put(
    State(app): State<AppState>,
    writer: Writer,
    Path(name): Path<String>,
    body: Option<Json<CollectionBody>>,
) -> Result<(StatusCode, JsonAnswer<CollectionInfo>)> {
    let name = places::collection(&name).map_err(|problem| problem.at("/name"))?;
    let CollectionBody { description, late_interaction, quantization, search } =
        body.map(|Json(body)| body).unwrap_or_default();
    check_description(&description)?;
    let search = search.map(SearchChange::from);
    let mut spec = app.collection_spec(description, late_interaction)?;
    spec.quantization = quantization.unwrap_or_default().into();
    spec.search = search.unwrap_or_default().applied(spec.search);
    let (info, created) = writer.tenant.ensure_collection(&name, &spec).await?;
    let is_other = late_interaction.is_some_and(|wanted| wanted != info.tokens.is_some())
        || quantization.is_some_and(|_| spec.quantization != info.quantization);
    if is_other {
        let detail = format!("collection {name} is there, and cannot be changed: make one of another name");
        return Err(Problem::new(Code::Conflict, detail));
    }
    if search.is_some() && spec.search != info.search.settings {
        let detail = format!("collection {name} is there with other search settings: PATCH changes them");
        return Err(Problem::new(Code::Conflict, detail));
    }
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, JsonAnswer(info.into())))
}

fn check_description(description: &str) -> Result<()> {
    let (bytes, limit) = (description.len(), limits::DESCRIPTION_BYTES);
    match bytes > limit {
        true => Err(Problem::field("/description", format!("{bytes} bytes, at most {limit} are allowed"))),
        false => Ok(()),
    }
}

/// Change a collection.
///
/// Its description, and how its vectors are searched. What is absent stays.
#[utoipa::path(
    patch, operation_id = "alter_collection", path = "/collections/{name}", tag = "collections",
    params(("name" = String, Path, description = "The collection.")),
    request_body = CollectionPatch,
    responses(
        (status = 200, description = "It is changed; searches follow within moments.", body = CollectionInfo),
        (status = 400, description = "A field is at fault; `errors[].pointer` names it."),
        (status = 404, description = "There is no such collection."),
    )
)]
async fn alter(
    writer: Writer,
    Path(name): Path<String>,
    Json(patch): Json<CollectionPatch>,
) -> Result<JsonAnswer<CollectionInfo>> {
    let name = places::collection(&name).map_err(|problem| problem.at("/name"))?;
    patch.description.as_deref().map_or(Ok(()), check_description)?;
    let search = patch.search.map(SearchChange::from).unwrap_or_default();
    let change = CollectionChange { description: patch.description, search };
    Ok(JsonAnswer(writer.tenant.alter_collection(&name, &change).await?.into()))
}

/// List collections.
#[utoipa::path(
    get, operation_id = "list_collections", path = "/collections", tag = "collections", params(ListQuery),
    responses(
        (status = 200, description = "A page.", body = CollectionPage),
        (status = 400, description = "A parameter is at fault; `errors[].pointer` names it."),
    )
)]
async fn list(Reader(tenant): Reader, Query(query): Query<ListQuery>) -> Result<JsonAnswer<CollectionPage>> {
    let is_shared = query.shared.unwrap_or_default();
    let scope = ["collections", if is_shared { "shared" } else { "own" }];
    let after = query.cursor.map(|cursor| cursor::decode(&scope, &cursor)).transpose()?;
    let after = after.map(CollectionName::new).transpose().map_err(|error| Problem::from(error).at("/cursor"))?;
    let limit = query.limit.unwrap_or(limits::PAGE_DEFAULT);
    let (infos, more) = match is_shared {
        true => tenant.shared_collections(after.as_ref(), limit).await?,
        false => tenant.collections(after.as_ref(), limit).await?,
    };
    let next_cursor = infos.last().filter(|_| more).map(|last| cursor::encode(&scope, last.name.as_str()));
    Ok(JsonAnswer(CollectionPage { collections: infos.into_iter().map(CollectionInfo::from).collect(), next_cursor }))
}

/// Read a collection.
#[utoipa::path(
    get, operation_id = "get_collection", path = "/collections/{name}", tag = "collections",
    params(("name" = String, Path, description = "The collection.")),
    responses(
        (status = 200, description = "The collection.", body = CollectionInfo),
        (status = 404, description = "There is no such collection."),
    )
)]
async fn get(Reader(tenant): Reader, Path(name): Path<String>) -> Result<JsonAnswer<CollectionInfo>> {
    let name = places::read_collection(&name).map_err(|problem| problem.at("/name"))?;
    Ok(JsonAnswer(tenant.reading(&name)?.info().await?.into()))
}

/// Drop a collection with all its documents.
#[utoipa::path(
    delete, operation_id = "delete_collection", path = "/collections/{name}", tag = "collections",
    params(("name" = String, Path, description = "The collection.")),
    responses(
        (status = 200, description = "It is gone.", body = Dropped),
        (status = 404, description = "There is no such collection."),
    )
)]
async fn drop_collection(writer: Writer, Path(name): Path<String>) -> Result<JsonAnswer<Dropped>> {
    let name = places::collection(&name).map_err(|problem| problem.at("/name"))?;
    let version = writer.tenant.drop_collection(&name).await?;
    let version =
        version.ok_or_else(|| Problem::new(Code::NotFound, format!("there is no collection named {name}")))?;
    telemetry::forget_collection(writer.tenant.id().as_str(), name.as_str());
    Ok(JsonAnswer(Dropped { name: name.to_string(), deleted: true, version: version.to_string() }))
}

impl From<Info> for CollectionInfo {
    fn from(info: Info) -> Self {
        let embedder =
            EmbedderInfo { id: info.embedder.id, model: info.embedder.model, dimension: info.embedder.dimension };
        Self {
            name: info.name.to_string(),
            description: info.description,
            documents: info.documents,
            passages: info.passages,
            embedder,
            late_interaction: info.tokens.is_some(),
            quantization: info.quantization.into(),
            search: info.search.into(),
            created_at: info.created_at.to_string(),
            version: info.version.to_string(),
        }
    }
}
