//! The opening handshake (RFC 6455, section 4): what a client must send, and what both ends prove to each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};
use sha1::{Digest as _, Sha1};

use crate::http::answer::Refused;
use crate::limits;

pub(crate) const KEY: HeaderName = header::SEC_WEBSOCKET_KEY;
/// What a server adds to the key of a client (RFC 6455, section 1.3).
const PROOF: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a client proposes.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The proof that we have read its key.
    pub(crate) accept: HeaderValue,
    /// The subprotocols that it offers, in its order.
    pub(crate) protocols: Vec<String>,
    /// Whether it can do permessage-deflate as we do it.
    pub(crate) deflate: bool,
}

/// Whether the request asks for a WebSocket.
pub(crate) fn is_asked_for<B>(request: &Request<B>) -> bool {
    has_word(request.headers(), &header::UPGRADE, "websocket")
}

impl Proposal {
    /// Reads a request that asks for a WebSocket.
    pub(crate) fn read<B>(request: &Request<B>) -> Result<Self, Refused> {
        let headers = request.headers();
        let is_complete = request.method() == Method::GET
            && request.version() == Version::HTTP_11
            && has_word(headers, &header::CONNECTION, "upgrade");
        if !is_complete {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "a WebSocket begins with GET, HTTP/1.1 and connection: upgrade",
            ));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Refused::new(
                StatusCode::UPGRADE_REQUIRED,
                "only version 13 of the WebSocket protocol is spoken here",
            ));
        }
        let key = headers.get(KEY).filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
        let key =
            key.ok_or_else(|| Refused::new(StatusCode::BAD_REQUEST, "sec-websocket-key must be 16 bytes in base64"))?;
        let extensions = values(headers, &header::SEC_WEBSOCKET_EXTENSIONS);
        Ok(Self { accept: accept(key), protocols: protocols(headers)?, deflate: super::extension::accepts(extensions) })
    }
}

/// The proof of having read `key`.
pub(crate) fn accept(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(PROOF).finalize();
    HeaderValue::try_from(STANDARD.encode(digest)).unwrap_or(HeaderValue::from_static(""))
}

/// Whether one of the words of a list header is `word`, whatever its case.
pub(crate) fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    values(headers, name).flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// The values of a header that are text.
pub(crate) fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}

fn protocols(headers: &HeaderMap) -> Result<Vec<String>, Refused> {
    let offered = values(headers, &header::SEC_WEBSOCKET_PROTOCOL).flat_map(|value| value.split(','));
    let offered: Vec<String> = offered.map(|name| name.trim().to_owned()).take(limits::PROTOCOLS + 1).collect();
    let is_token = |name: &String| !name.is_empty() && name.bytes().all(is_token_byte);
    match offered.len() <= limits::PROTOCOLS && offered.iter().all(is_token) {
        true => Ok(offered),
        false => Err(Refused::new(
            StatusCode::BAD_REQUEST,
            format!("sec-websocket-protocol must be up to {} names", limits::PROTOCOLS),
        )),
    }
}

/// RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_specification() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
