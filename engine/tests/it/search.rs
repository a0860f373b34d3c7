//! Searching: legs, scores, versions, and requests that are refused.

use std::time::Duration;

use coditect_engine::ErrorKind;
use coditect_engine::model::Version;
use coditect_engine::search::{Mode, SearchRequest, Vector};

use crate::harness::{DIMENSION, Rig, docs, embedder, ids, query_of};

async fn animals() -> (Rig, Version) {
    let rig = Rig::new().await;
    rig.put("fox.md", &["the quick brown fox jumps", "foxes live in dens"]).await;
    rig.put("dog.md", &["the lazy dog sleeps", "dogs bark at night"]).await;
    let last = rig.put("error.md", &["error code -32004 means UnsupportedOperationError"]).await;
    (rig, last.version)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_finds_the_passage_with_its_place() {
    let (rig, version) = animals().await;
    for mode in [Mode::Hybrid, Mode::Vector, Mode::Keyword] {
        let response = rig.find("lazy dog", mode, version).await;
        let best = &response.results[0];
        assert_eq!((best.document.as_str(), best.passage.location.lines), ("dog.md", (1, 1)), "{mode:?}");
        assert!(best.score > 0.0 && best.score <= 1.0);
        assert!(response.version >= version);
        let sorted = response.results.is_sorted_by(|a, b| a.score >= b.score);
        assert!(sorted && response.results.iter().all(|r| (0.0..=1.0).contains(&r.score)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_and_codes_are_found_by_their_parts() {
    let (rig, version) = animals().await;
    for query in ["-32004", "UnsupportedOperationError", "unsupported operation"] {
        assert_eq!(ids(&rig.find(query, Mode::Keyword, version).await)[0], "error.md", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn highlights_point_at_the_words_of_the_query() {
    let (rig, version) = animals().await;
    let response = rig.find("sleeping dogs", Mode::Hybrid, version).await;
    let result = response.results.iter().find(|r| r.passage.text.contains("sleeps")).unwrap();
    let words: Vec<&str> = result.highlights.iter().map(|range| &result.passage.text[range.clone()]).collect();
    assert_eq!(words, ["dog", "sleeps"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_without_hits_leaves_the_other_leg_its_order() {
    let (rig, version) = animals().await;
    let hybrid = rig.find("qwertz", Mode::Hybrid, version).await;
    let vector = rig.find("qwertz", Mode::Vector, version).await;
    assert_eq!(ids(&hybrid), ids(&vector));
    assert!(rig.find("qwertz", Mode::Keyword, version).await.results.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_both_legs_and_they_add_up() {
    let (rig, version) = animals().await;
    let request = SearchRequest { explain: true, min_version: Some(version), ..query_of("brown fox") };
    let response = rig.tenant("t").search(request).await.unwrap();
    for result in &response.results {
        let explanation = result.explanation.unwrap();
        let parts = [explanation.vector, explanation.keyword].into_iter().flatten();
        let sum: f32 = parts.map(|leg| leg.normalized * leg.weight).sum();
        assert!((sum - result.score).abs() < 1e-5, "{explanation:?} {}", result.score);
    }
    let best = response.results[0].explanation.unwrap();
    assert_eq!(best.keyword.unwrap().rank, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_never_comes_is_waited_for_boundedly() {
    let (rig, _) = animals().await;
    let future = "ffffffffffffffffffff".parse().unwrap();
    let request = SearchRequest { min_version: Some(future), wait: Duration::from_millis(20), ..query_of("fox") };
    let error = rig.tenant("t").search(request).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Lagging);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_name_their_field() {
    let (rig, version) = animals().await;
    let vector = |values: Vec<f32>| Some(Vector { values, embedder: None });
    let base = || SearchRequest { min_version: Some(version), ..query_of("fox") };
    let cases = [
        (SearchRequest { top_k: 0, ..base() }, "/top_k"),
        (SearchRequest { top_k: 1_001, ..base() }, "/top_k"),
        (SearchRequest { query: Some("  ".into()), ..base() }, "/query"),
        (SearchRequest { query: Some("x".repeat(40_000)), ..base() }, "/query"),
        (SearchRequest { query: None, vector: None, ..base() }, "/query"),
        (SearchRequest { query: None, mode: Mode::Keyword, ..base() }, "/query"),
        (SearchRequest { vector: vector(vec![0.0; DIMENSION]), ..base() }, "/vector"),
        (SearchRequest { vector: vector(vec![1.0; 3]), ..base() }, "/vector"),
        (SearchRequest { vector: vector(vec![]), ..base() }, "/vector"),
        (SearchRequest { vector: vector(vec![f32::NAN; DIMENSION]), ..base() }, "/vector/0"),
    ];
    for (request, pointer) in cases {
        let error = rig.tenant("t").search(request).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Invalid { pointer: pointer.into() }, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_embedder_is_refused_and_told_what_to_do() {
    let (rig, version) = animals().await;
    let mut other = embedder();
    other.id = "test:other-weights".into();
    let spec =
        coditect_engine::model::CollectionSpec { embedder: other.clone(), tokens: None, ..crate::harness::spec() };
    let document = crate::harness::document("x", &["text"]);
    let write = rig.tenant("t").put(&docs(), &spec, document).await.unwrap_err();
    let mut request = SearchRequest { min_version: Some(version), ..query_of("fox") };
    request.vector.as_mut().unwrap().embedder = Some(other);
    let search = rig.tenant("t").search(request).await.unwrap_err();
    for error in [write, search] {
        assert_eq!(*error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("test:other-weights"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_while_writes_go_on_wait_only_for_their_version() {
    let rig = Rig::new().await;
    for round in 0..40 {
        let receipt = rig.put("doc", &[&format!("round{round} marker")]).await;
        let response = rig.find(&format!("round{round}"), Mode::Keyword, receipt.version).await;
        assert_eq!(response.results[0].passage.text, format!("round{round} marker"));
        assert_eq!(response.results[0].version, receipt.version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_corrected_where_no_collection_holds_them() {
    let rig = Rig::new().await;
    let after = rig.put("one", &["throttling of backups and of a throttle"]).await.version;
    rig.find("backups", Mode::Keyword, after).await;
    let words = ["throat", "throttle", "throttled", "throw"].map(str::to_owned);
    let tenant = rig.tenant("t");
    assert_eq!(tenant.spelled(&[], "throtle", &words).unwrap().as_deref(), Some("throttle"));
    assert_eq!(tenant.spelled(&[docs().into()], "throtle", &words[..1]).unwrap(), None, "no known word");
    assert_eq!(tenant.spelled(&[docs().into()], "throttling", &words).unwrap(), None, "a passage holds it");
    assert_eq!(tenant.spelled(&[docs().into()], "zebra", &words).unwrap(), None, "nothing is near");
    assert_eq!(rig.tenant("other").spelled(&[docs().into()], "throtle", &words).unwrap(), None);
}
