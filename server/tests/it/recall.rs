//! Search effort and recall: settings of collections, efforts of searches, what is refused, and what metrics tell.

use std::time::Duration;

use coditect_server::settings::Settings;
use reqwest::Method;
use serde_json::{Value, json};

use crate::embedder::{DIMENSION, vector};
use crate::harness::{PATIENCE, Reply, Running};

async fn patch(server: &Running, path: &str, body: &Value) -> Reply {
    server.send(server.request(Method::PATCH, path).json(body)).await
}

#[tokio::test]
async fn search_settings_are_given_at_first_and_changed_later() {
    let server = Running::start().await;
    let usual = json!({
        "recall_target": 0.95, "ef": null, "ef_min": null, "effort": 128, "recall": null, "samples": 0
    });
    assert_eq!(server.put("/collections/plain", &json!({})).await.expect(201)["search"], usual);
    let given = json!({"search": {"recall_target": 0.9, "ef_min": 200}});
    let made = server.put("/collections/tuned", &given).await.expect(201);
    assert_eq!(made["search"]["effort"], 200);
    server.put("/collections/tuned", &given).await.expect(200);
    let other = server.put("/collections/tuned", &json!({"search": {"recall_target": 0.99}})).await.expect(409);
    assert!(other["detail"].as_str().unwrap().contains("PATCH"), "{other}");

    let fixed = patch(&server, "/collections/tuned", &json!({"search": {"ef": 300}, "description": "Tuned"})).await;
    let fixed = fixed.expect(200);
    let set = ["recall_target", "ef", "ef_min"].map(|field| fixed["search"][field].clone());
    assert_eq!((set, &fixed["description"]), ([json!(0.9), json!(300), json!(200)], &json!("Tuned")));
    let followed = async {
        while server.get("/collections/tuned").await.expect(200)["search"]["effort"] != 300 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, followed).await.unwrap();
    let back = json!({"search": {"recall_target": null, "ef": null, "ef_min": null}});
    let back = patch(&server, "/collections/tuned", &back).await.expect(200);
    assert_eq!((&back["search"]["recall_target"], &back["search"]["ef"]), (&json!(0.95), &Value::Null));
    assert_eq!(back["description"], "Tuned", "what is absent stays");
    server.stop().await;
}

#[tokio::test]
async fn the_form_in_which_vectors_are_compared_is_chosen_once() {
    let server = Running::start().await;
    let usual = server.put("/collections/plain", &json!({})).await.expect(201);
    assert_eq!(usual["quantization"], "auto");
    let made = server.put("/collections/fine", &json!({"quantization": "float32"})).await.expect(201);
    assert_eq!(made["quantization"], "float32");
    server.put("/collections/fine", &json!({})).await.expect(200);
    server.put("/collections/fine", &json!({"quantization": "float32"})).await.expect(200);
    server.put("/collections/fine", &json!({"quantization": "int8"})).await.expect(409);
    let version = server.store("fine", "a.md", "A text about sails.").await;
    let body =
        json!({"query": "sails", "mode": "vector", "collections": ["fine"], "rescore": 1, "min_version": version});
    assert_eq!(server.found(&body).await, ["a.md"]);
    let unknown = server.put("/collections/new", &json!({"quantization": "int4"})).await.expect(400);
    assert_eq!(unknown["errors"][0]["pointer"], "/quantization", "{unknown}");
    for rescore in [json!(0), json!(4_097), json!("all")] {
        let refused = server.post("/search", &json!({"query": "sails", "rescore": rescore})).await.expect(400);
        assert_eq!(refused["errors"][0]["pointer"], "/rescore", "{refused}");
    }
    server.stop().await;
}

