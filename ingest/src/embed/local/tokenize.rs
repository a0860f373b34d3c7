//! The model's own tokenizer: token ids for the model, exact token counts for the splitter.

use std::ops::Range;
use std::sync::Arc;

use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::super::error::EmbedError;
use super::super::limits::MAX_TEXT_BYTES;
use super::invalid;
use super::model_dir::{ModelDir, read_file};
use crate::split::TokenCounter;

/// Shortest token that counts as a word.
const PLAIN_LETTERS: usize = 3;

/// Turns text into at most as many token ids as the model reads, special tokens included.
pub(super) struct TextEncoder {
    tokenizer: Tokenizer,
}

/// A text's tokens and where they are.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// Their ids.
    pub(super) ids: Vec<u32>,
    /// The bytes of the text that each stands for.
    pub(super) places: Vec<(usize, usize)>,
    /// Those that stand for text, without the encoder's own at both ends.
    pub(super) real: Range<usize>,
}

impl Placed {
    /// The tokens that stand for text from byte `prompt` on.
    pub(super) fn behind(&self, prompt: usize) -> Range<usize> {
        let before = self.places[self.real.clone()].iter().take_while(|place| place.0 < prompt).count();
        self.real.start + before..self.real.end
    }
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

    /// The plain words that are one token, sorted.
    pub(super) fn words(&self) -> Arc<[String]> {
        let is_plain = |word: &String| word.len() >= PLAIN_LETTERS && word.bytes().all(|c| c.is_ascii_lowercase());
        let mut words: Vec<String> = self.tokenizer.get_vocab(false).into_keys().filter(is_plain).collect();
        words.sort_unstable();
        words.into()
    }

    /// Token ids of the text at position `index` of its call.
    pub(super) fn encode(&self, index: usize, text: &str) -> Result<Vec<u32>, EmbedError> {
        self.encoding(index, text, |tokenizer| tokenizer.encode_fast(text, true)).map(|it| it.get_ids().to_vec())
    }

    /// Token ids, with the place of each in the text and which of them are the encoder's own.
    pub(super) fn encode_with_places(&self, index: usize, text: &str) -> Result<Placed, EmbedError> {
        let encoding = self.encoding(index, text, |tokenizer| tokenizer.encode(text, true))?;
        let special = encoding.get_special_tokens_mask();
        let begin = special.iter().take_while(|&&it| it == 1).count();
        let end = special.len() - special[begin..].iter().rev().take_while(|&&it| it == 1).count();
        Ok(Placed { ids: encoding.get_ids().to_vec(), places: encoding.get_offsets().to_vec(), real: begin..end })
    }

    fn encoding(
        &self,
        index: usize,
        text: &str,
        encode: impl FnOnce(&Tokenizer) -> tokenizers::Result<Encoding>,
    ) -> Result<Encoding, EmbedError> {
        let refused = |message: String| EmbedError::Input { index, message };
        if text.len() > MAX_TEXT_BYTES {
            let size = text.len();
            return Err(refused(format!("it has {size} bytes, the limit is {MAX_TEXT_BYTES}")));
        }
        let encoding = encode(&self.tokenizer).map_err(|error| refused(error.to_string()))?;
        if encoding.is_empty() { Err(refused("it has no tokens".to_owned())) } else { Ok(encoding) }
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
