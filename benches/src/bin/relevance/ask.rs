//! Asks the questions of a judged set and judges the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context, Result};
use coditect_benches::client::{Client, Rerank, SearchAnswer, SearchRequest, SearchResult};
use coditect_benches::dataset::{Dataset, Judged, Level, Question};
use coditect_benches::metrics::Metrics;
use coditect_benches::report::quantile;

use crate::index::Indexed;
use crate::record::{Asked, Latency, Lengths, Mode, Returned};

/// The server's default mode: both legs, then late interaction.
pub(crate) const LATE: &str = "hybrid+late";

/// Results that a user asks for.
const TOP_K: usize = 10;

/// Results asked for to rank documents by their best passage.
const DEEP_TOP_K: usize = 100;

/// Results asked for when they are to be ranked anew: more than both legs bring together.
const EVIDENCE_TOP_K: usize = 400;

/// The questions of a set and the server that answers them.
pub(crate) struct Asking<'a> {
    client: Client,
    set: &'a Dataset,
    versions: BTreeMap<&'a str, &'a str>,
    fold_copies: bool,
}

impl<'a> Asking<'a> {
    /// Questions to a server that holds the set at the given versions.
    pub(crate) fn new(client: Client, set: &'a Dataset, indexed: &'a Indexed, fold_copies: Option<bool>) -> Self {
        let names = set.collections.iter().map(|it| it.name.as_str());
        let versions = names.zip(indexed.iter().map(String::as_str)).collect();
        // Where documents are judged, a folded copy would hide a document that counts.
        let fold_copies = fold_copies.unwrap_or(set.level == Level::Passage);
        Self { client, set, versions, fold_copies }
    }

    /// The client that the questions go through.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks every question in every mode.
    pub(crate) async fn all(&self, modes: &[String]) -> Result<Vec<Mode>> {
        let mut done = BTreeMap::new();
        // The default mode goes first, so that its latency includes embedding the question: later modes find
        // the vector in the server's cache.
        let is_default = |mode: &&String| *mode == LATE;
        let hybrid_first = modes.iter().filter(is_default).chain(modes.iter().filter(|mode| !is_default(mode)));
        for mode in hybrid_first {
            done.insert(mode.as_str(), self.mode(mode).await.with_context(|| format!("ask in mode {mode}"))?);
        }
        Ok(modes.iter().filter_map(|mode| done.remove(mode.as_str())).collect())
    }

    async fn mode(&self, mode: &str) -> Result<Mode> {
        let mut questions = Vec::new();
        let (mut latencies, mut late) = (Vec::new(), Vec::new());
        let mut returned = Lengths::default();
        for question in &self.set.questions {
            let started = Instant::now();
            let answer = self.answer(question, mode, self.shown(), false).await?;
            late.push(answer.took_ms.late);
            let shown = answer.results;
            latencies.push(started.elapsed().as_secs_f64() * 1000.0);
            for result in shown.iter().take(TOP_K) {
                returned.passages += 1;
                returned.mean_lines += f64::from(result.passage.line_end + 1 - result.passage.line_start);
                returned.mean_characters += result.passage.text.chars().count() as f64;
            }
            let deep = match self.set.level {
                Level::Passage => self.search(question, mode, DEEP_TOP_K, false).await?,
                Level::Document => Vec::new(),
            };
            let shown: Vec<&SearchResult> = shown.iter().collect();
            let deep: Vec<&SearchResult> = deep.iter().collect();
            questions.push(judge(self.set.level, question, &shown, &deep));
        }
        let count = returned.passages.max(1) as f64;
        returned.mean_lines /= count;
        returned.mean_characters /= count;
        Ok(Mode {
            mode: mode.to_owned(),
            all: Metrics::mean(questions.iter().map(|it| &it.metrics)),
            by_collection: grouped(&questions, |it| &it.collection),
            by_kind: grouped(&questions, |it| &it.kind),
            returned,
            latency_ms: Latency { p50: quantile(&mut latencies, 0.5), p99: quantile(&mut latencies, 0.99) },
            late_ms: Latency { p50: quantile(&mut late, 0.5), p99: quantile(&mut late, 0.99) },
            questions,
        })
    }

    fn shown(&self) -> usize {
        match self.set.level {
            Level::Passage => TOP_K,
            Level::Document => DEEP_TOP_K,
        }
    }

    /// Everything that both legs bring for a question, as they rank it, with the scores of both legs.
    pub(crate) async fn evidence(&self, question: &Question) -> Result<Vec<SearchResult>> {
        self.search(question, "hybrid", EVIDENCE_TOP_K, true).await
    }

    /// The first `depth` candidates of a question, with all that late interaction sees of them.
    pub(crate) async fn seen(&self, question: &Question, depth: usize) -> Result<Vec<SearchResult>> {
        self.search(question, LATE, depth, true).await
    }

    async fn search(&self, question: &Question, mode: &str, top_k: usize, explain: bool) -> Result<Vec<SearchResult>> {
        Ok(self.answer(question, mode, top_k, explain).await?.results)
    }

