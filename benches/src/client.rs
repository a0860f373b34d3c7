//! A typed client for the server's HTTP API, with the parts that the benchmarks read.

mod types;

use anyhow::{Context, Result, bail};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::limits;

pub use types::{
    BatchOutcome, Citation, CollectionInfo, ContextAnswer, Copy, Document, DocumentInput, DocumentPage,
    DocumentSummary, Evidence, Explanation, LegScore, Passage, Rerank, SearchAnswer, SearchRequest, SearchResult, Span,
    Took, WriteOutcome,
};

/// A handle on one server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    token: Option<SecretString>,
}

impl Client {
    /// A client for the server at `base`, such as `http://127.0.0.1:8080`, that sends `token` with each request.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(base: &str, token: Option<&SecretString>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).context("use the token")?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(limits::REQUEST)
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .context("build the http client")?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http, token: token.cloned() })
    }

    /// The token that is sent.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// Logs in. The client for what follows sends the session's token.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn login(&self, tenant: &str, email: &str, password: &str) -> Result<Self> {
        let body = json!({"tenant": tenant, "email": email, "password": password});
        let granted: Value = self.post("/auth/login", &body).await?;
        let token = granted["token"].as_str().context("find the token in the answer to the login")?;
        Self::new(&self.base, Some(&token.into()))
    }

    /// Makes a service token that is confined to a collection.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn service_token(&self, name: &str, collection: &str) -> Result<SecretString> {
        let body = json!({"name": name, "scopes": ["kb:read", "kb:write"], "collections": [collection]});
        let made: Value = self.post("/auth/tokens", &body).await?;
        Ok(made["token"].as_str().context("find the token in the answer")?.into())
    }

    /// Address that the client talks to.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether the server says that it is ready; an unreachable server is not.
    pub async fn is_ready(&self) -> bool {
        let answer = self.http.get(self.url("/readyz")).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// `POST /search`.
    ///
    /// # Errors
    /// When the request fails or the server answers with an error.
    pub async fn search(&self, request: &SearchRequest) -> Result<SearchAnswer> {
        self.post("/search", request).await
    }

    /// `POST /context` with a bound on the tokens of the answer.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn context(&self, query: &str, collections: &[String], max_tokens: usize) -> Result<ContextAnswer> {
        let body = json!({"query": query, "collections": collections, "max_tokens": max_tokens});
        self.post("/context", &body).await
    }

    /// `POST /documents`.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn put(&self, document: &DocumentInput) -> Result<WriteOutcome> {
        self.post("/documents", document).await
    }

    /// `POST /documents/batch`.
    ///
    /// # Errors
    /// As [`Self::search`]; a document that the server refused is an outcome, not an error.
    pub async fn put_batch(&self, documents: &[DocumentInput]) -> Result<BatchOutcome> {
        self.post("/documents/batch", &json!({"documents": documents})).await
    }

    /// `GET /documents/{collection}/{document_id}`; nothing when there is no such document.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn get(&self, collection: &str, document_id: &str) -> Result<Option<Document>> {
        let answer = self.http.get(self.document_url(collection, document_id)).send().await.context("get document")?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(read(answer).await?))
    }

    /// `DELETE /documents/{collection}/{document_id}`; answers with the version.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn delete(&self, collection: &str, document_id: &str) -> Result<Option<String>> {
        let url = self.document_url(collection, document_id);
        let answer = self.http.delete(url).send().await.context("delete document")?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body: Value = read(answer).await?;
        Ok(body["version"].as_str().map(str::to_owned))
    }

    /// One page of `GET /documents`.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn page(&self, collection: &str, cursor: Option<&str>) -> Result<DocumentPage> {
        let limit = limits::PAGE.to_string();
        let mut query = vec![("collection", collection), ("limit", &limit)];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let request = self.http.get(self.url("/documents")).query(&query);
        read(request.send().await.context("list documents")?).await
    }

    /// Every document of a collection, in the order of the listing.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn list(&self, collection: &str) -> Result<Vec<DocumentSummary>> {
        let mut documents = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = self.page(collection, cursor.as_deref()).await?;
            documents.extend(page.documents);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(documents),
            }
        }
    }

    /// `GET /collections/{name}`; nothing when there is no such collection.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn collection(&self, name: &str) -> Result<Option<CollectionInfo>> {
        let url = self.url(&format!("/collections/{}", encode(name)));
        let answer = self.http.get(url).send().await.context("get collection")?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(read(answer).await?))
    }

    /// `DELETE /collections/{name}`, whether or not there is one.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub async fn delete_collection(&self, name: &str) -> Result<()> {
        let url = self.url(&format!("/collections/{}", encode(name)));
        let answer = self.http.delete(url).send().await.context("delete collection")?;
        if answer.status() == StatusCode::NOT_FOUND || answer.status().is_success() {
            return Ok(());
        }
        fail(answer).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let answer = self.http.post(self.url(path)).json(body).send().await;
        read(answer.with_context(|| format!("send POST {path}"))?).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn document_url(&self, collection: &str, document_id: &str) -> String {
        self.url(&format!("/documents/{}/{}", encode(collection), encode(document_id)))
    }
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T> {
    if !answer.status().is_success() {
        return fail(answer).await;
    }
    let path = answer.url().path().to_owned();
    let bytes = answer.bytes().await.with_context(|| format!("read the answer of {path}"))?;
    serde_json::from_slice(&bytes).with_context(|| format!("understand the answer of {path}"))
}

async fn fail<T>(answer: Response) -> Result<T> {
    let status = answer.status();
    let path = answer.url().path().to_owned();
    let body = answer.text().await.unwrap_or_default();
    bail!("{path} answered {status}: {}", body.trim())
}

/// Percent-encodes everything but unreserved characters (RFC 3986), `/` included.
fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn names_are_encoded_as_one_segment() {
        assert_eq!(encode("a/b c#1%.md"), "a%2Fb%20c%231%25.md");
        assert_eq!(encode("ü"), "%C3%BC");
    }

    #[tokio::test]
    async fn a_listing_is_followed_to_its_end() {
        let server = MockServer::start().await;
        let page = |id: &str, next: Value| {
            ResponseTemplate::new(200)
                .set_body_json(json!({"documents": [{"document_id": id, "content_hash": "h"}], "next_cursor": next}))
        };
        let route = || Mock::given(method("GET")).and(path("/documents"));
        route().and(query_param("cursor", "c1")).respond_with(page("b", Value::Null)).mount(&server).await;
        route().respond_with(page("a", json!("c1"))).mount(&server).await;
        let documents = Client::new(&server.uri(), None).unwrap().list("x").await.unwrap();
        let ids: Vec<&str> = documents.iter().map(|it| it.document_id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_problem_is_an_error_that_repeats_it() {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(422).set_body_string("{\"title\":\"query is empty\"}");
        Mock::given(method("POST")).respond_with(answer).mount(&server).await;
        let error = Client::new(&server.uri(), None).unwrap().search(&SearchRequest::default()).await.unwrap_err();
        assert!(error.to_string().contains("query is empty"), "{error}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_nothing() {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
        let client = Client::new(&server.uri(), None).unwrap();
        assert!(client.get("x", "y").await.unwrap().is_none());
        assert!(client.collection("x").await.unwrap().is_none());
    }
}
