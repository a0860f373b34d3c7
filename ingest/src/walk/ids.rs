//! Document ids of files: the path below the root, with `/` between names, and the way back.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The id of a file by its path below the root.
///
/// Names are kept as they are, whatever characters they hold. Only bytes that are not UTF-8 are written
/// as `%FF`, and a `%` that could be mistaken for such an escape as `%25`, so that [`path_of`] leads back.
#[must_use]
pub fn document_id(relative: &Path) -> String {
    let names = relative.components().filter_map(|component| match component {
        Component::Normal(name) => Some(encode(name.as_encoded_bytes())),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// The path below the root that has the given id.
#[must_use]
pub fn path_of(document_id: &str) -> PathBuf {
    document_id.split('/').map(|name| os_string(decode(name))).collect()
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn encode(name: &[u8]) -> String {
    let mut id = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        let valid = chunk.valid();
        for (at, c) in valid.char_indices() {
            id.push(c);
            if c == '%' && escape(&valid.as_bytes()[at..]).is_some() {
                id.push_str("25");
            }
        }
        for byte in chunk.invalid() {
            id.push_str(&format!("%{byte:02X}"));
        }
    }
    id
}

fn decode(name: &str) -> Vec<u8> {
    const LENGTH: usize = 3;
    let bytes = name.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escape(&bytes[at..]) {
            Some(byte) => {
                decoded.push(byte);
                at += LENGTH;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    decoded
}

/// The byte of an escape that this module writes: `%25`, or `%80` to `%FF` in capitals.
fn escape(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else {
        return None;
    };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let byte = digit(*high)? << 4 | digit(*low)?;
    (byte == b'%' || byte >= 0x80).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["a/b c/d.md", "100%.md", "50%off %20 x:y!.txt", "ä/漢字.md", "%2", "%zz%fF"] {
            assert_eq!(document_id(Path::new(name)), name);
            assert_eq!(path_of(name), Path::new(name));
        }
    }

    #[cfg(unix)]
    #[test]
    fn every_name_leads_back() {
        use std::os::unix::ffi::OsStrExt;
        let names: [&[u8]; 6] = [b"a\xff.md", b"\xe4\xf6%25", b"%FF", b"%25%25", b"%\xff", b"\xc3\x28"];
        for name in names {
            let path = Path::new(std::ffi::OsStr::from_bytes(name));
            let id = document_id(path);
            assert_eq!(path_of(&id), path, "{id}");
        }
        assert_eq!(document_id(Path::new(std::ffi::OsStr::from_bytes(b"a\xff"))), "a%FF");
        assert_eq!(document_id(Path::new("a%FF")), "a%25FF");
    }
}
