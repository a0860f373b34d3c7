//! Where a request comes from that proxies of ours have passed on.

use std::net::IpAddr;

use hyper::HeaderMap;

/// The address that the outermost of so many proxies of ours saw, after `x-forwarded-for`. What stands before it was written by whoever sent the request.
/// Nobody is believed for none, or when the header names fewer.
#[must_use]
pub fn client(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
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
        let seen = |proxies| client(&headers, proxies).map(|address| address.to_string());
        assert_eq!(seen(0), None, "nobody is believed");
        assert_eq!(seen(1).as_deref(), Some("192.0.2.1"));
        assert_eq!(seen(2).as_deref(), Some("198.51.100.7"));
        assert_eq!(seen(4), None);
        assert_eq!(client(&HeaderMap::new(), 1), None);
    }
}
