//! Which content a stored document was made from, and by which pipeline.
//!
//! The stored hash is `{content}.{pipeline}`: the hash of what the client sent, and an id of everything that turned it into
//! passages and vectors. Both the same means nothing to do; another pipeline (a new splitter, model or passage size)
//! makes every document anew when it is next sent.

use std::fmt;

use coditect_ingest::split::SplitOptions;

/// Raise it whenever the same text would be split or cleaned differently.
const PIPELINE_VERSION: u32 = 2;

/// What clients see before the hash of a document that an older pipeline made: no hash of theirs equals it.
const STALE: &str = "stale-";

/// Everything between a document and its passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineId(String);

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PipelineId {
    /// The pipeline of an embedder and a model of tokens (by their fingerprints' ids) and a way of splitting.
    pub fn new(embedder: &str, tokens: Option<&str>, options: &SplitOptions) -> Self {
        let SplitOptions { max_tokens, target_tokens, tiny_tokens, overlap_tokens, special_tokens, title: _ } = options;
        let numbers = [max_tokens, target_tokens, tiny_tokens, overlap_tokens, special_tokens];
        let text = format!("{PIPELINE_VERSION} {numbers:?} {embedder} {}", tokens.unwrap_or("-"));
        Self(blake3::hash(text.as_bytes()).to_hex()[..16].to_owned())
    }

    /// The hash to store for a content.
    pub fn stored(&self, content: &str) -> String {
        format!("{content}.{self}")
    }

    /// The hash to show in listings, by which clients decide what to send: the content's if this pipeline made it.
    pub fn comparable(&self, stored: &str) -> String {
        match stored.split_once('.') {
            Some((content, pipeline)) if pipeline == self.0 => content.to_owned(),
            _ => format!("{STALE}{}", content_of(stored)),
        }
    }
}

/// The content's part of a stored hash.
pub(crate) fn content_of(stored: &str) -> &str {
    stored.split_once('.').map_or(stored, |(content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_pipeline_makes_hashes_differ_for_clients() {
        let options = SplitOptions::default();
        let now = PipelineId::new("local/m/384/aa", None, &options);
        let stored = now.stored("abc");
        assert_eq!(now.comparable(&stored), "abc");
        assert_eq!(content_of(&stored), "abc");
        let others = [
            PipelineId::new("local/m/384/bb", None, &options),
            PipelineId::new("local/m/384/aa", Some("local/m/384/aa"), &options),
            PipelineId::new("local/m/384/aa", None, &SplitOptions { target_tokens: 99, ..options }),
        ];
        for other in others {
            assert_eq!(other.comparable(&stored), "stale-abc");
            assert_ne!(other.stored("abc"), stored);
        }
    }
}
