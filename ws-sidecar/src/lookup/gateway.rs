//! The gateway as a source: HTTP with a token that is good for this pod alone. Token and certificates are files that somebody else renews, so they are read
//! for each question.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::limits;

/// Where the gateway is, and how this pod proves who it is.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Its address: `http` or `https`, host and port.
    pub url: Url,
    /// File with the pod's token.
    pub token_file: PathBuf,
    /// Certificates of who may sign the gateway's, as PEM; needed for `https`.
    pub ca_file: Option<PathBuf>,
}

/// See the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: GatewayOptions,
    caller: Mutex<Caller>,
}

type Http = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client, and the certificates that it was made with.
#[derive(Debug)]
struct Caller {
    authorities: Vec<u8>,
    http: Http,
}

/// Why the gateway gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A file of the settings cannot be used.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was not reached, or broke off.
    #[error("{url}: no connection")]
    Away {
        /// The question's address.
        url: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    #[error("{url}: no answer in time")]
    Late {
        /// The question's address.
        url: String,
    },
    /// It refuses the token of this pod.
    #[error("{url}: the gateway refuses the token in {}", token_file.display())]
    Token {
        /// The question's address.
        url: String,
        /// Where the token was read.
        token_file: PathBuf,
    },
    /// It answered with an error.
    #[error("{url}: the gateway answers {status}: {detail}")]
    Status {
        /// The question's address.
        url: String,
        /// Its status.
        status: StatusCode,
        /// What it says.
        detail: String,
    },
    /// It answered something else.
    #[error("{url}: the answer cannot be read")]
    Answer {
        /// The question's address.
        url: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

type Result<T, E = GatewayError> = std::result::Result<T, E>;

impl Gateway {
    /// Reads the files for the first time. The gateway itself may be away.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn new(options: GatewayOptions) -> Result<Self> {
        let authorities = authorities(&options)?;
        let caller = Caller { http: client(&options, &authorities)?, authorities };
        token(&options.token_file)?;
        if options.url.scheme() == "http" && !is_here(&options.url) {
            tracing::warn!(url = %options.url, "tokens travel to the gateway unencrypted, unless the network does that");
        }
        Ok(Self(Arc::new(Inner { options, caller: Mutex::new(caller) })))
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn call<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let url = self.0.options.url.join(path).map_or_else(|_| path.to_owned(), String::from);
        let asking = self.ask(&url, body);
        let late = |_| GatewayError::Late { url: url.clone() };
        let (status, bytes) = tokio::time::timeout(limits::GATEWAY_WAIT, asking).await.map_err(late)??;
        match status {
            StatusCode::OK => serde_json::from_slice(&bytes).map_err(|source| GatewayError::Answer { url, source }),
            StatusCode::UNAUTHORIZED => Err(GatewayError::Token { url, token_file: self.0.options.token_file.clone() }),
            status => Err(GatewayError::Status { url, status, detail: detail(&bytes) }),
        }
    }

    async fn ask(&self, url: &str, body: &impl Serialize) -> Result<(StatusCode, Bytes)> {
        let away =
            |source: Box<dyn std::error::Error + Send + Sync>| GatewayError::Away { url: url.to_owned(), source };
        let body = serde_json::to_vec(body).map_err(|error| away(error.into()))?;
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::try_from(url).map_err(|error| away(error.into()))?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(header::AUTHORIZATION, token(&self.0.options.token_file)?);
        let answered = self.http()?.request(request).await.map_err(|error| away(error.into()))?;
        let status = answered.status();
        let read = Limited::new(answered.into_body(), limits::ANSWER_BYTES).collect().await.map_err(away)?;
        Ok((status, read.to_bytes()))
    }

    /// A client that believes the certificates which are in the file now.
    fn http(&self) -> Result<Http> {
        let options = &self.0.options;
        let now = authorities(options)?;
        let mut caller = self.0.caller.lock();
        if caller.authorities != now {
            *caller = Caller { http: client(options, &now)?, authorities: now };
            tracing::info!("new certificates for the gateway are in use");
        }
        Ok(caller.http.clone())
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn file_error(file: &Path, reason: impl std::fmt::Display) -> GatewayError {
    GatewayError::File { file: file.to_owned(), reason: reason.to_string() }
}

/// The header with the token.
fn token(file: &Path) -> Result<HeaderValue> {
    let text = std::fs::read_to_string(file).map_err(|error| file_error(file, error))?;
    let text = text.trim();
    let value = HeaderValue::try_from(format!("Bearer {text}"));
    let mut value = value.ok().filter(|_| !text.is_empty()).ok_or_else(|| file_error(file, "it holds no token"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The certificates as the file has them; none for `http`.
fn authorities(options: &GatewayOptions) -> Result<Vec<u8>> {
    match (&options.ca_file, options.url.scheme()) {
        (Some(file), "https") => std::fs::read(file).map_err(|error| file_error(file, error)),
        _ => Ok(Vec::new()),
    }
}

fn client(options: &GatewayOptions, authorities: &[u8]) -> Result<Http> {
    let file = options.ca_file.clone().unwrap_or_default();
    let wrong = |error: &dyn std::fmt::Display| file_error(&file, error);
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities) {
        roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if options.url.scheme() == "https" && roots.is_empty() {
        return Err(wrong(&"it holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| wrong(&error))?.with_root_certificates(roots).with_no_client_auth();
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(limits::DIAL_ATTEMPT));
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().wrap_connector(connector);
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(30));
    Ok(builder.build(connector))
}

/// What a problem (RFC 9457) says, or the beginning of whatever else it is.
fn detail(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Problem {
        detail: String,
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => problem.detail,
        Err(_) => String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
    }
}
