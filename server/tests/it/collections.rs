//! Collections: made, listed, read, dropped.

use reqwest::Method;
use serde_json::json;

use crate::harness::Running;

#[tokio::test]
async fn a_collection_is_made_once() {
    let server = Running::start().await;
    let made = server.put("/collections/docs", &json!({"description": "How we work"})).await.expect(201);
    assert_eq!((&made["name"], &made["description"]), (&json!("docs"), &json!("How we work")));
    assert_eq!((&made["documents"], &made["passages"]), (&json!(0), &json!(0)));
    assert_eq!(made["embedder"]["dimension"], crate::embedder::DIMENSION);
    assert!(made["embedder"]["id"].as_str().unwrap().starts_with("openai/bag/64/"));
    let again = server.send(server.request(Method::PUT, "/collections/docs")).await;
    assert_eq!(again.status, 200, "no body is needed: {}", again.text);
    assert_eq!(again.json()["description"], "How we work");
    server.stop().await;
}

#[tokio::test]
async fn counts_follow_the_writes() {
    let server = Running::start().await;
    server.store("docs", "a.md", "Alpha.").await;
    server.store("docs", "b.md", "Beta.").await;
    server.store("docs", "b.md", "Beta again.").await;
    let info = server.get("/collections/docs").await.expect(200);
    assert_eq!((&info["documents"], &info["passages"]), (&json!(2), &json!(2)));
    server.delete("/documents/docs/a.md").await.expect(200);
    assert_eq!(server.get("/collections/docs").await.expect(200)["documents"], 1);
    server.stop().await;
}

#[tokio::test]
async fn collections_are_listed_page_by_page() {
    let server = Running::start().await;
    let mut names = Vec::new();
    for n in 0..7 {
        let name = format!("c{n}");
        server.put(&format!("/collections/{name}"), &json!({})).await.expect(201);
        names.push(name);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/collections?limit=3{cursor}")).await.expect(200);
        let found = page["collections"].as_array().unwrap().iter();
        seen.extend(found.map(|collection| collection["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, names);
    server.stop().await;
}

#[tokio::test]
async fn a_dropped_collection_is_gone_and_can_come_back_empty() {
    let server = Running::start().await;
    server.store("docs", "a.md", "Alpha beta gamma.").await;
    let dropped = server.delete("/collections/docs").await.expect(200);
    assert_eq!(dropped["deleted"], true);
    for path in ["/collections/docs", "/documents?collection=docs", "/documents/docs/a.md"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.delete("/collections/docs").await.status, 404);
    let body = json!({"query": "alpha", "min_version": dropped["version"]});
    assert!(server.found(&body).await.is_empty());
    let version = server.store("docs", "b.md", "Delta.").await;
    let body = json!({"query": "alpha delta", "collections": ["docs"], "min_version": version});
    assert_eq!(server.found(&body).await, ["b.md"]);
    server.stop().await;
}

#[tokio::test]
async fn collections_are_searched_apart_and_together() {
    let server = Running::start().await;
    server.store("one", "1.md", "The word zebra in one.").await;
    let version = server.store("two", "2.md", "The word zebra in two.").await;
    let search =
        |collections: serde_json::Value| json!({"query": "zebra", "collections": collections, "min_version": version});
    assert_eq!(server.found(&search(json!(["one"]))).await, ["1.md"]);
    assert_eq!(server.found(&search(json!(["two"]))).await, ["2.md"]);
    let mut both = server.found(&search(json!([]))).await;
    both.sort();
    assert_eq!(both, ["1.md", "2.md"]);
    server.stop().await;
}
