//! A typed client of the gateway's document API: one method a route, and retries that know which failures pass.

mod error;
pub mod limits;
mod problem;
mod retry;
mod types;
mod url;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::error::{ClientError, Verdict};
pub use self::problem::{Fault, ProblemDetails};
pub use self::retry::{Pause, RetryPolicy};
pub use self::types::{CollectionInfo, Deleted, EmbedderInfo, FailedDocument, FailedPage, StoredDocument, StoredPage};
pub use self::url::ServerUrl;
use crate::wire::{BatchRequest, BatchResponse};

/// How to reach a gateway.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The gateway's address.
    pub server: ServerUrl,
    /// Sent as `Authorization: Bearer`, and never logged.
    pub token: Option<SecretString>,
    /// How long one request may take, from the connection to the last byte of the answer.
    pub request_timeout: Duration,
}

/// A connection pool to one gateway. Cloning is cheap and shares the pool.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    server: ServerUrl,
    token: Option<SecretString>,
}

impl Client {
    /// Makes a client; nothing is sent yet. Proxies from the environment serve every address but loopback.
    ///
    /// # Errors
    ///
    /// When the machine's TLS set-up cannot be loaded.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("coditect-ingest/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .timeout(options.request_timeout)
            .redirect(reqwest::redirect::Policy::none());
        if options.server.is_loopback() {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(ClientError::transport)?;
        Ok(Self { http, server: options.server, token: options.token })
    }

    /// The address that requests go to.
    #[must_use]
    pub fn server(&self) -> &ServerUrl {
        &self.server
    }

    /// What the gateway says about a collection; `None` when there is no such collection.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn collection(&self, name: &str) -> Result<Option<CollectionInfo>, ClientError> {
        let url = self.server.route(&["collections", name])?;
        let response = self.send(self.http.request(Method::GET, url)).await?;
        decode_if_found(response).await
    }

    /// A page of a collection's documents in the order of their ids; `prefix` narrows it to ids that begin with it.
    /// `None` when there is no such collection.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn documents(
        &self,
        collection: &str,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<Option<StoredPage>, ClientError> {
        self.page(collection, prefix, cursor, None).await
    }

    /// A page of the documents whose last write failed; `None` when there is no such collection.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn failed_documents(
        &self,
        collection: &str,
        prefix: &str,
        cursor: Option<&str>,
    ) -> Result<Option<FailedPage>, ClientError> {
        self.page(collection, prefix, cursor, Some("failed")).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        collection: &str,
        prefix: &str,
        cursor: Option<&str>,
        state: Option<&str>,
    ) -> Result<Option<T>, ClientError> {
        let limit = limits::PAGE.to_string();
        let mut query = vec![("collection", collection), ("limit", &limit)];
        if !prefix.is_empty() {
            query.push(("prefix", prefix));
        }
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        query.extend(state.map(|state| ("state", state)));
        let url = self.server.route(&["documents"])?;
        let request = self.http.request(Method::GET, url).query(&query);
        decode_if_found(self.send(request).await?).await
    }

    /// Stores a batch; each document has its own fate in the answer, in the order of the request.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]; then nothing is known about any document of the batch.
    pub async fn write(&self, batch: &BatchRequest) -> Result<BatchResponse, ClientError> {
        let response = self.post(&["documents", "batch"], batch).await?;
        let response: BatchResponse = decode(response).await?;
        if response.outcomes.len() == batch.documents.len() {
            return Ok(response);
        }
        Err(ClientError::undecodable(format!(
            "the server told the fate of {} of {} documents",
            response.outcomes.len(),
            batch.documents.len()
        )))
    }

    /// Deletes a document; deleting one that is not there is no error.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn delete(&self, collection: &str, id: &str) -> Result<Deleted, ClientError> {
        let url = self.server.document(collection, id)?;
        let response = self.send(self.http.request(Method::DELETE, url)).await?;
        Ok(decode_if_found(response).await?.unwrap_or_default())
    }

    async fn post<T: Serialize>(&self, route: &[&str], body: &T) -> Result<Response, ClientError> {
        let url = self.server.route(route)?;
        self.send(self.http.request(Method::POST, url).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, ClientError> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        request.send().await.map_err(ClientError::transport)
    }
}

/// As [`decode`]; `None` when the gateway says that there is no such thing.
async fn decode_if_found<T: DeserializeOwned>(response: Response) -> Result<Option<T>, ClientError> {
    match response.status() {
        StatusCode::NOT_FOUND => problem::absent(response).await.map(|()| None),
        _ => decode(response).await.map(Some),
    }
}

/// Reads a successful answer's body, or turns any other answer into an error.
async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    if !response.status().is_success() {
        return Err(problem::refusal(response).await);
    }
    let body = response.bytes().await.map_err(ClientError::transport)?;
    serde_json::from_slice(&body)
        .map_err(|error| ClientError::undecodable("the answer does not have the documented form").caused_by(error))
}
