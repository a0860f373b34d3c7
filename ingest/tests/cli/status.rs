//! `status`: what is there, what differs, what failed.

use serde_json::json;

use crate::gateway::Gateway;
use crate::harness::{Tree, command, finish, run};

#[tokio::test]
async fn differences_and_failures_are_named() {
    let tree = Tree::new(&[("a.md", "One."), ("b.md", "Two."), ("c.md", "Three."), ("d.md", "Four.")]);
    let gateway = Gateway::new();
    let serving = gateway.serve().await;
    run("push", &tree, &serving.url(), &[]).await;
    tree.write("a.md", "Other.");
    tree.write("e.md", "New.");
    tree.remove("b.md");
    gateway.with(|inner| inner.failed.insert("f.md".into(), "the embedder gave up".into()));
    gateway.take_sent();

    let ran = run("status", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let status = ran.json();
    assert_eq!(status["documents"], 4);
    assert_eq!(status["passages"], 8);
    assert_eq!(status["embedder"]["model"], "mini");
    assert_eq!(status["version"].as_str().unwrap().len(), 20);
    let expected = json!({
        "documents": 4, "unchanged": 2, "new": ["e.md"], "changed": ["a.md"], "vanished": ["b.md"],
        "unreadable": 0, "skipped": 0
    });
    assert_eq!(status["tree"], expected);
    let failed = json!([{"document_id": "f.md", "error": "the embedder gave up"}]);
    assert_eq!(status["failed"], failed);
    assert!(gateway.take_sent().is_empty());

    let path = tree.path().to_str().unwrap();
    let (url, verb) = (serving.url(), "status");
    let people = command(&[verb, path, "--server", &url, "--collection", "c"]).spawn().unwrap();
    let people = finish(people).await;
    for told in ["mini (384 dimensions)", "e.md", "f.md: the embedder gave up"] {
        assert!(people.stdout.contains(told), "{told}: {people:?}");
    }
}

#[tokio::test]
async fn a_collection_that_does_not_exist_is_no_failure() {
    let tree = Tree::new(&[("a.md", "One.")]);
    let serving = Gateway::new().serve().await;
    let ran = run("status", &tree, &serving.url(), &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json()["exists"], false);
    assert_eq!(ran.json()["tree"]["new"], json!(["a.md"]));
}
