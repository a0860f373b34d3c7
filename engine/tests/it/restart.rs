//! What was acknowledged is there after a restart, and searches answer as before.

use coditect_engine::search::Mode;

use crate::harness::{Rig, docs, id, ids};

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
        before.push(ids(&rig.find(query, Mode::Keyword, version).await));
    }
    let rig = rig.restart().await;
    for (query, before) in queries.iter().zip(&before) {
        let mut after = ids(&rig.find(query, Mode::Keyword, version).await);
        let mut before = before.clone();
        (after.sort(), before.sort());
        assert_eq!(after, before, "{query}");
    }
    let info = rig.tenant("t").collection(&docs()).await.unwrap();
    assert_eq!((info.documents, info.passages), (29, 57));
    let receipt = rig.put("doc99", &["written after the restart"]).await;
    assert!(receipt.version > version);
    assert_eq!(ids(&rig.find("written after", Mode::Hybrid, receipt.version).await)[0], "doc99");
}
