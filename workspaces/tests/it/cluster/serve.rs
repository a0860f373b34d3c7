//! The mock's HTTP side.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Request as HttpRequest, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::faults::Fault;
use super::kinds::{Kind, Place};
use super::selector::Selector;
use super::status::{Refusal, refusal};
use super::watches::{self, Asked, shown};
use super::{Mock, Request};

const BODY_BYTES: usize = 1 << 20;

/// A request, understood.
struct Call {
    verb: &'static str,
    kind: Kind,
    namespace: Option<String>,
    name: Option<String>,
    query: Vec<(String, String)>,
    is_partial: bool,
    body: Value,
}

pub(crate) async fn serve(mock: Arc<Mock>, listener: TcpListener) {
    let app = Router::new().fallback(answer).with_state(mock);
    axum::serve(listener, app).await.unwrap();
}

async fn answer(Shared(mock): Shared<Arc<Mock>>, request: HttpRequest<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES).await.unwrap();
    let Some(call) = Call::of(&parts.method, &parts.uri, &parts.headers, &body) else {
        return refused(&refusal(404, "NotFound", "there is no such path"), None);
    };
    let (path, at) = (parts.uri.path().to_owned(), Instant::now());
    let fault = mock.with(|state| {
        state.requests.push(Request { at, verb: call.verb, path: path.clone() });
        state.faults.meet(call.verb, call.kind, &path)
    });
    match fault {
        Some(Fault::Status(code)) => refused(&refusal(code, reason_of(code), "injected"), None),
        Some(Fault::Throttle(seconds)) => refused(&refusal(429, "TooManyRequests", "injected"), Some(seconds)),
        Some(Fault::HangBefore) => hang(&mock).await,
        Some(Fault::HangAfter) => {
            call.done(&mock);
            hang(&mock).await
        }
        Some(Fault::LoseAnswer) => {
            call.done(&mock);
            let cut = futures::stream::once(async { Err::<String, _>(std::io::Error::other("cut")) });
            Response::new(Body::from_stream(cut))
        }
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            call.done(&mock)
        }
        Some(Fault::Gate) => {
            let late = async move {
                mock.gate.notified().await;
                call.done(&mock)
            };
            tokio::spawn(late).await.unwrap()
        }
        None => call.done(&mock),
    }
}

async fn hang(mock: &Mock) -> Response {
    mock.faults(|faults| faults.hanging += 1);
    std::future::pending().await
}

fn reason_of(code: u16) -> &'static str {
    match code {
        403 => "Forbidden",
        409 => "Conflict",
        422 => "Invalid",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    }
}

impl Call {
    fn of(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let (kind, namespace, name) = Place::of_path(uri.path())?;
        let query: Vec<(String, String)> =
            form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect();
        let is_watch = query.iter().any(|(key, value)| key == "watch" && value == "true");
        let verb = match (method.as_str(), name.is_some()) {
            ("GET", true) => "get",
            ("GET", false) if is_watch => "watch",
            ("GET", false) => "list",
            ("POST", false) => "create",
            ("PATCH", true) => "patch",
            ("DELETE", true) => "delete",
            _ => return None,
        };
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let is_partial = accept.contains("as=PartialObjectMetadata");
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        Some(Self { verb, kind, namespace, name, query, is_partial, body })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Does what is asked for.
    fn done(&self, mock: &Arc<Mock>) -> Response {
        if !self.kind.rights().contains(&self.verb) {
            let message = format!("cannot {} resource \"{}\"", self.verb, self.kind.plural());
            return refused(&refusal(403, "Forbidden", message), None);
        }
        if self.verb == "watch" {
            return Response::new(watches::body(mock, self.watch()));
        }
        let done = mock.with(|state| self.with_objects(&mut state.objects));
        match done {
            Ok(value) => json_of(StatusCode::OK, &value),
            Err(told) => {
                mock.with(|state| state.refusals.push(told.body["reason"].as_str().unwrap_or("").to_owned()));
                refused(&told, None)
            }
        }
    }

    fn watch(&self) -> Asked {
        let number = |name: &str| self.parameter(name).and_then(|value| value.parse().ok());
        Asked {
            kind: self.kind,
            selector: self.selector(),
            version: number("resourceVersion").unwrap_or(0),
            lasts: Duration::from_secs(number("timeoutSeconds").unwrap_or(300)),
            is_partial: self.is_partial,
        }
    }

    fn selector(&self) -> Selector {
        Selector::of(self.parameter("labelSelector").unwrap_or(""))
    }

    fn with_objects(&self, objects: &mut super::objects::Objects) -> Result<Value, Refusal> {
        let named = |name: &str| Place::new(self.kind, self.namespace.as_deref().unwrap_or(""), name);
        let place = self.name.as_deref().map(named);
        let manager = self.parameter("fieldManager").unwrap_or("unknown");
        match (self.verb, place) {
            ("get", Some(place)) => objects.get(&place),
            ("delete", Some(place)) => objects.delete(&place, self.body["preconditions"]["uid"].as_str()),
            ("patch", Some(place)) => {
                objects.apply(&place, &self.body, manager, self.parameter("force") == Some("true"))
            }
            ("create", None) => {
                let name = self.body["metadata"]["name"].as_str().unwrap_or("");
                objects.create(&named(name), self.body.clone(), manager)
            }
            _ => {
                let mut items = objects.list(self.kind, self.namespace.as_deref());
                items.retain(|item| self.selector().fits(item));
                let items: Vec<Value> = items.into_iter().map(|item| shown(item, self.is_partial)).collect();
                let kind = if self.is_partial { "PartialObjectMetadata" } else { self.kind.name() };
                let metadata = json!({"resourceVersion": objects.version.to_string()});
                Ok(json!({"kind": format!("{kind}List"), "apiVersion": "v1", "metadata": metadata, "items": items}))
            }
        }
    }
}

fn json_of(code: StatusCode, value: &Value) -> Response {
    let body = Body::from(value.to_string());
    Response::builder().status(code).header(header::CONTENT_TYPE, "application/json").body(body).unwrap()
}

fn refused(told: &Refusal, retry_after: Option<u64>) -> Response {
    let mut response = json_of(StatusCode::from_u16(told.code).unwrap(), &told.body);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
