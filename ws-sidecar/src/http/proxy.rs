//! Plain HTTP to the workspace: its page and assets, so that one port serves the pod. Bodies stream both ways.

use std::net::IpAddr;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderName};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::answer::{Body, Refused};
use super::handshake::values;
use super::pass;
use crate::limits;
use crate::settings::Settings;

/// The way to the workspace for plain requests.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    client: Client<HttpConnector, Incoming>,
    authority: String,
}

/// Headers of an answer that are between us and the workspace.
const NOT_PASSED: [HeaderName; 6] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("keep-alive"),
];

impl Proxy {
    pub(crate) fn new(authority: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(limits::DIAL_ATTEMPT));
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), authority }
    }

    /// Passes a request on that may be.
    pub(crate) async fn pass(
        &self,
        request: Request<Incoming>,
        from: IpAddr,
        settings: &Settings,
    ) -> Result<Response<Body>, Refused> {
        let target = pass::target(request.uri(), &settings.allowed)?;
        let headers = pass::headers(&request, from, &settings.allowed.cookie);
        let (mut head, body) = request.into_parts();
        head.uri = self.uri(&target)?;
        head.version = hyper::Version::HTTP_11;
        head.headers = headers;
        head.extensions = Default::default();
        let answered = self.client.request(Request::from_parts(head, body)).await.map_err(|error| {
            tracing::debug!(%error, "the workspace does not answer");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the workspace does not answer; it may be starting")
        })?;
        Ok(clean(answered))
    }

    fn uri(&self, target: &Uri) -> Result<Uri, Refused> {
        let uri = format!("http://{}{target}", self.authority);
        Uri::try_from(uri).map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "the path is none"))
    }
}

fn clean(response: Response<Incoming>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let named: Vec<String> = values(&head.headers, &header::CONNECTION)
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for name in NOT_PASSED.iter().map(HeaderName::as_str).chain(named.iter().map(String::as_str)) {
        head.headers.remove(name);
    }
    head.version = hyper::Version::HTTP_11;
    Response::from_parts(head, body.boxed())
}
