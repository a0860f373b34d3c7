//! The model's own tokenizer: token ids for the model, exact token counts for the splitter.

use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::super::error::EmbedError;
use super::super::limits::MAX_TEXT_BYTES;
use super::invalid;
use super::model_dir::{ModelDir, read_file};
use crate::split::TokenCounter;

/// Turns text into at most as many token ids as the model reads, special tokens included.
pub(super) struct TextEncoder {
    tokenizer: Tokenizer,
}

impl TextEncoder {
    pub(super) fn open(dir: &ModelDir) -> Result<Self, EmbedError> {
        let bytes = read_file(&dir.path.join("tokenizer.json"))?;
        let fail = |error: tokenizers::Error| invalid(format!("tokenizer.json: {error}"));
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(fail)?;
        if tokenizer.get_vocab_size(true) > dir.bert.vocab_size {
            return Err(invalid("the tokenizer has more tokens than the model".to_owned()));
        }
        tokenizer.with_padding(None);
        let limit = TruncationParams { max_length: dir.max_tokens, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(limit)).map_err(fail)?;
        Ok(Self { tokenizer })
    }

    /// Token ids of the text at position `index` of its call.
    pub(super) fn encode(&self, index: usize, text: &str) -> Result<Vec<u32>, EmbedError> {
        let refused = |message: String| EmbedError::Input { index, message };
        if text.len() > MAX_TEXT_BYTES {
            let size = text.len();
            return Err(refused(format!("it has {size} bytes, the limit is {MAX_TEXT_BYTES}")));
        }
        let encoding = self.tokenizer.encode_fast(text, true);
        let encoding = encoding.map_err(|error| refused(error.to_string()))?;
        match encoding.get_ids() {
            [] => Err(refused("it has no tokens".to_owned())),
            ids => Ok(ids.to_vec()),
        }
    }
}

impl TokenCounter for TextEncoder {
    /// What truncation cuts off is kept beside the encoding, without overlap, and counts too.
    fn count(&self, text: &str) -> usize {
        let whole = |encoding: Encoding| {
            let rest: usize = encoding.get_overflowing().iter().map(Encoding::len).sum();
            encoding.len() + rest
        };
        // A text that cannot be tokenized counts as long as it could be at worst.
        self.tokenizer.encode_fast(text, false).map_or(text.len(), whole)
    }
}
