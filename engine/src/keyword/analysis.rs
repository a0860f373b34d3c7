//! The analysers: how text and queries become terms, the same way on both sides.

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager,
};

use super::scan::{Found, compounds, pieces, words};

/// Which of the things in a text an analyser gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words, stemmed.
    Words,
    /// Pieces of camelCase words, stemmed.
    Pieces,
    /// Whole identifiers.
    Compounds,
}

impl Kind {
    /// The name under which tantivy knows the analyser.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Pieces => "pieces",
            Self::Compounds => "compounds",
        }
    }

    /// A fresh analyser.
    pub(crate) fn analyzer(self) -> TextAnalyzer {
        let folded = TextAnalyzer::builder(Scanner(self)).filter(LowerCaser).filter(AsciiFoldingFilter);
        match self {
            Self::Words | Self::Pieces => folded.filter(Stemmer::new(Language::English)).build(),
            Self::Compounds => folded.build(),
        }
    }

    /// The terms of `text` with their places.
    pub(crate) fn terms(self, text: &str) -> Vec<Token> {
        let mut tokens = Vec::new();
        self.analyzer().token_stream(text).process(&mut |token| tokens.push(token.clone()));
        tokens
    }
}

/// All analysers, for tantivy.
pub(crate) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    for kind in [Kind::Words, Kind::Pieces, Kind::Compounds] {
        manager.register(kind.name(), kind.analyzer());
    }
    manager
}

#[derive(Clone, Copy)]
struct Scanner(Kind);

impl Tokenizer for Scanner {
    type TokenStream<'a> = Scanned;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Scanned {
        let found = match self.0 {
            Kind::Words => words(text),
            Kind::Pieces => pieces(text),
            Kind::Compounds => compounds(text),
        };
        Scanned { rest: found.into_iter().enumerate(), token: Token::default() }
    }
}

struct Scanned {
    rest: std::iter::Enumerate<std::vec::IntoIter<Found>>,
    token: Token,
}

impl TokenStream for Scanned {
    fn advance(&mut self) -> bool {
        let Some((position, found)) = self.rest.next() else {
            return false;
        };
        self.token = Token {
            offset_from: found.at.start,
            offset_to: found.at.end,
            position,
            text: found.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// Words that say nothing about what is looked for; stemmed like everything else.
const STOP_WORDS: &str = "a an and are as at be but by for if in into is it no not of on or such that the their then there these they \
    this to was will with";
/// Words that form questions.
const QUESTION_WORDS: &str = "am can could did do does doing had has have having he her his how i its me my our ours she should so them \
    those us was we were what when where which who whom why would you your s t";

/// Whether a query can do without this (folded, unstemmed) word.
pub(crate) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.split_ascii_whitespace().chain(QUESTION_WORDS.split_ascii_whitespace()).any(|stop| stop == word)
}
