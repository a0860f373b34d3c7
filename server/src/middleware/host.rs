//! Which host names requests may be addressed to.
//!
//! A web page can make a browser reach a loopback port under a name of its own (DNS rebinding); such a request carries that name, and is turned away. A server
//! that others reach is known by names of its own: it turns requests for others away where those names are set.

use axum::extract::{Request, State};
use axum::http::header;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Turns away requests for other hosts.
pub(crate) async fn check(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let target = request.uri().authority().cloned();
    let named = request.headers().get(header::HOST).map(|value| value.to_str().unwrap_or("?").parse::<Authority>());
    let settings = &app.settings;
    // Probes ask by address, and learn nothing of anybody; so do those who read metrics, where more than this machine can.
    let is_for_operators = match request.uri().path() {
        "/healthz" | "/readyz" => true,
        "/metrics" => settings.metrics.listen.is_some_and(|address| !address.ip().is_loopback()),
        _ => false,
    };
    let takes_any = is_for_operators || (settings.hosts.is_empty() && !settings.listen.ip().is_loopback());
    let allowed = |authority: &Authority| takes_any || is_allowed(authority.host(), &settings.hosts);
    let fine = target.as_ref().is_none_or(allowed)
        && match &named {
            // HTTP/1.0 has no such header, and no browser speaks it.
            None => true,
            Some(Ok(authority)) => allowed(authority),
            Some(Err(_)) => false,
        };
    match fine {
        true => next.run(request).await,
        false => {
            Problem::new(Code::WrongHost, "this server does not answer to that name; add it to the setting `hosts`")
                .into_response()
        }
    }
}

fn is_allowed(host: &str, extra: &[String]) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    loopback
        || host == "localhost"
        || host.ends_with(".localhost")
        || extra.iter().any(|name| name.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_configured_ones_are_allowed() {
        let extra = ["kb.internal".to_owned()];
        for host in ["127.0.0.1", "127.9.9.9", "[::1]", "localhost", "LOCALHOST", "a.localhost", "kb.internal"] {
            assert!(is_allowed(host, &extra), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", "", "localhost.evil.example"] {
            assert!(!is_allowed(host, &extra), "{host}");
        }
    }
}
