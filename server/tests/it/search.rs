//! Search: modes, filters, versions, budgets, explanations, copies.

use serde_json::{Value, json};

use crate::embedder::{DIMENSION, GATED, vector};
use crate::harness::Running;

const TOPICS: [(&str, &str, &str); 4] = [
    ("retry.md", "How a client repeats a failed request after a pause", "documentation"),
    ("vacuum.md", "Cleaning carpets with a vacuum cleaner at home", "documentation"),
    ("parse.rs", "fn parse_header(bytes: &[u8]) -> Header { todo }", "code"),
    ("boat.md", "Sailing boats need wind and a sail and a captain", "documentation"),
];

async fn with_topics() -> Running {
    let server = Running::start().await;
    let documents: Vec<Value> = TOPICS
        .iter()
        .map(|(id, text, kind)| {
            let weight = text.len();
            json!({"collection": "docs", "document_id": id, "text": text, "kind": kind, "metadata": {"weight": weight}})
        })
        .collect();
    let answer = server.post("/documents/batch", &json!({"documents": documents})).await.expect(200);
    let version = answer["version"].as_str().unwrap().to_owned();
    server.post("/search", &json!({"query": "x", "min_version": version})).await.expect(200);
    server
}

#[tokio::test]
async fn every_mode_finds_the_right_passage() {
    let server = with_topics().await;
    for mode in ["hybrid", "vector", "keyword"] {
        let body = json!({"query": "repeats a failed request", "mode": mode, "top_k": 2, "explain": true});
        let answer = server.post("/search", &body).await.expect(200);
        assert_eq!(answer["mode"], mode);
        let best = &answer["results"][0];
        assert_eq!(best["document_id"], "retry.md", "{mode}");
        assert_eq!(best["rank"], 1);
        let score = best["score"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&score), "{mode}: {score}");
        assert_eq!(best["passage"]["line_start"], 1);
        assert_eq!(best["passage"]["byte_end"], TOPICS[0].1.len());
        assert_eq!(best["explain"]["vector"].is_object(), mode != "keyword", "{best}");
        assert_eq!(best["explain"]["keyword"].is_object(), mode != "vector", "{best}");
        assert!(answer["took_ms"]["total"].as_f64().unwrap() > 0.0);
        assert!(answer.get("degraded").is_none());
    }
    server.stop().await;
}

#[tokio::test]
async fn results_carry_what_is_asked_for() {
    let server = with_topics().await;
    let plain = server.post("/search", &json!({"query": "captain", "mode": "keyword"})).await.expect(200);
    let best = &plain["results"][0];
    assert_eq!(best["passage"]["text"], TOPICS[3].1);
    let mark = &best["highlights"][0];
    let range = |name: &str| usize::try_from(mark[name].as_u64().unwrap()).unwrap();
    assert_eq!(&TOPICS[3].1[range("start")..range("end")], "captain");
    assert!(best.get("metadata").is_none() && best.get("explain").is_none());

    let body = json!({"query": "captain", "mode": "keyword", "include": ["metadata"]});
    let bare = server.post("/search", &body).await.expect(200);
    let best = &bare["results"][0];
    assert!(best["passage"].get("text").is_none() && best.get("highlights").is_none());
    assert_eq!(best["metadata"], json!({"weight": TOPICS[3].1.len()}));
    server.stop().await;
}

#[tokio::test]
async fn get_and_post_answer_alike() {
    let server = with_topics().await;
    let body =
        json!({"query": "wind & sail", "top_k": 2, "collections": ["docs"], "filter": {"kind": "documentation"}});
    let post = server.post("/search", &body).await.expect(200);
    let path = "/search?q=wind+%26%20sail&top_k=2&collection=docs&filter=%7B%22kind%22:%22documentation%22%7D";
    let get = server.get(path).await.expect(200);
    assert_eq!(get["results"], post["results"]);
    assert_eq!(get["results"][0]["document_id"], "boat.md");
    server.stop().await;
}

#[tokio::test]
async fn filters_mean_the_same_in_all_modes() {
    let server = with_topics().await;
    for mode in ["hybrid", "vector", "keyword"] {
        let body = json!({"query": "a request header parse_header sail", "mode": mode, "filter": {"kind": "code"}});
        assert_eq!(server.found(&body).await, ["parse.rs"], "{mode}");
        let body = json!({"query": "a request sail", "mode": mode, "filter": {"weight": {"gt": 1_000_000}}});
        assert!(server.found(&body).await.is_empty(), "{mode}");
    }
    server.stop().await;
}

#[tokio::test]
async fn ready_vectors_need_no_query_and_no_embedder() {
    let server = with_topics().await;
    let calls = server.embedder.seen();
    let body = json!({"vector": vector(TOPICS[1].1, DIMENSION), "top_k": 1});
    let answer = server.post("/search", &body).await.expect(200);
    assert_eq!(answer["results"][0]["document_id"], "vacuum.md");
    assert_eq!(answer["mode"], "vector");
    assert_eq!(server.embedder.seen(), calls);
    server.stop().await;
}

