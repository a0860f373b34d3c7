//! Late interaction over HTTP, with the real local model: what ranks, what answers say, and how it is switched.

use coditect_ingest::embed::EmbedderConfig;
use coditect_server::settings::{LateInteraction, Settings};
use serde_json::{Value, json};

use crate::harness::Running;

const GUIDE: &str = "# Keys\n\nKeys are made when the service is installed. They are kept in the vault of the team.\n\n\
    To rotate the signing key, run `keys rotate` once a day.\n\nAn old key is good for another hour.\n";

/// Beside the tests' embedder, which is remote: the local model makes the tokens.
fn beside(settings: &mut Settings) {
    settings.late_interaction = LateInteraction::On;
}

async fn with_guide(change: impl FnOnce(&mut Settings)) -> Running {
    let server = Running::start_with(change).await;
    server.store("docs", "weather.md", "# Weather\n\nIt rains in the west and snows in the north.\n").await;
    server.store("docs", "boat.md", "# Boats\n\nA captain needs wind, a sail and a good rope.\n").await;
    let version = server.store("docs", "keys.md", GUIDE).await;
    server.post("/search", &json!({"query": "x", "min_version": version})).await.expect(200);
    server
}

fn lines(result: &Value) -> (u64, u64) {
    let evidence = &result["evidence"][0];
    (evidence["line_start"].as_u64().unwrap(), evidence["line_end"].as_u64().unwrap())
}

#[tokio::test]
async fn answers_point_at_the_line_and_say_how_they_came_about() {
    let server = with_guide(beside).await;
    let body = json!({"query": "how do I rotate a signing key", "explain": true});
    let answer = server.post("/search", &body).await.expect(200);
    assert_eq!(answer["mode"], "hybrid+late");
    let best = &answer["results"][0];
    assert_eq!((best["document_id"].as_str(), lines(best)), (Some("keys.md"), (5, 5)));
    let evidence = &best["evidence"][0];
    let at = |name: &str| usize::try_from(evidence[name].as_u64().unwrap()).unwrap();
    let text = best["passage"]["text"].as_str().unwrap();
    assert_eq!(&text[at("start")..at("end")], "To rotate the signing key, run `keys rotate` once a day.");
    let features = best["explain"]["features"].as_object().unwrap();
    let sum: f64 = features.values().map(|feature| feature["share"].as_f64().unwrap()).sum();
    assert!((sum - best["score"].as_f64().unwrap()).abs() < 1e-5, "{sum} {best}");
    assert!(features["maxsim"]["value"].as_f64().unwrap() > 0.3);
    assert!(answer["took_ms"]["late"].as_f64().unwrap() > 0.0);
    server.stop().await;
}

#[tokio::test]
async fn requests_and_collections_choose() {
    let server = with_guide(beside).await;
    let query = "rotate a signing key";
    for (rerank, mode) in [
        (json!({"mode": "off"}), "hybrid"),
        (json!({"mode": "maxsim"}), "hybrid+late"),
        (json!({"depth": 1}), "hybrid+late"),
    ] {
        let answer = server.post("/search", &json!({"query": query, "rerank": rerank})).await.expect(200);
        assert_eq!((&answer["mode"], &answer["results"][0]["document_id"]), (&json!(mode), &json!("keys.md")));
    }
    let off = server.get("/search?q=rotate+a+signing+key&rerank=off").await.expect(200);
    assert_eq!(off["mode"], "hybrid");
    let deep = server.get("/search?q=rotate&rerank_depth=5000").await.expect(400);
    assert_eq!(deep["errors"][0]["pointer"], "/rerank_depth");

    server.put("/collections/plain", &json!({"late_interaction": false})).await.expect(201);
    let version = server.store("plain", "keys.md", GUIDE).await;
    let body = json!({"query": query, "collections": ["plain"], "min_version": version});
    let answer = server.post("/search", &body).await.expect(200);
    assert_eq!(answer["mode"], "hybrid");
    assert!(answer["results"][0].get("evidence").is_none());
    let info = server.get("/collections/plain").await.expect(200);
    assert_eq!(info["late_interaction"], false);
    let changed = server.put("/collections/plain", &json!({"late_interaction": true})).await.expect(409);
    assert!(changed["detail"].as_str().unwrap().contains("plain"), "{changed}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_without_a_model_for_it_says_so() {
    let server = Running::start().await;
    let refused = server.put("/collections/docs", &json!({"late_interaction": true})).await.expect(400);
    assert_eq!(refused["errors"][0]["pointer"], "/late_interaction");
    let made = server.put("/collections/docs", &json!({})).await.expect(201);
    assert_eq!(made["late_interaction"], false);
    server.stop().await;
}

#[tokio::test]
async fn the_local_model_sees_tokens_by_default_and_misspelt_words_are_mended() {
    let server = with_guide(|settings| settings.embedder = EmbedderConfig::default()).await;
    let answer = server.post("/search", &json!({"query": "rotte the signing key"})).await.expect(200);
    assert_eq!(answer["corrected"], "rotate the signing key");
    assert_eq!((answer["mode"].as_str(), lines(&answer["results"][0])), (Some("hybrid+late"), (5, 5)));
    let known = server.post("/search", &json!({"query": "rotate the key of kubernetes"})).await.expect(200);
    assert!(known.get("corrected").is_none(), "{known}");
    server.stop().await;
}

#[tokio::test]
async fn a_context_says_what_ranked_and_fits_its_budget() {
    let server = with_guide(beside).await;
    let body = json!({"query": "how do I rotate a signing key", "max_tokens": 45});
    let context = server.post("/context", &body).await.expect(200);
    assert_eq!(context["mode"], "hybrid+late");
    assert!(context["tokens"].as_u64().unwrap() <= 45);
    assert!(context["text"].as_str().unwrap().contains("rotate the signing key"), "{context}");
    server.stop().await;
}
