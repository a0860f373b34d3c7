//! What can go wrong in the keyword index.

/// The keyword index failed; queries and texts of any form are fine, so this is never the caller's input.
#[derive(Debug, thiserror::Error)]
#[error("keyword index: {action}")]
pub struct KeywordError {
    action: &'static str,
    source: tantivy::TantivyError,
}

impl KeywordError {
    /// Says what was being done when tantivy failed.
    pub(crate) fn during<E: Into<tantivy::TantivyError>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { action, source: source.into() }
    }
}
