//! Label selectors: equality, which is all that the gateway uses.

use serde_json::Value;

/// Labels that an object must have.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector(Vec<(String, String)>);

impl Selector {
    pub(crate) fn of(text: &str) -> Self {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    pub(crate) fn fits(&self, object: &Value) -> bool {
        self.0.iter().all(|(key, value)| object["metadata"]["labels"][key.as_str()] == **value)
    }
}
