//! The pipeline: shared batches, known vectors, poisoned documents, an embedder that goes away.

use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};

use crate::embedder::{GATED, POISON};
use crate::harness::{PATIENCE, Running};

fn batch(documents: impl IntoIterator<Item = (String, String)>) -> Value {
    let documents: Vec<Value> = documents
        .into_iter()
        .map(|(id, text)| json!({"collection": "docs", "document_id": id, "text": text}))
        .collect();
    json!({"documents": documents})
}

#[tokio::test]
async fn small_documents_share_the_embedders_batches() {
    let server = Running::start().await;
    let before = server.embedder.seen();
    let documents = (0..200).map(|n| (format!("{n:03}.md"), format!("Short {GATED} text number {n}.")));
    let documents = documents.chain([("last.md".to_owned(), String::new())]);
    let body = batch(documents);
    let write = server.post("/documents/batch", &body);
    // Documents are taken in order: when the last one has failed, all others wait for the embedder.
    let queued = async {
        let failed = async || server.get("/documents?collection=docs&state=failed").await;
        while failed().await.text.find("last.md").is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.embedder.open_gate();
    };
    let (answer, ()) = tokio::join!(write, tokio::time::timeout(PATIENCE, queued).map(Result::unwrap));
    answer.expect(200);
    let after = server.embedder.seen();
    assert_eq!(after.1 - before.1, 200);
    assert!(after.0 - before.0 <= 8, "{} calls for 200 texts", after.0 - before.0);
    server.stop().await;
}

#[tokio::test]
async fn copies_are_embedded_once_also_across_requests() {
    let server = Running::start().await;
    let text = "# Notice\n\nThe very same licence text everywhere.\n";
    let before = server.embedder.seen().1;
    let first = server.post("/documents/batch", &batch((0..20).map(|n| (format!("a{n}.md"), text.to_owned())))).await;
    let version = first.expect(200)["version"].clone();
    let requests = (0..8).map(|n| {
        let body = batch([(format!("b{n}.md"), text.to_owned())]);
        let server = &server;
        async move { server.post("/documents/batch", &body).await.expect(200) }
    });
    futures::future::join_all(requests).await;
    assert_eq!(server.embedder.seen().1 - before, 1);

    // After a restart the index alone knows the vector.
    let (dir, embedder) = server.stop().await;
    let server = Running::start_in(dir, embedder, |_| {}).await;
    server.post("/search", &json!({"query": "licence", "mode": "keyword", "min_version": version})).await.expect(200);
    let before = server.embedder.seen().1;
    server.store("docs", "later.md", text).await;
    assert_eq!(server.embedder.seen().1, before);
    server.stop().await;
}

#[tokio::test]
async fn a_poisoned_document_never_blocks_the_others() {
    let server = Running::start().await;
    let documents = (0..40).map(|n| match n {
        17 => (format!("{n}.md"), format!("This one is {POISON}.")),
        n => (format!("{n}.md"), format!("A fine text, number {n}.")),
    });
    let answer = server.post("/documents/batch", &batch(documents)).await.expect(200);
    let outcomes = answer["outcomes"].as_array().unwrap();
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome["status"], if n == 17 { "failed" } else { "created" }, "{outcome}");
    }
    assert_eq!(outcomes[17]["error"]["pointer"], "/documents/17/text");
    let failed = server.get("/documents?collection=docs&state=failed").await.expect(200);
    assert_eq!(failed["documents"][0]["document_id"], "17.md");
    assert!(failed["documents"][0]["error"].as_str().unwrap().contains("cannot be embedded"), "{failed}");
    assert_eq!(server.get("/collections/docs").await.expect(200)["documents"], 39);
    server.stop().await;
}

#[tokio::test]
async fn a_failed_update_leaves_the_old_state() {
    let server = Running::start().await;
    server.store("docs", "a.md", "The old and good text.").await;
    let body = json!({"collection": "docs", "document_id": "a.md", "text": format!("New and {POISON}.")});
    let problem = server.post("/documents", &body).await.expect(400);
    assert_eq!(problem["errors"][0]["pointer"], "/text");
    assert_eq!(server.get("/documents/docs/a.md").await.expect(200)["text"], "The old and good text.");
    server.stop().await;
}

#[tokio::test]
async fn writes_fail_for_now_when_the_embedder_is_away() {
    let server = Running::start().await;
    server.embedder.set_down(true);
    let body = json!({"collection": "docs", "document_id": "a.md", "text": "Some text."});
    let reply = server.post("/documents", &body).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"), "{}", reply.text);
    let answer = server.post("/documents/batch", &json!({"documents": [body]})).await.expect(200);
    assert_eq!(answer["outcomes"][0]["error"]["status"], 503);
    server.embedder.set_down(false);
    server.post("/documents", &body).await.expect(201);
    let failed = server.get("/documents?collection=docs&state=failed").await.expect(200);
    assert_eq!(failed["documents"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn concurrent_writers_of_one_document_leave_one_of_their_states() {
    let server = Running::start().await;
    let writes = (0..12).map(|n| {
        let server = &server;
        async move { server.store("docs", "same.md", &format!("State number {n} of the document.")).await }
    });
    let mut versions = futures::future::join_all(writes).await;
    versions.sort();
    let read = server.get("/documents/docs/same.md").await.expect(200);
    assert_eq!(read["version"], versions[11].as_str());
    let body = json!({"query": "state number document", "min_version": versions[11], "fold_copies": false});
    assert_eq!(server.found(&body).await, ["same.md"]);
    server.stop().await;
}

#[tokio::test]
async fn a_large_document_is_stored_whole() {
    let server = Running::start().await;
    let text: String =
        (0..3_000).map(|n| format!("## Section {n}\n\nParagraph number {n} says something of its own.\n\n")).collect();
    let version = server.store("docs", "large.md", &text).await;
    let read = server.get("/documents/docs/large.md").await.expect(200);
    assert_eq!(read["text"], text);
    let body = json!({"query": "2999", "mode": "keyword", "min_version": version, "top_k": 1});
    let answer = server.post("/search", &body).await.expect(200);
    assert!(answer["results"][0]["passage"]["text"].as_str().unwrap().contains("2999"));
    server.stop().await;
}
