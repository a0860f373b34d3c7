//! A server in this process on a free port, and requests to it.

use std::time::Duration;

use coditect_auth::{Auth, NewServiceToken, Scope, Scopes};
use coditect_ingest::embed::ProviderKind;
use coditect_server::Server;
use coditect_server::settings::Settings;
use coditect_store::TenantId;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::embedder::MockEmbedder;

/// How long tests wait for a condition before they call it a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. It is stopped by [`Running::stop`], or with the test.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) embedder: MockEmbedder,
    /// A service token of the tenant [`TENANT`] that may do everything.
    pub(crate) token: String,
    /// What an operator at the server's machine can do.
    pub(crate) auth: Auth,
    metrics: Option<String>,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    dir: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Settings for a server whose data is in `dir` and whose vectors come from `embedder`.
pub(crate) fn settings(dir: &TempDir, embedder: &MockEmbedder) -> Settings {
    let mut settings = Settings { listen: "127.0.0.1:0".parse().unwrap(), ..Settings::default() };
    settings.data_dir = dir.path().join("data");
    settings.embedder.provider = ProviderKind::OpenAi;
    settings.embedder.openai.base_url = embedder.base_url();
    settings.embedder.openai.model = "bag".into();
    settings.embedder.openai.http.retries = 0;
    settings.metrics.listen = Some("127.0.0.1:0".parse().unwrap());
    settings
}

/// The tenant of requests that do not say otherwise.
pub(crate) const TENANT: &str = "default";

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A new service token of a tenant.
pub(crate) async fn token_of(auth: &Auth, tenant_name: &str, scopes: &[Scope], collections: &[&str]) -> String {
    let wanted = NewServiceToken {
        name: "test".into(),
        scopes: Scopes::of(scopes),
        collections: (!collections.is_empty()).then(|| collections.iter().map(|name| (*name).to_owned()).collect()),
        expires_at: None,
    };
    let (_, token) = auth.operator(&tenant(tenant_name)).create_token(&wanted).await.unwrap();
    token.expose_secret().to_owned()
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), MockEmbedder::start().await, change).await
    }

    pub(crate) async fn start_in(dir: TempDir, embedder: MockEmbedder, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(&dir, &embedder);
        change(&mut settings);
        let has_tls = settings.tls.certificate.is_some();
        let server = Server::start(settings).await.unwrap();
        let url = format!("http://{}", server.address());
        let metrics = server.metrics_address().map(|address| format!("http://{address}/metrics"));
        let auth = server.auth().clone();
        let token = token_of(&auth, TENANT, &Scope::ALL, &[]).await;
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server.run(async move {
            // A dropped sender stops the server, too.
            let _ = stopped.await;
        }));
        let running = Self { url, embedder, token, auth, metrics, client: Client::new(), stop, served, dir };
        // Without the certificate's root nobody can ask it.
        if !has_tls {
            running.until_ready().await;
        }
        running
    }

    pub(crate) fn data_dir(&self) -> std::path::PathBuf {
        settings(&self.dir, &self.embedder).data_dir
    }

    /// Stops the server as a signal would, and gives its directory back.
    pub(crate) async fn stop(self) -> (TempDir, MockEmbedder) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
        (self.dir, self.embedder)
    }

    async fn until_ready(&self) {
        let ready = async {
            while self.get("/readyz").await.status != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("the server is not ready");
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// A request that does not say who sends it.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// The metrics' text.
    pub(crate) async fn metrics(&self) -> String {
        self.client.get(self.metrics.as_ref().unwrap()).send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Stores a document and answers its version.
    pub(crate) async fn store(&self, collection: &str, id: &str, text: &str) -> String {
        let body = json!({"collection": collection, "document_id": id, "text": text});
        let reply = self.post("/documents", &body).await;
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
        reply.json()["version"].as_str().unwrap().to_owned()
    }

    /// Ids of what a search finds, best first.
    pub(crate) async fn found(&self, body: &Value) -> Vec<String> {
        let answer = self.post("/search", body).await.expect(200);
        let results = answer["results"].as_array().unwrap();
        results.iter().map(|result| result["document_id"].as_str().unwrap().to_owned()).collect()
    }

    /// The value of a metric's line that begins like this.
    pub(crate) async fn metric(&self, line: &str) -> Option<f64> {
        let text = self.metrics().await;
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
    }
}
