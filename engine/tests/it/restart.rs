//! What was acknowledged is there after a restart, and searches answer as before.

use coditect_engine::model::Version;
use coditect_engine::search::{Mode, SearchRequest};

use crate::harness::{Rig, docs, id, ids, query_of};

/// Every passage that has a word of the query, in the order of names: ties need not fall the same way after a rebuild.
async fn all(rig: &Rig, query: &str, version: Version) -> Vec<String> {
    let mode = Mode::Keyword;
    let request =
        SearchRequest { mode, top_k: 1_000, fold_copies: false, min_version: Some(version), ..query_of(query) };
    let mut found = ids(&rig.tenant("t").search(request).await.unwrap());
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_rebuilt_to_the_same_answers() {
    let rig = Rig::new().await;
    for i in 0..30 {
        rig.put(&format!("doc{i}"), &[&format!("topic {} number {i}", i % 7), "shared tail"]).await;
    }
    rig.put("doc3", &["rewritten topic"]).await;
    let (_, version) = rig.tenant("t").delete(&docs(), &id("doc4")).await.unwrap();
    let queries = ["topic 5", "number 12", "rewritten", "shared tail", "doc4"];
    let mut before = Vec::new();
    for query in queries {
        before.push(all(&rig, query, version).await);
    }
    let rig = rig.restart().await;
    for (query, before) in queries.iter().zip(&before) {
        assert_eq!(all(&rig, query, version).await, *before, "{query}");
    }
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    assert_eq!((info.documents, info.passages), (29, 57));
    let receipt = rig.put("doc99", &["written after the restart"]).await;
    assert!(receipt.version > version);
    assert_eq!(ids(&rig.find("written after", Mode::Hybrid, receipt.version).await)[0], "doc99");
}
