//! Scoring: every passage that holds a word of the query gets its BM25F score.
//!
//! Term by term over plain arrays instead of tantivy's queries: that gives frequencies summed over fields, document
//! frequencies of live documents, and the score of every candidate of the other leg, in one pass over the postings.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::{EnableScoring, PhraseQuery, Query};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, TERMINATED, Term};

use super::error::KeywordError;
use super::options::{FieldWeight, KeywordOptions};
use super::query::{ParsedQuery, QueryTerm};
use super::schema::Fields;
use super::snapshot::{SegmentView, Snapshot};

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
    /// Whether the query looks like a name, a code or a quotation rather than a sentence.
    pub identifier_like: bool,
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
        let places: HashMap<u32, usize> = slots
            .iter()
            .enumerate()
            .map(|(place, &slot)| (slot, place))
            .collect();
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

/// The inverse document frequency: ln(1 + (N - n + 0.5) / (n + 0.5)).
pub(crate) fn idf(documents: u64, holding: u64) -> f32 {
    let (all, holding) = (documents as f32, holding as f32);
    (1.0 + (all - holding + 0.5).max(0.5) / (holding + 0.5)).ln()
}

/// A passage in which something was found.
struct Match {
    /// Number over all segments.
    document: usize,
    slot: u32,
    frequency: f32,
}

