//! Misspelt words of a query: the embedding model does not forgive them, since it sees a few odd pieces instead of the word.
//!
//! A word is taken for misspelt only where neither the model nor any passage knows it, and it is corrected only where both know
//! the word that is near: names, codes and words of another trade stay as they are.

use std::ops::Range;
use std::sync::Arc;

use coditect_engine::Tenant;
use coditect_engine::model::CollectionRef;

use crate::limits;
use crate::problem::{Problem, Result};

/// Corrects queries before they are embedded.
#[derive(Debug, Clone)]
pub struct Spelling {
    /// What the model knows, sorted; nothing where that is not told.
    words: Arc<[String]>,
}

impl Spelling {
    /// By the words that the model knows, sorted.
    pub fn new(words: Arc<[String]>) -> Self {
        Self { words }
    }

    /// `query` with its misspelt words corrected, if it has any.
    ///
    /// # Errors
    /// When the keyword index fails.
    pub async fn corrected(
        &self,
        tenant: &Tenant,
        collections: &[CollectionRef],
        query: &str,
    ) -> Result<Option<String>> {
        let odd = self.odd_words(query);
        if odd.is_empty() {
            return Ok(None);
        }
        let (this, tenant, collections, query) = (self.clone(), tenant.clone(), collections.to_vec(), query.to_owned());
        let work = move || -> Result<Option<String>> {
            let mut corrected = query.clone();
            for at in odd.into_iter().rev() {
                let meant = tenant.spelled(&collections, &query[at.clone()], this.alike(&query[at.clone()]))?;
                if let Some(meant) = meant {
                    corrected.replace_range(at, &meant);
                }
            }
            Ok((corrected != query).then_some(corrected))
        };
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
    }

    /// Plain words in small letters that the model does not know, the first few of them.
    fn odd_words(&self, query: &str) -> Vec<Range<usize>> {
        if self.words.is_empty() {
            return Vec::new();
        }
        let plain = |word: &str| {
            let word = word.trim_matches(|c: char| ",;:!?.()\"'".contains(c));
            let from = word.as_ptr() as usize - query.as_ptr() as usize;
            let is_plain =
                limits::SPELLED_LETTERS.contains(&word.len()) && word.bytes().all(|c| c.is_ascii_lowercase());
            is_plain.then(|| from..from + word.len())
        };
        let words = query.split_whitespace().filter_map(plain);
        words.filter(|at| !self.knows(&query[at.clone()])).take(limits::SPELLED_WORDS).collect()
    }

    fn knows(&self, word: &str) -> bool {
        self.words.binary_search_by(|known| known.as_str().cmp(word)).is_ok()
    }

    /// The words with the same first letter.
    fn alike(&self, word: &str) -> &[String] {
        let first = |known: &String| known.as_bytes().first().copied();
        let begin = self.words.partition_point(|known| first(known) < word.as_bytes().first().copied());
        let end = self.words.partition_point(|known| first(known) <= word.as_bytes().first().copied());
        &self.words[begin..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling() -> Spelling {
        Spelling::new(["apple", "python", "server", "stream"].map(str::to_owned).into())
    }

    #[test]
    fn odd_words_are_plain_words_that_the_model_does_not_know() {
        let odd = |query: &str| -> Vec<String> {
            spelling().odd_words(query).into_iter().map(|at| query[at].to_owned()).collect()
        };
        assert_eq!(odd("pyton (servr), stream?"), ["pyton", "servr"]);
        assert!(odd("Pyton get_pyton pyton-x pyton3 x.pyton abc pythön").is_empty());
        assert!(odd("").is_empty());
        assert!(Spelling::new(Arc::default()).odd_words("pyton").is_empty());
    }

    #[test]
    fn words_alike_begin_with_the_same_letter() {
        assert_eq!(spelling().alike("servr"), ["server", "stream"]);
        assert!(spelling().alike("xerox").is_empty());
    }
}
