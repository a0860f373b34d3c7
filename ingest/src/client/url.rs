//! The gateway's address, and the addresses below it.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::error::ClientError;

/// The address of a gateway: `http` or `https`, a host, and a path in front of the routes if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// Why a text is no gateway's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// It is no URL, or has no host.
    #[error("not a URL such as http://127.0.0.1:8080 ({0})")]
    Malformed(String),
    /// It is a URL of something else.
    #[error("a server's address begins with http:// or https://")]
    Scheme,
    /// It has a user name or a password, which would end in logs.
    #[error("give the token with --token or CODITECT_TOKEN, not in the address")]
    Credentials,
    /// It has a query or a fragment.
    #[error("a server's address has no `?` and no `#`")]
    Trailing,
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| ServerUrlError::Malformed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ServerUrlError::Trailing);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl ServerUrl {
    /// Whether the address is this machine's own, as far as the text tells.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
            None => false,
        }
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_plain_text(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// A route whose parts are encoded one by one.
    pub(super) fn route(&self, parts: &[&str]) -> Result<Url, ClientError> {
        let path: Vec<_> = parts.iter().map(|part| encode(part, false)).collect();
        self.join(&path.join("/"))
    }

    /// The route of a document. Slashes of its id stay readable where no client or proxy would tidy them away.
    pub(super) fn document(&self, collection: &str, id: &str) -> Result<Url, ClientError> {
        if matches!(id, "" | "." | "..") {
            return Err(ClientError::Unnameable(id.to_owned()));
        }
        let tidied = id.split('/').any(|part| matches!(part, "" | "." | ".."));
        let (collection, id) = (encode(collection, false), encode(id, !tidied));
        self.join(&format!("documents/{collection}/{id}"))
    }

    fn join(&self, path: &str) -> Result<Url, ClientError> {
        let mut url = self.0.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        // A part that is `.` or `..` alone would have climbed out of the route.
        match url.path().ends_with(path) {
            true => Ok(url),
            false => Err(ClientError::Unnameable(path.to_owned())),
        }
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters (and slashes, where asked).
fn encode(text: &str, keep_slashes: bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || (keep_slashes && byte == b'/') {
            encoded.push(char::from(byte));
            continue;
        }
        encoded.push('%');
        encoded.push(char::from(HEX[usize::from(byte >> 4)]));
        encoded.push(char::from(HEX[usize::from(byte & 15)]));
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerUrl {
        "http://127.0.0.1:8080/kb/".parse().unwrap()
    }

    #[test]
    fn ids_are_encoded_so_that_nothing_on_the_way_changes_them() {
        let cases = [
            ("guides/a.md", "guides/a.md"),
            ("a b/100%!:?#.md", "a%20b/100%25%21%3A%3F%23.md"),
            ("é.md", "%C3%A9.md"),
            ("%2e%2e/x", "%252e%252e/x"),
            ("a/../b", "a%2F..%2Fb"),
            ("/abs", "%2Fabs"),
            ("a//b/", "a%2F%2Fb%2F"),
        ];
        for (id, path) in cases {
            let url = server().document("c", id).unwrap();
            assert_eq!(url.path(), format!("/kb/documents/c/{path}"), "{id}");
        }
        for id in ["", ".", ".."] {
            assert!(server().document("c", id).is_err());
        }
        assert!(server().document("..", "a").is_err());
    }

    #[test]
    fn addresses_that_are_no_gateways_are_refused() {
        assert_eq!("ftp://h/".parse::<ServerUrl>(), Err(ServerUrlError::Scheme));
        assert_eq!("http://u:p@h/".parse::<ServerUrl>(), Err(ServerUrlError::Credentials));
        assert_eq!("http://h/?a".parse::<ServerUrl>(), Err(ServerUrlError::Trailing));
        assert!("127.0.0.1:8080".parse::<ServerUrl>().is_err());
        assert_eq!(server().to_string(), "http://127.0.0.1:8080/kb");
        assert!(server().is_loopback() && server().is_plain_text());
    }
}
