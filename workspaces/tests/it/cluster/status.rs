//! Refusals, as the API writes them.

use serde_json::{Value, json};

/// A `Status` that says no.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) body: Value,
}

pub(crate) fn refusal(code: u16, reason: &str, message: impl Into<String>) -> Refusal {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message.into(), "reason": reason, "code": code,
    });
    Refusal { code, body }
}

pub(crate) fn invalid(field: &str) -> Refusal {
    let mut told = refusal(422, "Invalid", format!("{field}: Required value"));
    told.body["details"] =
        json!({"causes": [{"reason": "FieldValueRequired", "message": "Required value", "field": field}]});
    told
}