    async fn answer(&self, question: &Question, mode: &str, top_k: usize, explain: bool) -> Result<SearchAnswer> {
        let version = self.versions.get(question.collection.as_str()).copied().unwrap_or_default();
        let (mode, rerank) = match mode {
            LATE => ("hybrid", Some(("auto", Some(top_k).filter(|_| explain)))),
            "maxsim" => ("hybrid", Some(("maxsim", None))),
            "hybrid" => ("hybrid", Some(("off", None))),
            _ => (mode, None),
        };
        let request = SearchRequest {
            rerank: rerank.map(|(mode, depth)| Rerank { mode: mode.to_owned(), depth }),
            query: Some(question.query.clone()),
            collections: vec![question.collection.clone()],
            top_k: Some(top_k),
            mode: Some(mode.to_owned()),
            min_version: Some(version.to_owned()).filter(|it| !it.is_empty()),
            fold_copies: Some(self.fold_copies),
            vector: None,
            explain: Some(explain),
        };
        let answer = self.client.search(&request).await;
        answer.with_context(|| format!("ask question {}", question.id))
    }
}

/// Judges one answer; `deep` ranks documents where `shown` is about passages.
pub(crate) fn judge(level: Level, question: &Question, shown: &[&SearchResult], deep: &[&SearchResult]) -> Asked {
    let judged = &question.relevant;
    let documents = distinct_documents(if deep.is_empty() { shown } else { deep });
    let of_document = |result: &&SearchResult| judged.iter().any(|it| it.document_id == result.document_id);
    let relevant: Vec<bool> = documents.iter().map(of_document).collect();
    let ranked: Vec<&SearchResult> = match level {
        Level::Passage => shown.to_vec(),
        Level::Document => documents,
    };
    let covered: Vec<Vec<usize>> = ranked.iter().map(|result| covers(judged, result)).collect();
    Asked {
        id: question.id.clone(),
        query: question.query.clone(),
        kind: question.kind.clone(),
        collection: question.collection.clone(),
        metrics: Metrics::of(&covered, &relevant, judged.len()),
        judged: judged.iter().map(place).collect(),
        results: ranked.iter().zip(&covered).take(TOP_K).map(|(it, items)| returned(it, !items.is_empty())).collect(),
    }
}

pub(crate) fn covers(judged: &[Judged], result: &SearchResult) -> Vec<usize> {
    (0..judged.len()).filter(|index| judged[*index].covers(result)).collect()
}

fn place(judged: &Judged) -> String {
    match judged.lines {
        Some((first, last)) => format!("{}:{first}-{last}", judged.document_id),
        None => judged.document_id.clone(),
    }
}

/// The best result of each document, in the order of the ranking.
fn distinct_documents<'a>(results: &[&'a SearchResult]) -> Vec<&'a SearchResult> {
    let mut seen = BTreeSet::new();
    results.iter().copied().filter(|result| seen.insert(result.document_id.as_str())).collect()
}

fn returned(result: &SearchResult, relevant: bool) -> Returned {
    Returned {
        document_id: result.document_id.clone(),
        lines: (result.passage.line_start, result.passage.line_end),
        heading: result.passage.heading_path.join(" > "),
        score: result.score,
        relevant,
    }
}

fn grouped(questions: &[Asked], key: impl Fn(&Asked) -> &String) -> BTreeMap<String, Metrics> {
    let mut groups: BTreeMap<String, Vec<&Metrics>> = BTreeMap::new();
    for question in questions.iter().filter(|it| !key(it).is_empty()) {
        groups.entry(key(question).clone()).or_default().push(&question.metrics);
    }
    groups.into_iter().map(|(name, all)| (name, Metrics::mean(all))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn result(document_id: &str, first: u32, last: u32) -> SearchResult {
        let passage = json!({"ordinal": 0, "line_start": first, "line_end": last});
        serde_json::from_value(json!({"score": 1.0, "document_id": document_id, "passage": passage})).unwrap()
    }

    fn question(relevant: Vec<Judged>) -> Question {
        let text = String::new;
        Question { id: text(), query: text(), kind: text(), collection: text(), relevant }
    }

    #[test]
    fn passages_are_judged_by_lines_and_documents_by_name() {
        let question = question(vec![Judged { document_id: "a".to_owned(), lines: Some((5, 6)) }]);
        let shown = [result("a", 1, 4), result("b", 5, 6), result("a", 6, 9)];
        let shown: Vec<&SearchResult> = shown.iter().collect();
        let asked = judge(Level::Passage, &question, &shown, &shown);
        assert!((asked.metrics.mrr_10 - 1.0 / 3.0).abs() < 1e-12);
        assert!((asked.metrics.doc_success_5 - 1.0).abs() < 1e-12);
        let relevant: Vec<bool> = asked.results.iter().map(|it| it.relevant).collect();
        assert_eq!(relevant, [false, false, true]);
    }

    #[test]
    fn documents_rank_by_their_best_passage() {
        let question = question(vec![Judged { document_id: "b".to_owned(), lines: None }]);
        let shown = [result("a", 1, 1), result("a", 2, 2), result("a", 3, 3), result("b", 1, 1)];
        let shown: Vec<&SearchResult> = shown.iter().collect();
        let asked = judge(Level::Document, &question, &shown, &[]);
        assert!((asked.metrics.mrr_10 - 0.5).abs() < 1e-12);
        assert_eq!(asked.results.len(), 2);
    }
}
