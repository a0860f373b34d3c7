//! Where a request has its token: in a header, as a subprotocol, because pages cannot set headers of sockets, or in a cookie of the workspace's own pages. Never in the
//! query, which ends in logs.

use coditect_auth::bearer;
use hyper::HeaderMap;
use hyper::header::{self, HeaderValue};

use super::handshake::values;

/// The subprotocol whose neighbour is the token.
pub const PROTOCOL: &str = "bearer";

/// A token, and how it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Header(String),
    Protocol(String),
    Cookie(String),
}

impl Token {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Header(text) | Self::Protocol(text) | Self::Cookie(text) => text,
        }
    }
}

/// The token of a request, of the first place that has one. `protocols` are its subprotocols, from which `bearer` and the token are taken.
pub(crate) fn find(headers: &HeaderMap, protocols: &mut Vec<String>, cookie: &str) -> Option<Token> {
    let by_protocol = protocols.iter().position(|name| name == PROTOCOL).map(|at| {
        protocols.remove(at);
        if at < protocols.len() { protocols.remove(at) } else { String::new() }
    });
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(first) = given.next() {
        // Of two, nobody knows which one counts.
        let token = bearer(first.as_bytes()).ok().filter(|_| given.next().is_none());
        return Some(Token::Header(token.unwrap_or_default().to_owned()));
    }
    let by_protocol = by_protocol.map(Token::Protocol);
    by_protocol
        .or_else(|| cookies(headers).find(|(name, _)| *name == cookie).map(|(_, value)| Token::Cookie(value.into())))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let pairs = values(headers, &header::COOKIE).flat_map(|header| header.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('='))
}

/// The cookies without ours: the workspace does not get to see tokens.
pub(crate) fn without(headers: &HeaderMap, cookie: &str) -> Option<HeaderValue> {
    let others: Vec<&str> = values(headers, &header::COOKIE)
        .flat_map(|header| header.split(';'))
        .map(str::trim)
        .filter(|pair| pair.split_once('=').is_none_or(|(name, _)| name.trim() != cookie))
        .filter(|pair| !pair.is_empty())
        .collect();
    HeaderValue::try_from(others.join("; ")).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        pairs.iter().map(pair).collect::<HashMapOf>().into()
    }

    struct HashMapOf(HeaderMap);
    impl FromIterator<(header::HeaderName, HeaderValue)> for HashMapOf {
        fn from_iter<T: IntoIterator<Item = (header::HeaderName, HeaderValue)>>(pairs: T) -> Self {
            let mut map = HeaderMap::new();
            for (name, value) in pairs {
                map.append(name, value);
            }
            Self(map)
        }
    }
    impl From<HashMapOf> for HeaderMap {
        fn from(map: HashMapOf) -> Self {
            map.0
        }
    }

    #[test]
    fn a_token_is_found_and_taken_out() {
        let mut protocols = ["a", "bearer", "x.y.z", "b"].map(String::from).to_vec();
        assert_eq!(find(&headers(&[]), &mut protocols, "t"), Some(Token::Protocol("x.y.z".into())));
        assert_eq!(protocols, ["a", "b"]);
        assert_eq!(find(&headers(&[("cookie", "a=b; t=x")]), &mut protocols, "t"), Some(Token::Cookie("x".into())));
        let both = headers(&[("authorization", "Bearer h"), ("cookie", "t=x")]);
        assert_eq!(find(&both, &mut protocols, "t"), Some(Token::Header("h".into())));
        assert_eq!(find(&headers(&[("cookie", "tt=x")]), &mut protocols, "t"), None);
        let twice = headers(&[("authorization", "Bearer h"), ("authorization", "Bearer h")]);
        assert_eq!(find(&twice, &mut protocols, "t"), Some(Token::Header(String::new())));
        let mut lonely = vec!["bearer".to_owned()];
        assert_eq!(find(&headers(&[]), &mut lonely, "t"), Some(Token::Protocol(String::new())));
    }

    #[test]
    fn the_workspace_gets_the_other_cookies() {
        let map = headers(&[("cookie", "a=b; t=secret; c=d"), ("cookie", "t=secret2")]);
        assert_eq!(without(&map, "t").unwrap(), "a=b; c=d");
        assert_eq!(without(&headers(&[("cookie", "t=secret")]), "t"), None);
    }
}
