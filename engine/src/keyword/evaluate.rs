//! Scoring: every passage that holds a word of the query gets its BM25F score.
//!
//! Term by term over plain arrays instead of tantivy's queries: that gives frequencies summed over fields, document
//! frequencies of live documents, and the score of every candidate of the other leg, in one pass over the postings.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tantivy::query::{EnableScoring, PhraseQuery, Query};
use tantivy::schema::Schema;
use tantivy::{DocSet, TERMINATED, Term};

use super::error::KeywordError;
use super::find::{Finder, Lookup};
use super::options::KeywordOptions;
use super::query::{ParsedQuery, QueryTerm};
use super::schema::Fields;
use super::snapshot::Snapshot;

/// A slot that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The slot.
    pub slot: u32,
    /// BM25F score, above 0, larger is better; comparable within one query only (see [`QueryProfile::ceiling`]).
    pub score: f32,
}

/// What the index knows of a query's words; lets a fusion judge how far to trust the scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryProfile {
    /// Different words and identifiers that were looked for.
    pub terms: usize,
    /// Those that no passage holds.
    pub missing_terms: usize,
    /// Those of the missing ones for which the nearest indexed word was looked for and found instead.
    pub corrected_terms: usize,
    /// Those that at most one passage in 200 holds (or just one does).
    pub rare_terms: usize,
    /// Largest inverse document frequency of a term that was found, 0 when none was.
    pub max_idf: f32,
    /// Mean inverse document frequency of the terms that were found, 0 when none was.
    pub mean_idf: f32,
    /// The score of a passage that holds every found term in plenty; no score is above it.
    pub ceiling: f32,
    /// Passages that hold any of the terms.
    pub matches: usize,
    /// Which share of the query's words are names, codes or quoted rather than words of a sentence, 0 to 1.
    pub name_share: f32,
}

/// The scores of all passages for one query.
#[derive(Debug, Clone, Default)]
pub struct Evaluation {
    hits: Vec<Hit>,
    profile: QueryProfile,
}

impl Evaluation {
    /// The `k` best slots among `allowed`, best first, equal scores by slot. May be asked again with other bounds.
    #[must_use]
    pub fn top(&self, k: usize, allowed: Option<&RoaringBitmap>) -> Vec<Hit> {
        let is_allowed = |hit: &&Hit| allowed.is_none_or(|allowed| allowed.contains(hit.slot));
        let mut hits: Vec<Hit> = self.hits.iter().filter(is_allowed).copied().collect();
        let order = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score).then(a.slot.cmp(&b.slot));
        if k == 0 {
            return Vec::new();
        }
        if k < hits.len() {
            hits.select_nth_unstable_by(k - 1, order);
            hits.truncate(k);
        }
        hits.sort_unstable_by(order);
        hits
    }

    /// The scores of `slots`, in their order; `None` for one that holds none of the query's words.
    #[must_use]
    pub fn scores(&self, slots: &[u32]) -> Vec<Option<f32>> {
        let places: HashMap<u32, usize> = slots.iter().enumerate().map(|(place, &slot)| (slot, place)).collect();
        let mut scores = vec![None; slots.len()];
        for hit in &self.hits {
            if let Some(&place) = places.get(&hit.slot) {
                scores[place] = Some(hit.score);
            }
        }
        scores
    }

    /// What is known of the query's words.
    #[must_use]
    pub fn profile(&self) -> &QueryProfile {
        &self.profile
    }
}

