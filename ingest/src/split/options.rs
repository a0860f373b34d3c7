//! What a caller chooses about splitting, and how tokens are counted.

use super::limits;

/// Counts tokens as the embedding model does.
pub trait TokenCounter: Send + Sync {
    /// Number of tokens of `text`, without special tokens.
    fn count(&self, text: &str) -> usize;
}

/// A counter that needs no model: a token for every four letters of a word, for every other sign, and
/// for every character outside ASCII. It rather counts too many than too few for English.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApproximateCounter;

impl TokenCounter for ApproximateCounter {
    fn count(&self, text: &str) -> usize {
        const LETTERS: usize = 4;
        let (mut tokens, mut run) = (0, 0_usize);
        for &byte in text.as_bytes() {
            if byte.is_ascii_alphanumeric() {
                run += 1;
                continue;
            }
            tokens += run.div_ceil(LETTERS);
            run = 0;
            let continues_a_character = byte & 0xC0 == 0x80;
            tokens += usize::from(!byte.is_ascii_whitespace() && !continues_a_character);
        }
        tokens + run.div_ceil(LETTERS)
    }
}

/// How passages are made. Settings out of range are brought into range, never refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// Most tokens of a passage as it is embedded, with heading prefix and special tokens. At least 64.
    pub max_tokens: usize,
    /// Tokens that a passage is packed up to, counted in the same way. At most `max_tokens`.
    pub target_tokens: usize,
    /// Consecutive sections that are each below this many tokens may share a passage; 0 keeps every section apart.
    pub tiny_tokens: usize,
    /// Tokens of whole blocks that a passage repeats from the one before it in the same section; 0 for none.
    pub overlap_tokens: usize,
    /// Tokens that the encoder adds on its own.
    pub special_tokens: usize,
    /// The title to embed in place of the one found in the source.
    pub title: Option<String>,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            max_tokens: limits::MAX_TOKENS,
            target_tokens: limits::TARGET_TOKENS,
            tiny_tokens: limits::TINY_TOKENS,
            overlap_tokens: 0,
            special_tokens: limits::SPECIAL_TOKENS,
            title: None,
        }
    }
}

/// [`SplitOptions`] brought into range, for the passages under one heading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Most tokens of the body.
    pub(super) most: usize,
    /// Tokens that the body is packed up to.
    pub(super) target: usize,
    /// Tokens that may be repeated.
    pub(super) overlap: usize,
    /// Below this many tokens a passage is tiny.
    pub(super) tiny: usize,
}

impl SplitOptions {
    const LEAST_TOKENS: usize = 64;

    /// What is left to the body of a passage whose prefix has the given number of tokens.
    pub(super) fn budget(&self, prefix_tokens: usize) -> Budget {
        let overhead = prefix_tokens + self.special_tokens;
        let body = |tokens: usize| tokens.saturating_sub(overhead).max(limits::MIN_BODY_TOKENS);
        let most = body(self.max_tokens.max(Self::LEAST_TOKENS));
        let target = body(self.target_tokens).min(most);
        Budget { most, target, overlap: self.overlap_tokens.min(target / 2), tiny: self.tiny_tokens.min(target) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximate_counts() {
        let count = |text| ApproximateCounter.count(text);
        assert_eq!(count(""), 0);
        assert_eq!(count("  \n"), 0);
        assert_eq!(count("word"), 1);
        assert_eq!(count("a-b"), 3);
        assert_eq!(count("漢字"), 2);
        assert_eq!(count("incomprehensible"), 4);
    }

    #[test]
    fn absurd_options_still_leave_a_body() {
        let options = SplitOptions { max_tokens: 0, target_tokens: 9999, ..SplitOptions::default() };
        let budget = options.budget(1000);
        assert_eq!(budget.most, limits::MIN_BODY_TOKENS);
        assert_eq!(budget.target, limits::MIN_BODY_TOKENS);
    }
}
