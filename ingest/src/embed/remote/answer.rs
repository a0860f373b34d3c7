//! What a provider's answer must look like, and what its error bodies say.

use serde_json::Value;

use super::super::limits::MAX_ERROR_CHARS;

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It ends in the middle; asking again may help.
    CutShort,
    /// It says something else than what was asked for.
    Wrong(String),
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        if error.is_eof() { Self::CutShort } else { Self::Wrong(error.to_string()) }
    }
}

/// Checks the number of vectors, their dimension (unless it is 0, not known yet) and their values,
/// and gives each length one.
pub(super) fn check(mut vectors: Vec<Vec<f32>>, count: usize, dimension: usize) -> Result<Vec<Vec<f32>>, Malformed> {
    if vectors.len() != count {
        return Err(Malformed::Wrong(format!("{} vectors for {count} texts", vectors.len())));
    }
    for (index, vector) in vectors.iter_mut().enumerate() {
        if vector.is_empty() || (dimension != 0 && vector.len() != dimension) {
            let message = format!("vector {index} has {} components, expected {dimension}", vector.len());
            return Err(Malformed::Wrong(message));
        }
        normalize(vector).map_err(|problem| Malformed::Wrong(format!("vector {index} {problem}")))?;
    }
    Ok(vectors)
}

fn normalize(vector: &mut [f32]) -> Result<(), &'static str> {
    if vector.iter().any(|value| !value.is_finite()) {
        return Err("has a component that is not a finite number");
    }
    let length = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
    if length < f64::from(f32::MIN_POSITIVE) {
        return Err("is zero");
    }
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Ok(())
}

/// The provider's own words in an error body: Google's and OpenAI's `error.message`, other servers'
/// `error`, `message` or `detail`, else the body itself, cut short.
pub(super) fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    // Google wraps the error in an array when the caller asked for a stream.
    let root = parsed.get(0).unwrap_or(&parsed);
    let message = ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|pointer| root.pointer(pointer).and_then(Value::as_str))
        .unwrap_or(text.trim());
    let mut short: String = message.chars().filter(|char| !char.is_control()).take(MAX_ERROR_CHARS).collect();
    if short.is_empty() {
        short.push_str("no explanation given");
    }
    short
}

/// True when an error body says that waiting will not help: the account's money is used up.
pub(super) fn is_final(body: &[u8]) -> bool {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    parsed.pointer("/error/code").and_then(Value::as_str) == Some("insufficient_quota")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found_where_servers_put_them() {
        for (body, message) in [
            (r#"{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}"#, "Quota exceeded"),
            (r#"[{"error":{"code":400,"message":"bad"}}]"#, "bad"),
            (r#"{"error":"Input validation error","error_type":"Validation"}"#, "Input validation error"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            ("upstream\r\n connect error", "upstream connect error"),
            ("", "no explanation given"),
        ] {
            assert_eq!(error_message(body.as_bytes()), message);
        }
        assert_eq!(error_message(&[b'x'; 10_000]).len(), MAX_ERROR_CHARS);
    }

    #[test]
    fn vectors_get_length_one() {
        assert_eq!(check(vec![vec![3.0, 4.0]], 1, 2).unwrap(), [[0.6, 0.8]]);
        assert_eq!(check(vec![vec![3e38, 0.0]], 1, 0).unwrap(), [[1.0, 0.0]]);
    }

    #[test]
    fn vectors_that_cannot_be_compared_are_refused() {
        for (vectors, count) in [
            (vec![vec![f32::NAN, 1.0]], 1),
            (vec![vec![f32::INFINITY, 1.0]], 1),
            (vec![vec![0.0, 0.0]], 1),
            (vec![vec![1.0]], 1),
            (vec![vec![]], 1),
            (vec![], 1),
            (vec![vec![1.0, 0.0]; 2], 1),
        ] {
            assert!(matches!(check(vectors.clone(), count, 2), Err(Malformed::Wrong(_))), "{vectors:?}");
        }
    }
}