#[tokio::test]
async fn settings_and_efforts_out_of_range_are_refused() {
    let server = Running::start().await;
    server.store("docs", "a.md", "A text about sails.").await;
    let cases = [
        (json!({"search": {"recall_target": 1}}), "/search/recall_target"),
        (json!({"search": {"recall_target": 0.2}}), "/search/recall_target"),
        (json!({"search": {"recall_target": "high"}}), "/search/recall_target"),
        (json!({"search": {"ef": 0}}), "/search/ef"),
        (json!({"search": {"ef": -1}}), "/search/ef"),
        (json!({"search": {"ef": 1.5}}), "/search/ef"),
        (json!({"search": {"ef_min": 4097}}), "/search/ef_min"),
        (json!({"search": {"efs": 1}}), "/search/efs"),
        (json!({"search": 7}), "/search"),
        (json!({"description": "x".repeat(5_000)}), "/description"),
        (json!({"name": "other"}), "/name"),
    ];
    for (body, pointer) in &cases {
        for reply in [patch(&server, "/collections/docs", body).await, server.put("/collections/new", body).await] {
            let refused = reply.expect(400);
            assert_eq!(refused["errors"][0]["pointer"], *pointer, "{body}: {refused}");
        }
    }
    assert_eq!(server.get("/collections/new").await.status, 404);
    assert_eq!(patch(&server, "/collections/none", &json!({})).await.status, 404);
    for ef in [json!(0), json!(4097), json!(-1), json!("wide"), json!(1e30)] {
        let refused = server.post("/search", &json!({"query": "sails", "ef": ef})).await.expect(400);
        assert_eq!(refused["errors"][0]["pointer"], "/ef", "{refused}");
    }
    let refused = server.get("/search?q=sails&ef=0").await.expect(400);
    assert_eq!(refused["errors"][0]["pointer"], "/ef");
    for ef in [1, 4_096] {
        assert_eq!(server.found(&json!({"query": "sails", "mode": "vector", "ef": ef})).await, ["a.md"]);
    }
    let by_address = server.get("/search?q=sails&mode=vector&ef=64").await.expect(200);
    assert_eq!(by_address["results"][0]["document_id"], "a.md");
    server.stop().await;
}

#[tokio::test]
async fn recall_of_live_searches_is_told() {
    let every = |settings: &mut Settings| {
        (settings.recall.sample_share, settings.recall.cpu_share) = (1.0, 1.0);
        settings.chunking.target_tokens = 32;
    };
    let server = Running::start_with(every).await;
    // Paragraphs of different words, one a passage, and enough of them for a graph.
    let words =
        |n: usize| (0..24).map(|i| format!("w{}", (n * 7_919 + i * i * 104_729) % 5_003)).collect::<Vec<_>>().join(" ");
    let text = (0..1_200).map(words).collect::<Vec<_>>().join("\n\n");
    let version = server.store("watched", "all.md", &text).await;
    let ask = |n: usize| {
        let vector = vector(&words(n * 3 + 1), DIMENSION);
        json!({"vector": vector, "collections": ["watched"], "min_version": version, "filter": {"kind": "documentation"}})
    };
    let mut info = json!(null);
    for n in 0..1_000 {
        server.found(&ask(n)).await;
        info = server.get("/collections/watched").await.expect(200);
        if info["search"]["samples"].as_u64() > Some(20) {
            break;
        }
    }
    assert!(info["passages"].as_u64() > Some(1_000), "{info}");
    assert!(info["search"]["recall"].as_f64() > Some(0.8), "{info}");
    let label = "{tenant=\"default\",collection=\"watched\"}";
    assert!(server.metric(&format!("collection_recall{label}")).await > Some(0.8));
    assert_eq!(server.metric(&format!("collection_recall_target{label}")).await, Some(0.95));
    assert!(server.metric(&format!("collection_search_effort{label}")).await >= Some(128.0));
    assert!(server.metric(&format!("collection_recall_samples_total{label}")).await > Some(20.0));
    assert!(server.metric(&format!("collection_recall_dropped_total{label}")).await.is_some());
    server.delete("/collections/watched").await.expect(200);
    assert!(server.metric(&format!("collection_recall{label}")).await.unwrap().is_nan());
    server.stop().await;
}
