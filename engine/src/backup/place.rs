//! Where things lie in the bucket, by names that each stand for one thing alone.
//!
//! | object | holds |
//! |---|---|
//! | `backup.json` | which store's backup this is |
//! | `collections/{tenant}/{collection}.json` | a collection's record |
//! | `docs/{tenant}/{collection}/{document_id}.json` | a document as it is |
//! | `history/{one of the two above}/{version}.json` | what it was until that version replaced or removed it |

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::limits;
use crate::model::{CollectionName, DocumentId, TenantId, Version};

/// Says which store's backup the bucket holds.
pub(super) const MARKER: &str = "backup.json";
/// The folder of all collections.
pub(super) const COLLECTIONS: &str = "collections";
/// The folder of all documents.
pub(super) const DOCUMENTS: &str = "docs";
/// The folder of what is no more.
pub(super) const HISTORY: &str = "history";

/// What of a document's id does not stand for itself.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The object of a collection's record.
pub(super) fn collection(tenant: &TenantId, name: &CollectionName) -> String {
    format!("{COLLECTIONS}/{tenant}/{name}.json")
}

/// The folder of a collection's documents.
pub(super) fn documents_of(tenant: &TenantId, name: &CollectionName) -> String {
    format!("{DOCUMENTS}/{tenant}/{name}")
}

/// The object of a document. Slashes of its id are those of the path; what a path cannot hold is percent-encoded, and an id that would make a path too long or
/// an odd one is named by its BLAKE3 (the object itself says whose it is).
pub(super) fn document(tenant: &TenantId, name: &CollectionName, id: &DocumentId) -> String {
    let parts: Vec<String> =
        id.as_str().split('/').map(|part| utf8_percent_encode(part, ENCODED).to_string()).collect();
    let is_odd = |part: &String| {
        part.is_empty() || part.len() > limits::BACKUP_NAME_BYTES || part.bytes().all(|byte| byte == b'.')
    };
    let folder = documents_of(tenant, name);
    let Some((last, above)) = parts.split_last() else { return format!("{folder}/.json") };
    let length: usize = parts.iter().map(|part| part.len() + 1).sum();
    if parts.iter().any(is_odd) || length > limits::BACKUP_PATH_BYTES {
        return format!("{folder}/~{}.json", blake3::hash(id.as_str().as_bytes()).to_hex());
    }
    let above: String = above.iter().map(|part| format!("{}/", folder_name(part))).collect();
    format!("{folder}/{above}{last}.json")
}

/// In a directory, no folder can have the name of an object.
fn folder_name(part: &str) -> String {
    match part.strip_suffix(".json") {
        Some(stem) => format!("{stem}%2Ejson"),
        None => part.to_owned(),
    }
}

/// The object of what `path` held until `version`.
pub(super) fn superseded(path: &str, version: Version) -> String {
    format!("{HISTORY}/{path}/{version}.json")
}

/// Of what a superseded object was the content, and until when; `None` for the path of another object.
pub(super) fn of_superseded(path: &str) -> Option<(&str, Version)> {
    let (original, version) = path.strip_prefix(HISTORY)?.strip_prefix('/')?.strip_suffix(".json")?.rsplit_once('/')?;
    Some((original, version.parse().ok()?))
}

/// Tenant and name of a collection's record by its path; `None` for the path of another object.
pub(super) fn of_collection(path: &str) -> Option<(TenantId, CollectionName)> {
    let (tenant, name) = path.strip_prefix(COLLECTIONS)?.strip_prefix('/')?.strip_suffix(".json")?.split_once('/')?;
    Some((TenantId::new(tenant).ok()?, CollectionName::new(name).ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn path(id: &str) -> String {
        document(&TenantId::new("t").unwrap(), &CollectionName::new("c").unwrap(), &DocumentId::new(id).unwrap())
    }

    #[test]
    fn common_ids_are_read_as_they_are() {
        assert_eq!(path("guide/intro.md"), "docs/t/c/guide/intro.md.json");
        assert_eq!(path("a b/ü%2F"), "docs/t/c/a%20b/%C3%BC%252F.json");
        assert_eq!(path("a.json/b.json"), "docs/t/c/a%2Ejson/b.json.json");
    }

    #[test]
    fn no_two_ids_share_a_path_and_no_path_leads_elsewhere() {
        let long = "x/".repeat(400) + "y";
        let wide = "ü".repeat(200);
        let ids = [
            "a",
            "a/",
            "/a",
            "a//b",
            "a/b",
            "a%2Fb",
            ".",
            "..",
            "../a",
            "a/./b",
            "...",
            "a.json/b",
            "a%2Ejson/b",
            "~",
            " ",
            "a#1",
            "A",
            long.as_str(),
            wide.as_str(),
            "ü",
        ];
        let paths: HashSet<String> = ids.iter().map(|id| path(id)).collect();
        assert_eq!(paths.len(), ids.len(), "{paths:?}");
        for path in &paths {
            let odd = |part: &str| part.is_empty() || part == "." || part == ".." || part.len() > 255;
            assert!(path.len() < 900 && !path.split('/').any(odd), "{path}");
        }
        let folders = paths.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
        assert!(folders.into_iter().all(|folder| !paths.contains(folder)), "{paths:?}");
    }

    #[test]
    fn superseded_objects_say_of_what_and_until_when() {
        let version = Version::from_bytes([7; 10]);
        let path = path("a.json/b.json");
        assert_eq!(of_superseded(&superseded(&path, version)), Some((path.as_str(), version)));
        assert_eq!(of_superseded(&path), None);
        assert_eq!(of_superseded("history/docs/t/c/a.json/zz.json"), None);
    }

    #[test]
    fn collections_are_named_by_their_paths() {
        let (tenant, name) = (TenantId::new("t").unwrap(), CollectionName::new("c.json").unwrap());
        assert_eq!(of_collection(&collection(&tenant, &name)), Some((tenant, name)));
        assert_eq!(of_collection("collections/t/a/b.json"), None);
        assert_eq!(of_collection("docs/t/a.json"), None);
    }
}
