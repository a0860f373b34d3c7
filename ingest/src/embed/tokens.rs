//! What the model says of the single tokens of a text, beside the text's own vector: for late interaction (Khattab and
//! Zaharia: "ColBERT", SIGIR 2020), made in the same pass.

/// A text's vector and its tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddedText {
    /// The text's vector.
    pub vector: Vec<f32>,
    /// Its tokens, as far as the model reads.
    pub tokens: TextTokens,
}

/// The tokens of a text, the model's special ones left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextTokens {
    /// Their numbers in the model's vocabulary.
    pub ids: Vec<u32>,
    /// Where each begins in the text, in bytes.
    pub starts: Vec<u32>,
    /// The signs of each token's vector, one after the other: bit `d % 8` of byte `d / 8` is set where component `d` is positive.
    pub signs: Vec<u8>,
}

/// A query's vector and its tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddedQuery {
    /// The query's vector.
    pub vector: Vec<f32>,
    /// The tokens' numbers in the model's vocabulary, special tokens left out.
    pub ids: Vec<u32>,
    /// Where each token stands in the query, in bytes.
    pub places: Vec<(u32, u32)>,
    /// The tokens' vectors, one after the other.
    pub vectors: Vec<f32>,
}
