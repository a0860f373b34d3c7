//! Where a request for a socket has its token, for whoever stands before a sidecar.

use hyper::HeaderMap;
use hyper::header::SEC_WEBSOCKET_PROTOCOL;

pub use crate::channel::message::PROTOCOL as RESUME;
use crate::http::handshake::values;
pub use crate::http::token::PROTOCOL as BEARER;
use crate::http::token::{self, Token};

/// A token that came with a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// The token.
    pub text: String,
    /// Whether a browser sent it by itself.
    pub is_cookie: bool,
}

/// The token of a request for a socket: of the header, a subprotocol, or the cookie of this name.
#[must_use]
pub fn of_socket(headers: &HeaderMap, cookie: &str) -> Option<Given> {
    let found = token::find(headers, &mut protocols(headers), cookie)?;
    Some(Given { text: found.text().to_owned(), is_cookie: matches!(found, Token::Cookie(_)) })
}

/// Whether the token came as a subprotocol, as a page's does.
#[must_use]
pub fn is_by_protocol(headers: &HeaderMap) -> bool {
    matches!(token::find(headers, &mut protocols(headers), ""), Some(Token::Protocol(_)))
}

fn protocols(headers: &HeaderMap) -> Vec<String> {
    let named = values(headers, &SEC_WEBSOCKET_PROTOCOL).flat_map(|value| value.split(','));
    named.map(|name| name.trim().to_owned()).collect()
}
