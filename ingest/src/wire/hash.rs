//! The content hash: equal exactly when storing the document again would change nothing.

use serde_json::{Map, Value};

use super::DocumentInput;

/// Domain separation, and the version of the field order below.
const CONTEXT: &[u8] = b"coditect document 1";

/// The fields that make up a document's content, borrowed from wherever they live.
#[derive(Clone, Copy, Debug)]
pub struct HashedFields<'a> {
    /// The whole text.
    pub text: &'a str,
    /// Kind as the client gave it.
    pub kind: Option<&'a str>,
    /// Title as the client gave it.
    pub title: Option<&'a str>,
    /// Source as the client gave it.
    pub source: Option<&'a str>,
    /// Format as the client gave it.
    pub format: Option<&'a str>,
    /// Metadata as the client gave it.
    pub metadata: &'a Map<String, Value>,
}

/// Blake3 over what the client said about the document, as 64 hexadecimal digits.
///
/// Collection and id are left out: the same content has the same hash wherever it is stored.
#[must_use]
pub fn content_hash(document: &DocumentInput) -> String {
    hash_fields(HashedFields {
        text: &document.text,
        kind: document.kind.as_deref(),
        title: document.title.as_deref(),
        source: document.source.as_deref(),
        format: document.format.as_deref(),
        metadata: &document.metadata,
    })
}

/// As [`content_hash`], for a caller that has no [`DocumentInput`].
///
/// Every field is written with its length, an absent one differs from an empty one, and the order of
/// metadata keys does not matter.
#[must_use]
pub fn hash_fields(fields: HashedFields<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(CONTEXT);
    for field in [fields.kind, fields.title, fields.source, fields.format] {
        match field {
            Some(value) => put(&mut hasher, 1, value.as_bytes()),
            None => put(&mut hasher, 0, b""),
        }
    }
    put_object(&mut hasher, fields.metadata);
    put(&mut hasher, 1, fields.text.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn put(hasher: &mut blake3::Hasher, tag: u8, bytes: &[u8]) {
    hasher.update(&[tag]);
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn put_object(hasher: &mut blake3::Hasher, object: &Map<String, Value>) {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    put(hasher, b'o', &(entries.len() as u64).to_le_bytes());
    for (key, value) in entries {
        put(hasher, b'k', key.as_bytes());
        put_value(hasher, value);
    }
}

fn put_value(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Null => put(hasher, b'n', b""),
        Value::Bool(flag) => put(hasher, b'b', &[u8::from(*flag)]),
        Value::Number(number) => put(hasher, b'#', number.to_string().as_bytes()),
        Value::String(text) => put(hasher, b's', text.as_bytes()),
        Value::Array(items) => {
            put(hasher, b'a', &(items.len() as u64).to_le_bytes());
            for item in items {
                put_value(hasher, item);
            }
        }
        Value::Object(object) => put_object(hasher, object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> DocumentInput {
        let mut document = DocumentInput::new("a.md", "text");
        document.metadata = json!({"a": 1, "b": {"c": [1, "x"], "d": null}}).as_object().unwrap().clone();
        document
    }

    #[test]
    fn key_order_id_and_collection_do_not_matter() {
        let mut other = sample();
        other.metadata = json!({"b": {"d": null, "c": [1, "x"]}, "a": 1}).as_object().unwrap().clone();
        other.document_id = "copy.md".into();
        other.collection = "elsewhere".into();
        assert_eq!(content_hash(&sample()), content_hash(&other));
    }

    #[test]
    fn every_content_field_matters() {
        let base = content_hash(&sample());
        let changes: [fn(&mut DocumentInput); 6] = [
            |d| d.text.push('!'),
            |d| d.kind = Some(String::new()),
            |d| d.title = Some("t".into()),
            |d| d.source = Some("t".into()),
            |d| d.format = Some("t".into()),
            |d| {
                d.metadata.insert("z".into(), json!(0));
            },
        ];
        let mut seen = vec![base];
        for change in changes {
            let mut document = sample();
            change(&mut document);
            let hash = content_hash(&document);
            assert!(!seen.contains(&hash));
            seen.push(hash);
        }
    }

    #[test]
    fn the_hash_never_changes_between_releases() {
        assert_eq!(content_hash(&sample()).len(), 64);
        assert_eq!(content_hash(&DocumentInput::new("a", "")), content_hash(&DocumentInput::new("b", "")));
    }
}
