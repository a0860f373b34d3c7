//! A gateway in memory: the document routes with content-hash semantics, and faults on demand.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use coditect_ingest::wire::{
    BatchRequest, BatchResponse, DocumentInput, Problem, WriteOutcome, WriteStatus, content_hash,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

/// Documents of a page, few enough that every listing takes several.
const PAGE: usize = 3;

/// More batches than a test sends.
const MANY: usize = 1_000_000;

/// What the gateway has and what it shall do.
#[derive(Default)]
pub(crate) struct Inner {
    /// Collections by name, documents by id.
    pub(crate) collections: BTreeMap<String, BTreeMap<String, DocumentInput>>,
    /// Documents whose last write failed, with the reason.
    pub(crate) failed: BTreeMap<String, String>,
    /// Ids in the order in which they were sent, retries and all.
    pub(crate) sent: Vec<String>,
    /// Number of batches that were asked for.
    pub(crate) batches: usize,
    /// Ids that are refused, each on its own.
    pub(crate) refused: HashSet<String>,
    /// Whether deletions are refused.
    pub(crate) refused_deletions: bool,
    /// Ids that make a whole batch be refused.
    pub(crate) poison: HashSet<String>,
    /// Ids that are put off so many times.
    pub(crate) put_off: HashMap<String, usize>,
    /// Answers to give instead of the next ones: status and `Retry-After`.
    pub(crate) instead: VecDeque<(u16, Option<&'static str>)>,
    /// The same for batches alone.
    pub(crate) batch_instead: VecDeque<(u16, Option<&'static str>)>,
    /// After so many batches were stored, every further one is answered with 503.
    pub(crate) down_after_batches: Option<usize>,
    /// Number of batches that were stored.
    pub(crate) stored_batches: usize,
    /// Only requests with this token are served.
    pub(crate) token: Option<&'static str>,
    version: u64,
}

/// A gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
    gate: Arc<Semaphore>,
}

impl Gateway {
    /// A gateway without a collection.
    pub(crate) fn new() -> Self {
        Self { inner: Arc::default(), changed: Arc::default(), gate: Arc::new(Semaphore::new(MANY)) }
    }

    /// Serves on a port of the system's choice.
    pub(crate) async fn serve(&self) -> Serving {
        self.serve_at("127.0.0.1:0".parse().unwrap()).await
    }

    /// Serves at an address, in a runtime of its own, so that an end of serving ends the connections too.
    pub(crate) async fn serve_at(&self, address: SocketAddr) -> Serving {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(64).unwrap().into_std().unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let router = router(self.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
        Serving { address, runtime: Some(runtime) }
    }

    /// Looks at, or changes, what there is.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        look(&mut self.inner.lock())
    }

    /// Ids of a collection.
    pub(crate) fn ids(&self, collection: &str) -> Vec<String> {
        self.with(|inner| match inner.collections.get(collection) {
            Some(documents) => documents.keys().cloned().collect(),
            None => Vec::new(),
        })
    }

    /// Text of a document.
    pub(crate) fn text(&self, collection: &str, id: &str) -> Option<String> {
        self.with(|inner| Some(inner.collections.get(collection)?.get(id)?.text.clone()))
    }

    /// Takes the ids that were sent since the last call.
    pub(crate) fn take_sent(&self) -> Vec<String> {
        self.with(|inner| std::mem::take(&mut inner.sent))
    }

    /// From now on only so many batches are answered; the others hang until [`Self::open`].
    pub(crate) fn let_through(&self, batches: usize) {
        self.gate.forget_permits(usize::MAX);
        self.gate.add_permits(batches);
    }

    /// Answers everything again.
    pub(crate) fn open(&self) {
        self.gate.add_permits(MANY);
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut(&mut Inner) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if self.with(&mut holds) {
                    return;
                }
                changed.await;
            }
        };
        let limit = std::time::Duration::from_secs(60);
        if tokio::time::timeout(limit, wait).await.is_err() {
            panic!("never came to be: {what}");
        }
    }
}

/// A gateway that serves; dropping it ends that, with all its connections.
pub(crate) struct Serving {
    /// Where.
    pub(crate) address: SocketAddr,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Serving {
    /// The URL to give to the command.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends serving, and waits until the port is free.
    pub(crate) async fn stop(mut self) -> SocketAddr {
        let runtime = self.runtime.take().unwrap();
        let end = move || runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        tokio::task::spawn_blocking(end).await.unwrap();
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/collections/{name}", get(collection))
        .route("/documents", get(list))
        .route("/documents/batch", post(batch))
        .route("/documents/{collection}/{*id}", delete(remove))
        .with_state(gateway)
}

fn problem(status: u16, detail: &str, retry_after: Option<&str>) -> Response {
    let body = json!({
        "type": "about:blank", "title": "Trouble", "status": status, "detail": detail,
        "errors": [{"pointer": "/documents/0", "detail": detail}], "request_id": "r-1"
    });
    let status = StatusCode::from_u16(status).unwrap();
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    let kind = "application/problem+json".parse().unwrap();
    headers.insert(header::CONTENT_TYPE, kind);
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.parse().unwrap());
    }
    response
}

/// The fault that is due, if one is.
fn fault(inner: &mut Inner, headers: &HeaderMap) -> Option<Response> {
    if let Some(token) = inner.token {
        let given = headers.get(header::AUTHORIZATION);
        if given.is_none_or(|given| given != &format!("Bearer {token}")) {
            return Some(problem(401, "the token is not valid", None));
        }
    }
    let (status, after) = inner.instead.pop_front()?;
    Some(problem(status, "not now", after))
}

