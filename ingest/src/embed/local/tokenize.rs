//! The model's own tokenizer: token ids for the model, exact token counts for the splitter.

use tokenizers::{Tokenizer, TruncationParams};

use super::super::error::EmbedError;
use super::super::limits::MAX_TEXT_BYTES;
use super::invalid;
use super::model_dir::{ModelDir, read_file};
use crate::split::TokenCounter;

/// Turns text into at most `max_tokens` token ids, special tokens included.
pub(super) struct TextEncoder {
    truncating: Tokenizer,
}

/// Counts tokens as the model does, without special tokens and without a limit.
struct Counter {
    whole: Tokenizer,
}

impl TextEncoder {
    pub(super) fn open(dir: &ModelDir) -> Result<(Self, impl TokenCounter + 'static), EmbedError> {
        let bytes = read_file(&dir.path.join("tokenizer.json"))?;
        let fail = |error: tokenizers::Error| invalid(format!("tokenizer.json: {error}"));
        let mut whole = Tokenizer::from_bytes(bytes).map_err(fail)?;
        whole.with_padding(None);
        whole.with_truncation(None).map_err(fail)?;
        if whole.get_vocab_size(true) > dir.bert.vocab_size {
            return Err(invalid("the tokenizer has more tokens than the model".to_owned()));
        }
        let mut truncating = whole.clone();
        let limit = TruncationParams { max_length: dir.max_tokens, ..TruncationParams::default() };
        truncating.with_truncation(Some(limit)).map_err(fail)?;
        Ok((Self { truncating }, Counter { whole }))
    }

    /// Token ids of the text at position `index` of its call.
    pub(super) fn encode(&self, index: usize, text: &str) -> Result<Vec<u32>, EmbedError> {
        if text.len() > MAX_TEXT_BYTES {
            let message = format!("it has {} bytes, the limit is {MAX_TEXT_BYTES}", text.len());
            return Err(EmbedError::Input { index, message });
        }
        let refused = |message: String| EmbedError::Input { index, message };
        let encoding = self.truncating.encode_fast(text, true).map_err(|error| refused(error.to_string()))?;
        match encoding.get_ids() {
            [] => Err(refused("it has no tokens".to_owned())),
            ids => Ok(ids.to_vec()),
        }
    }
}

impl TokenCounter for Counter {
    fn count(&self, text: &str) -> usize {
        // A text that cannot be tokenized counts as long as it could be at worst.
        self.whole.encode_fast(text, false).map_or(text.len(), |encoding| encoding.len())
    }
}