pub(crate) struct Scorer<'a> {
    snapshot: &'a Snapshot,
    options: &'a KeywordOptions,
    schema: &'a Schema,
    fields: Fields,
    scores: Vec<f32>,
    touched: Vec<(usize, u32)>,
    profile: QueryProfile,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, fields: Fields, schema: &'a Schema, options: &'a KeywordOptions) -> Self {
        let scores = vec![0.0; snapshot.bound];
        Self { snapshot, options, schema, fields, scores, touched: Vec::new(), profile: QueryProfile::default() }
    }

    pub(crate) fn evaluate(mut self, query: &ParsedQuery) -> Result<Evaluation, KeywordError> {
        let mut finder = Finder::new(self.snapshot, &self.fields, self.options);
        let mut idfs = Vec::with_capacity(query.terms.len());
        for term in &query.terms {
            let lookup = finder.look_up(term)?;
            self.term(&lookup);
            idfs.push(lookup.idf);
        }
        self.phrases(query, &idfs)?;
        let found = idfs.iter().filter(|&&idf| idf > 0.0).count().max(1);
        let profile = QueryProfile {
            terms: query.terms.len(),
            mean_idf: idfs.iter().sum::<f32>() / found as f32,
            matches: self.touched.len(),
            name_share: query.name_share,
            ..self.profile
        };
        let hit = |&(document, slot): &(usize, u32)| Hit { slot, score: self.scores[document] };
        Ok(Evaluation { hits: self.touched.iter().map(hit).collect(), profile })
    }

    /// The terms of `query` as they were found, with their inverse document frequencies.
    pub(crate) fn weighted_terms(self, query: &ParsedQuery) -> Result<Vec<(QueryTerm, f32)>, KeywordError> {
        let mut finder = Finder::new(self.snapshot, &self.fields, self.options);
        let look_up = |term| finder.look_up(term).map(|lookup| (lookup.term, lookup.idf));
        query.terms.iter().map(look_up).collect()
    }

    fn term(&mut self, lookup: &Lookup) {
        let holding = lookup.matches.len() as u64;
        self.profile.missing_terms += usize::from(holding == 0 || lookup.is_corrected);
        self.profile.corrected_terms += usize::from(lookup.is_corrected);
        if holding == 0 {
            return;
        }
        let saturation = self.options.saturation;
        let weight = lookup.term.weight * lookup.idf * (saturation + 1.0);
        for found in &lookup.matches {
            self.add(found.document, found.slot, weight * found.frequency / (saturation + found.frequency));
        }
        self.profile.rare_terms += usize::from(holding * 200 <= self.snapshot.documents || holding == 1);
        self.profile.max_idf = self.profile.max_idf.max(lookup.idf);
        self.profile.ceiling += weight;
    }

    fn add(&mut self, document: usize, slot: u32, score: f32) {
        if self.scores[document] == 0.0 {
            self.touched.push((document, slot));
        }
        self.scores[document] += score;
    }

    /// Adds what quoted phrases count.
    fn phrases(&mut self, query: &ParsedQuery, idfs: &[f32]) -> Result<(), KeywordError> {
        let is_word = |word: &str, term: &QueryTerm| !term.is_compound && term.text == word;
        let idf_of =
            |word: &String| query.terms.iter().position(|term| is_word(word, term)).map_or(0.0, |place| idfs[place]);
        for phrase in &query.phrases {
            let score = self.options.phrase * phrase.iter().map(idf_of).sum::<f32>();
            if score > 0.0 {
                self.profile.ceiling += score;
                self.phrase(phrase, score)?;
            }
        }
        Ok(())
    }

    /// Adds `score` to every document that holds `words` side by side in any field.
    fn phrase(&mut self, words: &[String], score: f32) -> Result<(), KeywordError> {
        let mut base = 0;
        for view in &self.snapshot.segments {
            let mut documents = RoaringBitmap::new();
            for field in self.fields.placed() {
                let terms = words.iter().map(|word| Term::from_field_text(field, word)).collect();
                let weight = PhraseQuery::new(terms).weight(EnableScoring::disabled_from_schema(self.schema));
                let scorer = weight.and_then(|weight| weight.scorer(&view.data.reader, 1.0));
                let mut scorer = scorer.map_err(KeywordError::during("look for a phrase"))?;
                while scorer.doc() != TERMINATED {
                    documents.insert(scorer.doc());
                    scorer.advance();
                }
            }
            for document in documents.iter().filter(|&document| !view.dead.contains(document)) {
                self.add(base + document as usize, view.data.slots[document as usize], score);
            }
            base += view.data.slots.len();
        }
        Ok(())
    }
}
