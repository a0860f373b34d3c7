//! The keyword index: tantivy's inverted index in memory, with analysers for prose and identifiers and BM25F of our own.

mod analysis;
mod error;
mod evaluate;
mod find;
mod highlight;
mod image;
pub mod limits;
mod merge;
mod options;
mod query;
mod scan;
mod schema;
mod segment;
mod snapshot;
mod spelling;
mod writer;

use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;
use tantivy::schema::Schema;

pub use self::error::KeywordError;
pub use self::evaluate::{Evaluation, Hit, QueryProfile};
pub use self::highlight::Highlighter;
pub use self::options::{FieldWeight, KeywordOptions};
pub use self::schema::PassageFields;
pub use self::spelling::Spelling;
pub use self::writer::KeywordChange;

use self::evaluate::Scorer;
use self::find::Finder;
use self::query::{ParsedQuery, QueryTerm};
use self::schema::Fields;
use self::snapshot::Snapshot;
use self::writer::Writer;

/// An index of passages by slot. Searches never wait for writers.
pub struct KeywordIndex {
    options: KeywordOptions,
    schema: Schema,
    fields: Fields,
    writer: Mutex<Writer>,
    snapshot: RwLock<Arc<Snapshot>>,
}

impl std::fmt::Debug for KeywordIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeywordIndex").field("options", &self.options).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl KeywordIndex {
    /// Makes an empty index.
    ///
    /// # Errors
    /// When an option is out of its range.
    pub fn new(options: KeywordOptions) -> Result<Self, KeywordError> {
        if let Some(fault) = options.fault() {
            let fault = tantivy::TantivyError::InvalidArgument(fault.to_owned());
            return Err(KeywordError::during("read the options")(fault));
        }
        let (schema, fields) = Fields::schema();
        let writer = Mutex::new(Writer::new(fields));
        Ok(Self { options, schema, fields, writer, snapshot: RwLock::default() })
    }

    /// Takes in changes, in order. They are found after [`KeywordIndex::commit`].
    ///
    /// # Errors
    /// When tantivy fails; the index should then be built anew.
    pub fn apply(&self, batch: &[KeywordChange]) -> Result<(), KeywordError> {
        let mut writer = self.writer.lock();
        batch.iter().try_for_each(|change| writer.apply(change))
    }

    /// Makes all changes visible to searches that start after this returns, all at once, then tidies up segments:
    /// commits that come faster than that pays for wait here.
    ///
    /// # Errors
    /// When tantivy fails; the index should then be built anew.
    pub fn commit(&self) -> Result<(), KeywordError> {
        let mut writer = self.writer.lock();
        writer.commit()?;
        self.publish(&writer);
        if writer.merge()? {
            self.publish(&writer);
        }
        Ok(())
    }

    /// Whether [`KeywordIndex::release_idle`] has nothing to do.
    #[must_use]
    pub fn is_compact(&self) -> bool {
        self.writer.lock().is_compact()
    }

    /// Commits and finishes all merges, so that the index takes no more memory and threads than it needs. Meant for a
    /// collection that has not been written to for a while.
    ///
    /// # Errors
    /// When tantivy fails; the index should then be built anew.
    pub fn release_idle(&self) -> Result<(), KeywordError> {
        let mut writer = self.writer.lock();
        writer.compact()?;
        self.publish(&writer);
        Ok(())
    }

    fn publish(&self, writer: &Writer) {
        *self.snapshot.write() = Arc::new(writer.snapshot());
    }

    /// Scores every passage that holds a word of `query`, which may be any text: there is no syntax to get wrong. Parts in
    /// double quotes count more where they occur word by word.
    ///
    /// # Errors
    /// When tantivy fails.
    pub fn evaluate(&self, query: &str) -> Result<Evaluation, KeywordError> {
        self.evaluate_with(query, &self.options)
    }

    /// As [`KeywordIndex::evaluate`], with other settings than the index's own: nothing of them is in the index.
    ///
    /// # Errors
    /// When tantivy fails.
    pub fn evaluate_with(&self, query: &str, options: &KeywordOptions) -> Result<Evaluation, KeywordError> {
        let snapshot = Arc::clone(&self.snapshot.read());
        let query = ParsedQuery::read(query, options);
        Scorer::new(&snapshot, self.fields, &self.schema, options).evaluate(&query)
    }

    /// Whether passages hold `word`, or which of `words` was most likely meant by it.
    ///
    /// # Errors
    /// When tantivy fails.
    pub fn spelled(&self, word: &str, words: &[String]) -> Result<Spelling, KeywordError> {
        let snapshot = Arc::clone(&self.snapshot.read());
        let term = QueryTerm { text: spelling::stem(word), is_compound: false, weight: 1.0 };
        let lookup = Finder::new(&snapshot, &self.fields, &self.options).look_up(&term)?;
        let meant = lookup.is_corrected.then(|| spelling::with_stem(word, &lookup.term.text, words)).flatten();
        Ok(match meant {
            Some(meant) => Spelling::Meant(meant),
            None if lookup.is_corrected || lookup.matches.is_empty() => Spelling::Unknown,
            None => Spelling::Known,
        })
    }

    /// The `k` best slots among `allowed`, best first, equal scores by slot.
    ///
    /// # Errors
    /// When tantivy fails.
    pub fn search(&self, query: &str, k: usize, allowed: Option<&RoaringBitmap>) -> Result<Vec<Hit>, KeywordError> {
        Ok(self.evaluate(query)?.top(k, allowed))
    }

    /// What shows where the words of `query` are in a passage.
    ///
    /// # Errors
    /// When tantivy fails.
    pub fn highlighter(&self, query: &str) -> Result<Highlighter, KeywordError> {
        let snapshot = Arc::clone(&self.snapshot.read());
        let query = ParsedQuery::read(query, &self.options);
        let scorer = Scorer::new(&snapshot, self.fields, &self.schema, &self.options);
        Ok(Highlighter::new(scorer.weighted_terms(&query)?))
    }

    /// The places of the words of `query` in `text`: see [`Highlighter::ranges`].
    #[must_use]
    pub fn highlights(&self, query: &str, text: &str) -> Vec<Range<usize>> {
        let query = ParsedQuery::read(query, &self.options);
        Highlighter::new(query.terms.into_iter().map(|term| (term, 1.0))).ranges(text)
    }

    /// Passages that searches see.
    #[must_use]
    pub fn len(&self) -> usize {
        self.snapshot.read().documents as usize
    }

    /// Whether searches see no passage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Segments that searches go through.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.snapshot.read().segments.len()
    }

    /// Bytes of the index in memory, without what waits for a commit (at most [`limits::ARENA_BYTES`]).
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.snapshot.read().bytes() + self.writer.lock().bytes()
    }
}
