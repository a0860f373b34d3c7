//! Contexts: packed within their budget, with citations that can be checked.

use serde_json::{Value, json};

use crate::harness::Running;

fn guide() -> String {
    let sections = ["Installation", "Configuration", "Operation", "Backups", "Upgrades"];
    let sections = sections.map(|name| {
        let sentence = format!("The gadget's {} is described here in some detail. ", name.to_lowercase());
        format!("## {name}\n\n{}\n", sentence.repeat(12))
    });
    format!("# Gadget\n\n{}", sections.join("\n"))
}

#[tokio::test]
async fn a_context_keeps_its_budget_and_numbers_its_sources() {
    let server = Running::start().await;
    let text = guide();
    let version = server.store("docs", "gadget.md", &text).await;
    server.store("docs", "other.md", "Nothing about that, only weather and wind.").await;
    for max_tokens in [64, 300, 2_000] {
        let body = json!({"query": "backups of the gadget", "max_tokens": max_tokens, "min_version": version});
        let answer = server.post("/context", &body).await.expect(200);
        assert!(answer["tokens"].as_u64().unwrap() <= max_tokens, "{answer}");
        let packed = answer["text"].as_str().unwrap();
        for (n, citation) in (1..).zip(answer["citations"].as_array().unwrap()) {
            assert_eq!(citation["n"], n);
            let (start, end) = (citation["line_start"].as_u64().unwrap(), citation["line_end"].as_u64().unwrap());
            let head = format!("[{n}] {}:{start}-{end}", citation["source"].as_str().unwrap());
            assert!(packed.contains(&head), "{head} in {packed}");
        }
    }
    let body = json!({"query": "backups of the gadget", "max_tokens": 2_000});
    let answer = server.post("/context", &body).await.expect(200);
    let citations = answer["citations"].as_array().unwrap();
    let gadget: Vec<&Value> = citations.iter().filter(|citation| citation["document_id"] == "gadget.md").collect();
    assert_eq!(gadget.len(), 1, "neighbours are merged: {citations:?}");
    let first_line = usize::try_from(gadget[0]["line_start"].as_u64().unwrap()).unwrap();
    let shown = text.lines().nth(first_line - 1).unwrap();
    assert!(answer["text"].as_str().unwrap().contains(shown), "{shown}");
    server.stop().await;
}

#[tokio::test]
async fn nothing_found_is_an_empty_context() {
    let server = Running::start().await;
    server.put("/collections/docs", &json!({})).await.expect(201);
    let answer = server.post("/context", &json!({"query": "anything", "collections": ["docs"]})).await.expect(200);
    assert_eq!((&answer["text"], &answer["citations"], &answer["tokens"]), (&json!(""), &json!([]), &json!(0)));
    server.stop().await;
}
