//! Late interaction: codes live and die with their passages, rank the candidates anew, and say which lines answer.

use std::time::Instant;

use coditect_engine::context::pack;
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
    let only = search(&rig, SearchRequest { collections: vec![plain.clone().into()], ..late(QUERY, after) }).await;
    assert_eq!((only.reranked, ids(&only)), (0, vec!["here".to_owned()]));
    assert!(only.results[0].evidence.is_empty());
    // Beside one that has codes, its passages are neither lost nor sent to the end.
    let both =
        search(&rig, SearchRequest { collections: vec![plain.into(), docs().into()], ..late(QUERY, after) }).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_context_without_room_keeps_the_evidence() {
    let rig = Rig::new().await;
    let filler = |line: usize| format!("Line {line} says something else about the weather in general.");
    let mut lines: Vec<String> = (1..=20).map(filler).collect();
    lines[12] = "To rotate the signing key, call it daily.".into();
    let text = lines.join("\n");
    rig.put("other", &["colours of the widget"]).await;
    let after = rig.put("doc", &[text.as_str()]).await.version;
    let mut response = search(&rig, late(QUERY, after)).await;
    response.results.retain(|result| result.document.as_str() == "doc");
    let words = |text: &str| text.split_whitespace().count();
    let whole = pack(&response.results, 1_000, words);
    assert!(whole.text.contains("Line 1 ") && whole.text.contains("Line 20 "));
    let packed = pack(&response.results, 50, words);
    assert!(packed.tokens <= 50 && packed.text.contains("rotate the signing key"), "{}", packed.text);
    assert!(packed.text.contains("Line 12 ") && packed.text.contains("Line 14 "), "{}", packed.text);
    let (first, last) = packed.citations[0].lines;
    assert_eq!(packed.text.lines().nth(1).unwrap(), lines[first as usize - 1], "{first}");
    assert_eq!(packed.text.lines().last().unwrap(), lines[last as usize - 1], "{last}");
    assert!(packed.text.starts_with(&format!("[1] doc:{first}-{last}")), "{}", packed.text);
    assert!(pack(&response.results, 12, words).citations.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nearly_the_same_text_of_another_document_is_one_result() {
    let rig = Rig::new().await;
    let text = |version: u32| {
        let words: Vec<String> = (0..60).map(|word| format!("word{word}")).collect();
        format!("How to rotate the signing key of release {version}: {}", words.join(" "))
    };
    let (one, two) = (text(1), text(2));
    rig.put("v1", &[one.as_str()]).await;
    rig.put("v2", &[two.as_str()]).await;
    let after = rig.put("copy", &[two.as_str()]).await.version;
    let response = search(&rig, late(QUERY, after)).await;
    let also: Vec<(String, bool)> =
        response.results[0].also_in.iter().map(|place| (place.document.to_string(), place.is_same)).collect();
    assert_eq!(response.results.len(), 1, "{:?}", ids(&response));
    assert_eq!(also.len(), 2, "{also:?}");
    assert!(also.iter().any(|(_, is_same)| !is_same), "{also:?}");
    let apart = SearchRequest { fold_copies: false, ..late(QUERY, after) };
    assert_eq!(search(&rig, apart).await.results.len(), 3);
    // Within one document entries that resemble each other stay apart.
    for name in ["v1", "v2", "copy"] {
        rig.tenant("t").delete(&docs(), &crate::harness::id(name)).await.unwrap();
    }
    let after = rig.put("reference", &[text(3).as_str(), text(4).as_str()]).await.version;
    assert_eq!(search(&rig, late(QUERY, after)).await.results.len(), 2);
}
