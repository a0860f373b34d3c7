//! Tenants by type: whatever is bound to a tenant has its id in its type, and no key of a tenant is made without one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits;

/// Who owns data. Letters, digits, `-`, `_` and `.`, at most [`limits::NAME_BYTES`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TenantId(String);

impl TenantId {
    /// Checks and wraps a tenant's name.
    ///
    /// # Errors
    /// `Invalid` for an empty, long, or oddly spelled name.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_name("a tenant", &name)?;
        Ok(Self(name))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a name that people choose and that is part of keys, paths and URLs: nothing in it means anything there.
///
/// # Errors
/// `Invalid`, with a message for whoever chose it that calls it `what`.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let first_ok = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let rest_ok = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if first_ok && rest_ok && name.len() <= limits::NAME_BYTES {
        return Ok(());
    }
    let limit = limits::NAME_BYTES;
    Err(Error::invalid(format!(
        "{what} must be 1 to {limit} characters from A-Z a-z 0-9 - _ . and start with a letter, digit or underscore"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_paths_are_refused() {
        for name in ["", "..", "../x", "a/b", ".hidden", "-x", "a b", "ü", "a\0", &"x".repeat(65)] {
            assert!(TenantId::new(name).is_err(), "{name:?}");
        }
        for name in ["docs", "docs-2.1", "_shared", "A9"] {
            assert_eq!(TenantId::new(name).unwrap().as_str(), name);
        }
    }
}
