//! Cursors of listings: opaque to clients, bound to the listing that gave them, refused when they were made up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::limits;
use crate::problem::{Problem, Result};

const FORMAT: u8 = 1;
const CHECK_BYTES: usize = 8;

/// A cursor behind `last` in the listing that `scope` describes.
pub(crate) fn encode(scope: &[&str], last: &str) -> String {
    let mut bytes = vec![FORMAT];
    bytes.extend(check(scope, last));
    bytes.extend(last.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Where the cursor stands.
///
/// # Errors
/// Names `/cursor` when it was not given out by the same listing.
pub(crate) fn decode(scope: &[&str], cursor: &str) -> Result<String> {
    let refused = || Problem::field("/cursor", "not a cursor of this listing: send next_cursor as it was given");
    if cursor.len() > limits::CURSOR_BYTES {
        return Err(refused());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let (head, last) = bytes.split_at_checked(1 + CHECK_BYTES).ok_or_else(refused)?;
    let last = std::str::from_utf8(last).map_err(|_| refused())?;
    match head[0] == FORMAT && head[1..] == check(scope, last) {
        true => Ok(last.to_owned()),
        false => Err(refused()),
    }
}

fn check(scope: &[&str], last: &str) -> [u8; CHECK_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for part in scope.iter().chain([&last]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0; CHECK_BYTES];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK_BYTES]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_fits_its_listing_alone() {
        let cursor = encode(&["documents", "docs", "a/"], "a/b c%.md");
        assert_eq!(decode(&["documents", "docs", "a/"], &cursor).unwrap(), "a/b c%.md");
        assert!(decode(&["documents", "docs", "b/"], &cursor).is_err());
        let made_up = ["", "a", "%%%", "AAAA", &"A".repeat(5_000), &cursor[1..], &format!("{cursor}A")];
        for bad in made_up {
            assert_eq!(decode(&["documents", "docs", "a/"], bad).unwrap_err().errors[0].pointer, "/cursor", "{bad}");
        }
    }

    #[test]
    fn the_longest_id_fits_a_cursor() {
        let id = "x".repeat(coditect_engine::limits::DOCUMENT_ID_BYTES);
        assert!(encode(&["s"], &id).len() <= limits::CURSOR_BYTES);
    }
}
