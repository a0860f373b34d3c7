//! Copies: the same text under several names is one result with all its places, and is embedded once.

use coditect_engine::model::TextHash;
use coditect_engine::search::{Mode, SearchRequest};

use crate::harness::{Rig, codes, docs, embed, embedder, query_of};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_text_is_shown_once_with_all_its_places() {
    let rig = Rig::new().await;
    for name in ["one", "two", "three", "four", "five"] {
        rig.put(name, &["intro of no use", "how to configure the widget"]).await;
    }
    let last = rig.put("other", &["widget colours"]).await;
    let response = rig.find("configure widget", Mode::Hybrid, last.version).await;
    let texts: Vec<&str> = response.results.iter().map(|r| r.passage.text.as_str()).collect();
    assert_eq!(texts.iter().filter(|text| text.contains("configure")).count(), 1, "{texts:?}");
    assert_eq!(response.results[0].also_in.len(), 4);
    assert!(response.results[0].also_in.iter().all(|place| place.lines == (2, 2)));
    let request = SearchRequest { fold_copies: false, min_version: Some(last.version), ..query_of("configure widget") };
    let unfolded = rig.tenant("t").search(request).await.unwrap();
    assert_eq!(unfolded.results.iter().filter(|r| r.passage.text.contains("configure")).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_one_copy_leaves_the_others() {
    let rig = Rig::new().await;
    rig.put("one", &["shared words"]).await;
    rig.put("two", &["shared words"]).await;
    let (_, version) = rig.tenant("t").delete(&docs(), &crate::harness::id("one")).await.unwrap();
    let response = rig.find("shared", Mode::Hybrid, version).await;
    assert_eq!(crate::harness::ids(&response), ["two"]);
    assert!(response.results[0].also_in.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_embedded_is_known() {
    let rig = Rig::new().await;
    let receipt = rig.put("one", &["shared words"]).await;
    rig.find("shared", Mode::Vector, receipt.version).await;
    let tenant = rig.tenant("t");
    let (shared, other) = (TextHash::of("shared words"), TextHash::of("other"));
    let known = |embedder: &str, embed, text| tenant.known_embedding(&docs(), embedder, embed, text);
    let (vector, tokens) = known(&embedder().id, shared, shared).unwrap();
    assert_eq!(tokens, Some(codes("shared words")));
    // Places of tokens are in the shown text: another text has others.
    assert_eq!(known(&embedder().id, shared, other), Some((vector.clone(), None)));
    let (dot, norm) =
        vector.iter().zip(embed("shared words")).fold((0.0, 0.0), |(d, n), (a, b)| (d + a * b, n + b * b));
    assert!((dot / f32::sqrt(norm) - 1.0).abs() < 1e-5);
    assert!(known("another embedder", shared, shared).is_none());
    assert!(known(&embedder().id, other, other).is_none());
}