pub(crate) struct Scorer<'a> {
    snapshot: &'a Snapshot,
    options: &'a KeywordOptions,
    schema: &'a tantivy::schema::Schema,
    fields: Fields,
    texts: [(Field, FieldWeight); Fields::TEXTS],
    /// What one occurrence counts in a field of each length.
    norms: Vec<[f32; 256]>,
    /// Weighted frequency of the current term in each document of the current segment.
    frequencies: Vec<f32>,
    scores: Vec<f32>,
    touched: Vec<(usize, u32)>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        fields: Fields,
        schema: &'a tantivy::schema::Schema,
        options: &'a KeywordOptions,
    ) -> Self {
        let texts = fields.texts(options);
        let norms = texts
            .iter()
            .zip(snapshot.mean_lengths)
            .map(|(&(_, weight), mean)| norm_table(weight, mean))
            .collect();
        let longest = snapshot
            .segments
            .iter()
            .map(|view| view.slots.len())
            .max()
            .unwrap_or(0);
        Self {
            snapshot,
            options,
            schema,
            fields,
            texts,
            norms,
            frequencies: vec![0.0; longest],
            scores: vec![0.0; snapshot.bound],
            touched: Vec::new(),
        }
    }

    pub(crate) fn evaluate(mut self, query: &ParsedQuery) -> Result<Evaluation, KeywordError> {
        let mut profile = QueryProfile {
            terms: query.terms.len(),
            identifier_like: query.identifier_like,
            ..QueryProfile::default()
        };
        let mut idfs = Vec::with_capacity(query.terms.len());
        for term in &query.terms {
            let matches = self.matches(term)?;
            if matches.is_empty() {
                profile.missing_terms += 1;
                idfs.push(0.0);
                continue;
            }
            let holding = matches.len() as u64;
            let idf = idf(self.snapshot.documents, holding);
            let weight = term.weight * idf * (self.options.saturation + 1.0);
            for found in matches {
                let share = found.frequency / (self.options.saturation + found.frequency);
                self.add(found.document, found.slot, weight * share);
            }
            profile.rare_terms +=
                usize::from(holding * 200 <= self.snapshot.documents || holding == 1);
            profile.max_idf = profile.max_idf.max(idf);
            profile.ceiling += weight;
            idfs.push(idf);
        }
        let found = (profile.terms - profile.missing_terms).max(1);
        profile.mean_idf = idfs.iter().sum::<f32>() / found as f32;
        self.phrases(query, &idfs, &mut profile)?;
        profile.matches = self.touched.len();
        let hits = self
            .touched
            .iter()
            .map(|&(document, slot)| Hit {
                slot,
                score: self.scores[document],
            })
            .collect();
        Ok(Evaluation { hits, profile })
    }

    /// The inverse document frequency of each term of `query`.
    pub(crate) fn idfs(mut self, query: &ParsedQuery) -> Result<Vec<f32>, KeywordError> {
        let documents = self.snapshot.documents;
        query
            .terms
            .iter()
            .map(|term| Ok(idf(documents, self.matches(term)?.len() as u64)))
            .collect()
    }

    fn add(&mut self, document: usize, slot: u32, score: f32) {
        if self.scores[document] == 0.0 {
            self.touched.push((document, slot));
        }
        self.scores[document] += score;
    }

    /// The live documents that hold `term` in any of its fields, with their weighted frequency.
    fn matches(&mut self, term: &QueryTerm) -> Result<Vec<Match>, KeywordError> {
        let mut matches = Vec::new();
        let mut base = 0;
        for view in &self.snapshot.segments {
            let mut documents = Vec::new();
            for (place, &(field, weight)) in self.texts.iter().enumerate() {
                if weight.weight > 0.0 && Fields::holds_compounds(place) == term.is_compound {
                    let term = Term::from_field_text(field, &term.text);
                    count(
                        view,
                        &term,
                        &view.norms[place],
                        &self.norms[place],
                        &mut self.frequencies,
                        &mut documents,
                    )?;
                }
            }
            for document in documents {
                let frequency = std::mem::take(&mut self.frequencies[document as usize]);
                matches.push(Match {
                    document: base + document as usize,
                    slot: view.slots[document as usize],
                    frequency,
                });
            }
            base += view.slots.len();
        }
        Ok(matches)
    }

    /// Adds what quoted phrases and neighbouring words of the query count.
    fn phrases(
        &mut self,
        query: &ParsedQuery,
        idfs: &[f32],
        profile: &mut QueryProfile,
    ) -> Result<(), KeywordError> {
        let idf_of = |word: &str| {
            query
                .terms
                .iter()
                .position(|term| !term.is_compound && term.text == word)
                .map_or(0.0, |place| idfs[place])
        };
        for phrase in &query.phrases {
            let score = self.options.phrase * phrase.iter().map(|word| idf_of(word)).sum::<f32>();
            let words: Vec<&str> = phrase.iter().map(String::as_str).collect();
            self.phrase(&words, score, profile)?;
        }
        if self.options.pair > 0.0 {
            for &(first, second) in &query.pairs {
                if idfs[first] > 0.0 && idfs[second] > 0.0 {
                    let words = [
                        query.terms[first].text.as_str(),
                        query.terms[second].text.as_str(),
                    ];
                    self.phrase(
                        &words,
                        self.options.pair * idfs[first].min(idfs[second]),
                        profile,
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Adds `score` to every document that holds `words` side by side in any field.
    fn phrase(
        &mut self,
        words: &[&str],
        score: f32,
        profile: &mut QueryProfile,
    ) -> Result<(), KeywordError> {
        if score <= 0.0 {
            return Ok(());
        }
        profile.ceiling += score;
        let mut base = 0;
        for view in &self.snapshot.segments {
            let mut documents = RoaringBitmap::new();
            for field in self.fields.placed() {
                let terms = words
                    .iter()
                    .map(|word| Term::from_field_text(field, word))
                    .collect();
                let weight = PhraseQuery::new(terms)
                    .weight(EnableScoring::disabled_from_schema(self.schema));
                let scorer = weight.and_then(|weight| weight.scorer(&view.reader, 1.0));
                let mut scorer = scorer.map_err(KeywordError::during("look for a phrase"))?;
                while scorer.doc() != TERMINATED {
                    documents.insert(scorer.doc());
                    scorer.advance();
                }
            }
            for document in documents
                .iter()
                .filter(|&document| !view.reader.is_deleted(document))
            {
                self.add(
                    base + document as usize,
                    view.slots[document as usize],
                    score,
                );
            }
            base += view.slots.len();
        }
        Ok(())
    }
}

fn norm_table(weight: FieldWeight, mean: f32) -> [f32; 256] {
    std::array::from_fn(|id| {
        let length =
            FieldNormReader::id_to_fieldnorm(id as u8) as f32 / mean.max(f32::MIN_POSITIVE);
        weight.weight / (1.0 - weight.length + weight.length * length)
    })
}

/// Adds the occurrences of `term` to the frequencies of the documents that hold it; notes documents that are new.
fn count(
    view: &SegmentView,
    term: &Term,
    lengths: &FieldNormReader,
    norms: &[f32; 256],
    frequencies: &mut [f32],
    documents: &mut Vec<u32>,
) -> Result<(), KeywordError> {
    let index = view
        .reader
        .inverted_index(term.field())
        .map_err(KeywordError::during("open postings"))?;
    let postings = index
        .read_postings(term, IndexRecordOption::WithFreqs)
        .map_err(KeywordError::during("read postings"))?;
    let Some(mut postings) = postings else {
        return Ok(());
    };
    let alive = view.reader.alive_bitset();
    while postings.doc() != TERMINATED {
        let document = postings.doc();
        if alive.is_none_or(|alive| alive.is_alive(document)) {
            let frequency = &mut frequencies[document as usize];
            if *frequency == 0.0 {
                documents.push(document);
            }
            *frequency +=
                postings.term_freq() as f32 * norms[usize::from(lengths.fieldnorm_id(document))];
        }
        postings.advance();
    }
    Ok(())
}
