//! What of a request is passed on to the workspace: path, query, subprotocols and headers, by lists.

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use percent_encoding::percent_decode_str;

use super::answer::Refused;
use super::handshake::values;
use super::token;
use crate::settings::Allowed;

/// Parameters that hold tokens somewhere: they are not passed on unless they are named.
const TOKENS: [&str; 4] = ["access_token", "id_token", "refresh_token", "token"];
/// Headers between two neighbours (RFC 9110, section 7.6.1), and those that speak for the client.
const NOT_PASSED: [HeaderName; 10] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::AUTHORIZATION,
    header::COOKIE,
    HeaderName::from_static("keep-alive"),
];

/// The path and query that the workspace gets.
pub(crate) fn target(uri: &Uri, allowed: &Allowed) -> Result<Uri, Refused> {
    let path = uri.path();
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let has_dots = decoded.split(['/', '\\']).any(|part| part == "." || part == "..");
    if has_dots || !allowed.paths.iter().any(|prefix| is_below(path, prefix)) {
        return Err(Refused::new(StatusCode::NOT_FOUND, "this path is not passed on to the workspace (--paths)"));
    }
    let query = uri.query().map(|query| kept(query, &allowed.query)).filter(|query| !query.is_empty());
    let target = match query {
        None => path.to_owned(),
        Some(query) => format!("{path}?{query}"),
    };
    Uri::try_from(target).map_err(|_| Refused::new(StatusCode::BAD_REQUEST, "the path is none"))
}

fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn kept(query: &str, names: &[String]) -> String {
    let is_kept = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name).replace('+', " ");
        let name = percent_decode_str(&name).decode_utf8_lossy();
        let is_named = names.iter().any(|known| *known == name);
        is_named || names.iter().any(|known| known == "*") && !TOKENS.contains(&&*name)
    };
    query.split('&').filter(is_kept).collect::<Vec<_>>().join("&")
}

/// The subprotocols that the workspace is offered.
pub(crate) fn protocols(offered: Vec<String>, allowed: &[String]) -> Vec<String> {
    let is_allowed = |name: &String| allowed.iter().any(|known| known == "*" || known == name);
    offered.into_iter().filter(is_allowed).collect()
}

/// The headers that the workspace gets. It sees the client's address, and no token.
pub(crate) fn headers<B>(request: &Request<B>, client: std::net::IpAddr, cookie: &str) -> HeaderMap {
    let named: Vec<String> = values(request.headers(), &header::CONNECTION)
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let is_passed = |name: &HeaderName| {
        !NOT_PASSED.contains(name)
            && !name.as_str().starts_with("sec-websocket-")
            && !named.iter().any(|other| other == name.as_str())
    };
    let mut passed = HeaderMap::with_capacity(request.headers().len() + 2);
    for (name, value) in request.headers().iter().filter(|(name, _)| is_passed(name)) {
        // A copy: the original shares the buffer that all of the head was read into, and these may be kept for days.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            passed.append(name, value);
        }
    }
    if let Some(cookies) = token::without(request.headers(), cookie) {
        passed.insert(header::COOKIE, cookies);
    }
    let forwarded = HeaderName::from_static("x-forwarded-for");
    let before = values(request.headers(), &forwarded).collect::<Vec<_>>().join(", ");
    let all = if before.is_empty() { client.to_string() } else { format!("{before}, {client}") };
    if let Ok(all) = HeaderValue::try_from(all) {
        passed.insert(forwarded, all);
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(paths: &[&str], query: &[&str]) -> Allowed {
        let owned = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect();
        Allowed { origins: vec![], paths: owned(paths), query: owned(query), protocols: vec![], cookie: "t".into() }
    }

    #[test]
    fn paths_and_parameters_go_by_the_lists() {
        let all = allowed(&["/"], &["*"]);
        let passed = |uri: &str, allowed: &Allowed| target(&uri.parse().unwrap(), allowed).map(|uri| uri.to_string());
        assert_eq!(passed("/a/b?x=1&token=secret&y", &all).unwrap(), "/a/b?x=1&y");
        assert_eq!(passed("/a?t%6fken=secret&access_token=s", &all).unwrap(), "/a");
        let some = allowed(&["/services/", "/ws"], &["token"]);
        assert_eq!(passed("/services?token=1&x=2", &some).unwrap(), "/services?token=1");
        for other in ["/", "/service", "/services2", "/wsx", "/ws/../x", "/ws/%2e%2e/x", "/ws/..%5cx", "/services/."] {
            assert_eq!(passed(other, &some).unwrap_err().status, StatusCode::NOT_FOUND, "{other}");
        }
    }

    #[test]
    fn the_workspace_sees_no_token_and_no_neighbours_header() {
        let request = Request::builder()
            .header("authorization", "Bearer secret")
            .header("cookie", "t=secret; a=b")
            .header("connection", "upgrade, X-Hop")
            .header("x-hop", "1")
            .header("sec-websocket-protocol", "bearer, secret")
            .header("x-forwarded-for", "192.0.2.1")
            .header("accept-language", "de")
            .body(())
            .unwrap();
        let passed = headers(&request, [127, 0, 0, 1].into(), "t");
        let shown = format!("{passed:?}");
        assert!(!shown.contains("secret") && !shown.contains("hop"), "{shown}");
        assert_eq!(passed["cookie"], "a=b");
        assert_eq!(passed["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
        assert_eq!(passed["accept-language"], "de");
    }
}