#[tokio::test]
async fn a_query_is_embedded_once() {
    let server = with_topics().await;
    let before = server.embedder.seen();
    for _ in 0..5 {
        server.found(&json!({"query": "the very same question"})).await;
    }
    assert_eq!(server.embedder.seen().0, before.0 + 1);
    server.stop().await;
}

#[tokio::test]
async fn a_late_vector_makes_a_hybrid_search_a_keyword_search() {
    let server = with_topics().await;
    let query = format!("captain {GATED}");
    let body = json!({"query": query, "max_latency_ms": 20});
    let answer = server.post("/search", &body).await.expect(200);
    assert_eq!(answer["mode"], "keyword");
    assert_eq!(answer["degraded"], "the query was not embedded within max_latency_ms");
    assert_eq!(answer["results"][0]["document_id"], "boat.md");

    let refused = server.post("/search", &json!({"query": query, "max_latency_ms": 20, "mode": "vector"})).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.text);

    server.embedder.open_gate();
    let answer = server.post("/search", &json!({"query": query})).await.expect(200);
    assert_eq!(answer["mode"], "hybrid");
    server.stop().await;
}

#[tokio::test]
async fn without_its_embedder_the_server_still_finds_words() {
    let server = with_topics().await;
    server.embedder.set_down(true);
    let answer = server.post("/search", &json!({"query": "captain"})).await.expect(200);
    assert_eq!((&answer["mode"], &answer["degraded"]), (&json!("keyword"), &json!("the embedder is unavailable")));
    let refused = server.post("/search", &json!({"query": "captain", "mode": "vector"})).await.expect(503);
    assert_eq!(refused["type"], "urn:coditect:problem:embedder-unavailable");
    assert!(!refused["detail"].as_str().unwrap().contains("127.0.0.1"), "{refused}");
    server.embedder.set_down(false);
    let answer = server.post("/search", &json!({"query": "captain"})).await.expect(200);
    assert_eq!(answer["mode"], "hybrid", "a failure is not cached");
    server.stop().await;
}

#[tokio::test]
async fn a_write_is_found_at_once_with_its_version() {
    let server = Running::start().await;
    for round in 0..20 {
        let word = format!("marker{round}");
        let version = server.store("docs", "same.md", &format!("This text has {word}.")).await;
        for mode in ["hybrid", "vector", "keyword"] {
            let body = json!({"query": word, "mode": mode, "min_version": version, "top_k": 1});
            let answer = server.post("/search", &body).await.expect(200);
            let text = answer["results"][0]["passage"]["text"].as_str().unwrap();
            assert!(text.contains(&word), "{mode}, round {round}: {text}");
            assert!(answer["version"].as_str().unwrap() >= version.as_str());
        }
    }
    let listed = server.get("/documents?collection=docs").await.expect(200);
    assert_eq!(listed["documents"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_same_text_is_one_result_with_all_its_places() {
    let server = Running::start().await;
    let text = "# Setup\n\nInstall the gadget with care.\n";
    let documents: Vec<Value> = ["a/x.md", "b/x.md", "c/x.md"]
        .iter()
        .map(|id| json!({"collection": "docs", "document_id": id, "text": text}))
        .collect();
    let answer = server.post("/documents/batch", &json!({"documents": documents})).await.expect(200);
    assert_eq!(server.embedder.seen().1, 1 + 1, "one text for the dimension, one for all copies");
    let body = json!({"query": "install the gadget", "min_version": answer["version"]});
    let folded = server.post("/search", &body).await.expect(200);
    let results = folded["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    let mut places: Vec<&str> =
        results[0]["also_in"].as_array().unwrap().iter().map(|place| place["document_id"].as_str().unwrap()).collect();
    places.push(results[0]["document_id"].as_str().unwrap());
    places.sort_unstable();
    assert_eq!(places, ["a/x.md", "b/x.md", "c/x.md"]);

    let mut unfolded = body;
    unfolded["fold_copies"] = json!(false);
    assert_eq!(server.found(&unfolded).await.len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn an_exact_search_finds_what_the_graph_finds() {
    let server = with_topics().await;
    let mut body = json!({"query": "sailing captain", "mode": "vector"});
    let found = server.found(&body).await;
    body["exact"] = json!(true);
    assert_eq!(server.found(&body).await, found);
    let by_address = server.get("/search?q=sailing%20captain&mode=vector&exact=true").await.expect(200);
    assert_eq!(by_address["results"].as_array().unwrap().len(), found.len());
    server.stop().await;
}

#[tokio::test]
async fn deleted_documents_are_not_found() {
    let server = with_topics().await;
    let gone = server.delete("/documents/docs/boat.md").await.expect(200);
    for mode in ["hybrid", "vector", "keyword"] {
        let body = json!({"query": "sailing captain", "mode": mode, "min_version": gone["version"]});
        assert!(!server.found(&body).await.contains(&"boat.md".to_owned()), "{mode}");
    }
    server.stop().await;
}
