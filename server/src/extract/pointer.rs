//! Where a value could not be decoded, as an RFC 6901 pointer, and what is said about it.

use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// The problem for a value that serde refused at `path`.
pub(super) fn refusal(path: &Path, message: &str) -> Problem {
    let mut pointer: String = path.iter().filter_map(step).collect();
    let message = without_position(message);
    if let Some(field) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        pointer.push('/');
        pointer.push_str(&escaped(field));
        return Problem::field(pointer, format!("the field `{field}` is required"));
    }
    Problem::field(pointer, message)
}

fn step(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", escaped(key))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// A key as a step of a pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The message without serde_json's line and column: the pointer says it better.
fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(end) => &message[..end],
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only decoded")]
    struct Inner {
        a: u32,
        v: Option<Vec<f32>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only decoded")]
    struct Outer {
        list: Vec<Inner>,
        free: Option<serde_json::Value>,
    }

    fn pointer(json: &str) -> String {
        let mut decoder = serde_json::Deserializer::from_str(json);
        let error = serde_path_to_error::deserialize::<_, Outer>(&mut decoder).unwrap_err();
        refusal(error.path(), &error.inner().to_string()).errors[0].pointer.clone()
    }

    #[test]
    fn every_refusal_names_its_field() {
        let cases = [
            (r#"{"list":[{"a":1},{"a":"x"}]}"#, "/list/1/a"),
            (r#"{"list":[{"a":1,"z~/":3}]}"#, "/list/0/z~0~1"),
            (r#"{"list":[{}]}"#, "/list/0/a"),
            (r#"{"list":[{"a":1,"v":[1,1e999]}]}"#, "/list/0/v/1"),
            (r#"{"nothing":1}"#, "/nothing"),
            (r#"{"list":[],"free":{"a":[1e999]}}"#, "/free/a/0"),
            (r#"{"free":1}"#, "/list"),
        ];
        for (json, expected) in cases {
            assert_eq!(pointer(json), expected, "{json}");
        }
    }
}
