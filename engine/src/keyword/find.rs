//! Looking words up: which live passages hold a word, in any field, and how often.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, TERMINATED, Term};

use super::error::KeywordError;
use super::limits::MAX_CORRECTIONS;
use super::options::{FieldWeight, KeywordOptions};
use super::query::QueryTerm;
use super::schema::Fields;
use super::snapshot::{SegmentView, Snapshot};
use super::spelling::nearest;

/// A passage in which something was found.
#[derive(Debug)]
pub(crate) struct Match {
    /// Number over all segments.
    pub(crate) document: usize,
    pub(crate) slot: u32,
    /// Occurrences, weighted by field and field length.
    pub(crate) frequency: f32,
}

/// What a term of the query became, and where it is.
pub(crate) struct Lookup {
    /// The term, with its spelling corrected and its weight lowered if nothing held it.
    pub(crate) term: QueryTerm,
    pub(crate) is_corrected: bool,
    pub(crate) matches: Vec<Match>,
    /// The inverse document frequency: ln(1 + (N - n + 0.5) / (n + 0.5)).
    pub(crate) idf: f32,
}

/// Looks the terms of one query up.
pub(crate) struct Finder<'a> {
    snapshot: &'a Snapshot,
    options: &'a KeywordOptions,
    text: Field,
    texts: [(Field, FieldWeight); Fields::TEXTS],
    /// What one occurrence counts in a field of each length.
    norms: Vec<[f32; 256]>,
    /// Weighted frequency of the current term in each document of the current segment.
    frequencies: Vec<f32>,
    corrections: usize,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, fields: &Fields, options: &'a KeywordOptions) -> Self {
        let texts = fields.texts(options);
        let tables = texts.iter().zip(snapshot.mean_lengths);
        let norms = tables.map(|(&(_, weight), mean)| norm_table(weight, mean)).collect();
        let longest = snapshot.segments.iter().map(|view| view.data.slots.len()).max();
        let frequencies = vec![0.0; longest.unwrap_or(0)];
        Self { snapshot, options, text: fields.text, texts, norms, frequencies, corrections: 0 }
    }

    /// Finds `term`, or the word that was most likely meant when no passage holds it.
    pub(crate) fn look_up(&mut self, term: &QueryTerm) -> Result<Lookup, KeywordError> {
        let mut term = term.clone();
        let mut matches = self.matches(&term)?;
        let mut is_corrected = false;
        if matches.is_empty()
            && let Some(word) = self.corrected(&term)?
        {
            term = QueryTerm { text: word, weight: term.weight * self.options.spelling, ..term };
            matches = self.matches(&term)?;
            is_corrected = !matches.is_empty();
        }
        let (all, holding) = (self.snapshot.documents as f32, matches.len() as f32);
        let idf = if matches.is_empty() { 0.0 } else { (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln() };
        Ok(Lookup { term, is_corrected, matches, idf })
    }

    fn corrected(&mut self, term: &QueryTerm) -> Result<Option<String>, KeywordError> {
        if term.is_compound || self.options.spelling <= 0.0 || self.corrections == MAX_CORRECTIONS {
            return Ok(None);
        }
        self.corrections += 1;
        nearest(self.snapshot, self.text, &term.text)
    }

    /// The live documents that hold `term` in any of its fields.
    fn matches(&mut self, term: &QueryTerm) -> Result<Vec<Match>, KeywordError> {
        let mut matches = Vec::new();
        let mut base = 0;
        for view in &self.snapshot.segments {
            for document in self.count(view, term)? {
                let frequency = std::mem::take(&mut self.frequencies[document as usize]);
                let slot = view.data.slots[document as usize];
                matches.push(Match { document: base + document as usize, slot, frequency });
            }
            base += view.data.slots.len();
        }
        Ok(matches)
    }

    /// Sums the occurrences of `term` over the fields of one segment; returns the documents that hold it.
    fn count(&mut self, view: &SegmentView, term: &QueryTerm) -> Result<Vec<u32>, KeywordError> {
        let mut documents = Vec::new();
        let has_dead = !view.dead.is_empty();
        for (place, &(field, weight)) in self.texts.iter().enumerate() {
            if weight.weight <= 0.0 || Fields::holds_compounds(place) != term.is_compound {
                continue;
            }
            let index = view.data.reader.inverted_index(field).map_err(KeywordError::during("open postings"))?;
            let postings = index.read_postings(&Term::from_field_text(field, &term.text), IndexRecordOption::WithFreqs);
            let Some(mut postings) = postings.map_err(KeywordError::during("read postings"))? else {
                continue;
            };
            let (lengths, norms) = (&view.data.norms[place], &self.norms[place]);
            while postings.doc() != TERMINATED {
                let document = postings.doc();
                if !(has_dead && view.dead.contains(document)) {
                    let frequency = &mut self.frequencies[document as usize];
                    if *frequency == 0.0 {
                        documents.push(document);
                    }
                    *frequency += postings.term_freq() as f32 * norms[usize::from(lengths.fieldnorm_id(document))];
                }
                postings.advance();
            }
        }
        Ok(documents)
    }
}

fn norm_table(weight: FieldWeight, mean: f32) -> [f32; 256] {
    std::array::from_fn(|id| {
        let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32 / mean.max(f32::MIN_POSITIVE);
        weight.weight / (1.0 - weight.length + weight.length * length)
    })
}