async fn collection(State(gateway): State<Gateway>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    gateway.with(|inner| {
        if let Some(fault) = fault(inner, &headers) {
            return fault;
        }
        let Some(documents) = inner.collections.get(&name) else {
            return problem(404, "no such collection", None);
        };
        Json(json!({
            "name": name, "documents": documents.len(), "passages": 2 * documents.len(),
            "embedder": {"id": "mini-1", "model": "mini", "dimension": 384},
            "created_at": "2026-01-01T00:00:00Z", "version": version(inner.version)
        }))
        .into_response()
    })
}

async fn list(
    State(gateway): State<Gateway>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    gateway.with(|inner| {
        if let Some(fault) = fault(inner, &headers) {
            return fault;
        }
        let prefix = query.get("prefix").map_or("", String::as_str);
        let after = query.get("cursor").map_or("", String::as_str);
        if query.get("state").is_some_and(|state| state == "failed") {
            let failed = inner.failed.iter().map(|(id, error)| (id, json!({"document_id": id, "error": error})));
            return page(failed, prefix, after);
        }
        let Some(documents) = inner.collections.get(&query["collection"]) else {
            return problem(404, "no such collection", None);
        };
        let summaries = documents.iter().map(|(id, document)| {
            (
                id,
                json!({"document_id": id, "kind": "documentation", "title": id, "passages": 2,
                   "content_hash": content_hash(document), "version": version(1),
                   "updated_at": "2026-01-01T00:00:00Z"}),
            )
        });
        page(summaries, prefix, after)
    })
}

fn page<'a>(documents: impl Iterator<Item = (&'a String, Value)>, prefix: &str, after: &str) -> Response {
    let mut found: Vec<_> =
        documents.filter(|(id, _)| id.starts_with(prefix) && id.as_str() > after).take(PAGE + 1).collect();
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|(id, _)| (*id).clone());
    let documents: Vec<_> = found.into_iter().map(|(_, summary)| summary).collect();
    Json(json!({"documents": documents, "next_cursor": next})).into_response()
}

async fn batch(State(gateway): State<Gateway>, headers: HeaderMap, Json(request): Json<BatchRequest>) -> Response {
    gateway.with(|inner| inner.batches += 1);
    gateway.changed.notify_waiters();
    gateway.gate.acquire().await.unwrap().forget();
    let response = gateway.with(|inner| {
        if let Some(fault) = fault(inner, &headers) {
            return fault;
        }
        if let Some((status, after)) = inner.batch_instead.pop_front() {
            return problem(status, "not now", after);
        }
        if inner.down_after_batches.is_some_and(|most| inner.stored_batches >= most) {
            return problem(503, "shutting down", None);
        }
        let ids = request.documents.iter().map(|of| of.document_id.clone());
        inner.sent.extend(ids);
        if request.documents.iter().any(|of| inner.poison.contains(&of.document_id)) {
            return problem(422, "this batch is poisoned", None);
        }
        inner.stored_batches += 1;
        let documents = request.documents.into_iter();
        let outcomes = documents.map(|document| inner.write(document)).collect();
        Json(BatchResponse::new(outcomes)).into_response()
    });
    gateway.changed.notify_waiters();
    response
}

async fn remove(
    State(gateway): State<Gateway>,
    Path((collection, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let response = gateway.with(|inner| {
        if let Some(fault) = fault(inner, &headers) {
            return fault;
        }
        if inner.refused_deletions {
            return problem(409, "the collection is frozen", None);
        }
        let documents = inner.collections.get_mut(&collection);
        let deleted = documents.is_some_and(|documents| documents.remove(&id).is_some());
        Json(json!({"document_id": id, "deleted": deleted, "version": version(2)})).into_response()
    });
    gateway.changed.notify_waiters();
    response
}

impl Inner {
    fn write(&mut self, document: DocumentInput) -> WriteOutcome {
        let id = document.document_id.clone();
        if let Some(times) = self.put_off.get_mut(&id).filter(|times| **times > 0) {
            *times -= 1;
            return failure(&document, 503, "the embedder is busy");
        }
        if self.refused.contains(&id) {
            return failure(&document, 422, "this text cannot be stored");
        }
        let hash = content_hash(&document);
        let collection = self.collections.entry(document.collection.clone());
        let before = collection.or_default().insert(id.clone(), document);
        let status = match before {
            None => WriteStatus::Created,
            Some(before) if content_hash(&before) == hash => WriteStatus::Unchanged,
            Some(_) => WriteStatus::Updated,
        };
        self.version += 1;
        WriteOutcome {
            document_id: id,
            status,
            passages: 2,
            version: Some(version(self.version)),
            content_hash: hash,
            error: None,
            warnings: Vec::new(),
        }
    }
}

fn failure(document: &DocumentInput, status: u16, detail: &str) -> WriteOutcome {
    WriteOutcome {
        document_id: document.document_id.clone(),
        status: WriteStatus::Failed,
        passages: 0,
        version: None,
        content_hash: content_hash(document),
        error: Some(Problem {
            kind: "about:blank".into(),
            title: "Trouble".into(),
            status,
            detail: Some(detail.into()),
            pointer: Some("/documents/0/text".into()),
        }),
        warnings: Vec::new(),
    }
}

fn version(number: u64) -> String {
    format!("{number:020x}")
}
