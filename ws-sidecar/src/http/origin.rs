//! Which pages may connect: a browser sends cookies wherever a page wants, so that a page's origin has to be known (RFC 6454; cross-site WebSocket hijacking).

use hyper::header::{self, HeaderMap};
use hyper::{Method, StatusCode};

use super::answer::Refused;

/// The pages that may.
#[derive(Debug, Clone)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(crate) fn new(origins: &[String]) -> Self {
        Self(origins.to_vec())
    }

    /// Lets a socket through that is no page's, or a page's that may. One that signs in with a cookie is a page's.
    pub(crate) fn check_socket(&self, headers: &HeaderMap, has_cookie: bool) -> Result<(), Refused> {
        match headers.get(header::ORIGIN) {
            None if !has_cookie => Ok(()),
            None => Err(refused("a page that signs in with a cookie says its origin")),
            Some(origin) if self.has(origin.as_bytes()) || is_own(headers) => Ok(()),
            Some(_) => Err(refused("this origin is not among those that may connect (--origins)")),
        }
    }

    /// The same for a plain request. One that changes nothing need not say its origin, as a browser does not that opens a page; a script of another page says
    /// it, and must not read what the cookie opens even where the workspace itself would let it.
    pub(crate) fn check_request(&self, method: &Method, headers: &HeaderMap, has_cookie: bool) -> Result<(), Refused> {
        let needs_none = method.is_safe() && !headers.contains_key(header::ORIGIN);
        match needs_none || !has_cookie {
            true => Ok(()),
            false => self.check_socket(headers, has_cookie),
        }
    }

    fn has(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|known| known == "*" || known.as_bytes() == origin)
    }
}

/// Whether the page came from the same host and port as it connects to.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn refused(detail: &str) -> Refused {
    Refused::new(StatusCode::FORBIDDEN, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: Option<&str>) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert(header::HOST, "pod.example:8765".parse().unwrap());
        if let Some(origin) = origin {
            map.insert(header::ORIGIN, origin.parse().unwrap());
        }
        map
    }

    #[test]
    fn only_known_pages_and_programs_connect() {
        let origins = Origins::new(&["https://ide.example".to_owned()]);
        for (origin, has_cookie, fine) in [
            (None, false, true),
            (None, true, false),
            (Some("https://ide.example"), true, true),
            (Some("https://pod.example:8765"), true, true),
            (Some("https://ide.example.evil"), false, false),
            (Some("http://ide.example"), false, false),
            (Some("null"), true, false),
        ] {
            let checked = origins.check_socket(&headers(origin), has_cookie);
            assert_eq!(checked.is_ok(), fine, "{origin:?} {has_cookie}");
        }
        assert!(Origins::new(&["*".to_owned()]).check_socket(&headers(Some("null")), true).is_ok());
    }

    #[test]
    fn a_foreign_page_changes_and_reads_nothing() {
        let (origins, foreign) = (Origins::new(&[]), headers(Some("https://evil.example")));
        assert!(origins.check_request(&Method::GET, &headers(None), true).is_ok());
        assert!(origins.check_request(&Method::GET, &foreign, true).is_err());
        assert!(origins.check_request(&Method::GET, &foreign, false).is_ok());
        assert!(origins.check_request(&Method::POST, &foreign, true).is_err());
        assert!(origins.check_request(&Method::POST, &headers(None), true).is_err());
        assert!(origins.check_request(&Method::POST, &headers(None), false).is_ok());
    }
}
