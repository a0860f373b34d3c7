//! Late interaction: codes live and die with their passages, rank the candidates anew, and say which lines answer.

use std::time::Instant;

use coditect_engine::model::{CollectionName, CollectionSpec, EmbedderInfo, Version};
use coditect_engine::search::{Rerank, RerankMode, SearchRequest, SearchResponse};
use coditect_engine::{Engine, EngineOptions};

use crate::harness::{Rig, docs, document, ids, query_of, query_tokens, spec, token_model};

const QUERY: &str = "rotate the signing key";

fn late(query: &str, after: Version) -> SearchRequest {
    let tokens = Some(query_tokens(query));
    SearchRequest { tokens, min_version: Some(after), wait: crate::harness::WAIT, ..query_of(query) }
}

async fn search(rig: &Rig, request: SearchRequest) -> SearchResponse {
    rig.tenant("t").search(request).await.unwrap()
}

/// Passages with the same words in other orders, so that both legs say the same of them.
async fn alike(rig: &Rig) -> Version {
    rig.put("other", &["colours of the widget", "the day is long"]).await;
    rig.put("near", &["rotate every signing key and rotate it daily"]).await;
    rig.put("far", &["a key, signed"]).await.version
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_rank_and_the_answer_says_so() {
    let rig = Rig::new().await;
    let after = alike(&rig).await;
    let response = search(&rig, SearchRequest { explain: true, ..late(QUERY, after) }).await;
    assert_eq!(ids(&response)[0], "near");
    assert_eq!(response.reranked, response.results.len());
    let scores: Vec<f32> = response.results.iter().map(|result| result.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    assert!(response.results.iter().all(|result| result.explanation.as_ref().unwrap().features.is_some()));
    let off = Rerank { mode: RerankMode::Off, depth: None };
    let plain = search(&rig, SearchRequest { rerank: off, explain: true, ..late(QUERY, after) }).await;
    assert_eq!(plain.reranked, 0);
    assert!(plain.results.iter().all(|result| result.explanation.as_ref().unwrap().features.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_is_the_line_that_answers() {
    let rig = Rig::new().await;
    let text = "An introduction of some length to keys.\nHow to rotate the signing key: call it daily.\nClosing words about the weather.";
    let after = rig.put("doc", &[text]).await.version;
    rig.put("other", &["colours of the widget"]).await;
    let response = search(&rig, late(QUERY, after)).await;
    let result = response.results.iter().find(|result| result.document.as_str() == "doc").unwrap();
    assert!(text[result.evidence[0].bytes.clone()].starts_with("How to rotate"), "{:?}", result.evidence);
    assert!(result.evidence.is_sorted_by(|a, b| a.score >= b.score));
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_follow_replacement_deletion_and_restart() {
    let rig = Rig::new().await;
    let after = alike(&rig).await;
    let maxsim = Rerank { mode: RerankMode::Maxsim, depth: None };
    let best = async |rig: &Rig, after| {
        let response = search(rig, SearchRequest { rerank: maxsim, ..late(QUERY, after) }).await;
        (ids(&response)[0].clone(), response.results[0].score)
    };
    let (first, score) = best(&rig, after).await;
    assert!(first == "near" && score > 0.7, "{first} {score}");
    let rig = rig.restart().await;
    let again = search(&rig, SearchRequest { rerank: maxsim, ..late(QUERY, after) }).await;
    assert_eq!((ids(&again)[0].as_str(), again.results[0].score), ("near", score));
    let after = rig.put("near", &["nothing of it any more"]).await.version;
    let after = after.max(rig.put("new", &["rotate the signing key"]).await.version);
    let (first, score) = best(&rig, after).await;
    assert!(first == "new" && score > 0.99, "{first} {score}");
    let (_, after) = rig.tenant("t").delete(&docs(), &crate::harness::id("new")).await.unwrap();
    assert_ne!(best(&rig, after).await.0, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_can_do_without() {
    let rig = Rig::new().await;
    let plain = CollectionName::new("plain").unwrap();
    let none = CollectionSpec { tokens: None, ..spec() };
    rig.tenant("t").ensure_collection(&plain, &none).await.unwrap();
    rig.tenant("t").put(&plain, &spec(), document("here", &["rotate the signing key"])).await.unwrap();
    let after = alike(&rig).await;
    let only = search(&rig, SearchRequest { collections: vec![plain.clone()], ..late(QUERY, after) }).await;
    assert_eq!((only.reranked, ids(&only)), (0, vec!["here".to_owned()]));
    assert!(only.results[0].evidence.is_empty());
    // Beside one that has codes, its passages are neither lost nor sent to the end.
    let both = search(&rig, SearchRequest { collections: vec![plain, docs()], ..late(QUERY, after) }).await;
    assert!(ids(&both)[..2].contains(&"here".to_owned()), "{:?}", ids(&both));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_another_model_meets_no_codes() {
    let rig = Rig::new().await;
    let after = alike(&rig).await;
    let mut request = late(QUERY, after);
    let other = EmbedderInfo { id: "test:other".into(), ..token_model() };
    request.tokens.as_mut().unwrap().model = other;
    assert_eq!(search(&rig, request).await.reranked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_and_depth_bound_it() {
    let rig = Rig::new().await;
    let paragraphs: Vec<String> = (0..60).map(|number| format!("key number {number}")).collect();
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let after = rig.put("many", &paragraphs).await.version;
    let request = SearchRequest { deadline: Some(Instant::now()), ..late("key number 7", after) };
    let response = search(&rig, request).await;
    assert_eq!((response.reranked, response.results.len()), (0, 10), "late, but complete");
    let shallow = Rerank { mode: RerankMode::Auto, depth: Some(5) };
    let response = search(&rig, SearchRequest { rerank: shallow, top_k: 40, ..late("key number 7", after) }).await;
    assert_eq!((response.reranked, response.results.len()), (5, 40));
    let scores: Vec<f32> = response.results.iter().map(|result| result.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    for depth in [0, 1_001] {
        let rerank = Rerank { depth: Some(depth), ..Rerank::default() };
        let error = rig.tenant("t").search(SearchRequest { rerank, ..late("key", after) }).await.unwrap_err();
        assert!(error.to_string().contains("depth"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_of_a_large_collection_lie_in_files_without_names() {
    let scratch = tempfile::tempdir().unwrap();
    let options = EngineOptions { scratch: scratch.path().to_owned(), ..EngineOptions::default() };
    let rig = Rig::with(options).await;
    // 64 bits a token make 12 bytes: 2 MB of them go to a file.
    let long = "word ".repeat(900);
    let paragraphs: Vec<String> = (0..200).map(|number| format!("key number {number} {long}")).collect();
    let paragraphs: Vec<&str> = paragraphs.iter().map(String::as_str).collect();
    let after = rig.put("many", &paragraphs).await.version;
    let response = search(&rig, late("key number 7", after)).await;
    assert_eq!(response.reranked, 100);
    assert!(response.results[0].passage.text.starts_with("key number 7 "));
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    let engine: &Engine = &rig.engine;
    engine.stop().await;
}
