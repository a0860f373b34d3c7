//! Where a request comes from that nobody has signed in for: its address is what attempts are counted by.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use coditect_auth::Origin;

use crate::middleware::request_id::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where the request comes from.
pub(crate) struct From(pub(crate) Origin);

impl FromRequestParts<AppState> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let address = forwarded(&parts.headers, app.settings.auth.proxies).or(peer);
        let request_id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        Ok(Self(Origin { address, request_id }))
    }
}

/// The address that the outermost of so many proxies of ours saw. What stands before it was written by whoever sent the request.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let all = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = all.flat_map(|value| value.split(',')).map(str::trim).collect();
    named.get(named.len().checked_sub(proxies)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_what_our_own_proxies_saw() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().unwrap());
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        let seen = |proxies| forwarded(&headers, proxies).map(|address| address.to_string());
        assert_eq!(seen(0), None, "nobody is believed");
        assert_eq!(seen(1).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(2).as_deref(), Some("198.51.100.7"));
        assert_eq!(seen(4), None);
        assert_eq!(forwarded(&HeaderMap::new(), 1), None);
    }
}
