//! What every answer has in common: ids, problems, CORS, hosts, compression, metrics, the page.

use reqwest::Method;
use serde_json::json;

use crate::harness::Running;

#[tokio::test]
async fn every_answer_carries_the_requests_id() {
    let server = Running::start().await;
    let given = server.send(server.request(Method::GET, "/healthz").header("x-request-id", "abc-123")).await;
    assert_eq!(given.header("x-request-id"), "abc-123");
    let made = server.get("/nothing").await;
    assert_eq!(made.status, 404);
    assert_eq!(made.header("content-type"), "application/problem+json");
    assert_eq!(made.json()["request_id"], made.header("x-request-id"));
    let hostile = server.send(server.request(Method::GET, "/healthz").header("x-request-id", "a b\"c")).await;
    assert_ne!(hostile.header("x-request-id"), "a b\"c");
    server.stop().await;
}

#[tokio::test]
async fn health_readiness_and_metrics_are_told() {
    let server = Running::start().await;
    assert_eq!(server.get("/healthz").await.expect(200), json!({"status": "ok"}));
    let ready = server.get("/readyz").await.expect(200);
    assert_eq!(ready["status"], "ready");
    let version = server.store("metered", "a.md", "Counted text.").await;
    server.found(&json!({"query": "counted", "min_version": version})).await;
    let label = "{tenant=\"default\",collection=\"metered\"}";
    assert_eq!(server.metric(&format!("collection_documents{label}")).await, Some(1.0));
    assert_eq!(server.metric(&format!("collection_passages{label}")).await, Some(1.0));
    assert_eq!(server.metric("engine_ready").await, Some(1.0));
    let searches = "http_requests_total{method=\"POST\",route=\"/search\",status=\"200\"}";
    assert!(server.metric(searches).await.unwrap() >= 1.0);
    let text = server.metrics().await;
    for name in [
        "http_request_duration_seconds_bucket",
        "http_requests_in_flight",
        "search_stage_seconds_bucket{stage=\"legs\"",
        "search_stage_seconds_bucket{stage=\"embed\"",
        "query_cache_requests_total{result=\"miss\"}",
        "ingest_documents_total{status=\"created\"}",
        "ingest_embed_batch_texts_bucket",
        "engine_version_lag",
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
    assert!(!text.contains("a.md"), "metrics name routes, not documents");
    server.stop().await;
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let server = Running::start().await;
    let cases = [
        (Method::GET, "/nothing", 404),
        (Method::GET, "/documents/docs", 404),
        (Method::GET, "/documents/docs/", 404),
        (Method::PUT, "/documents", 405),
        (Method::PATCH, "/documents", 405),
        (Method::DELETE, "/search", 405),
        (Method::POST, "/healthz", 405),
    ];
    for (method, path, status) in cases {
        let reply = server.send(server.request(method.clone(), path)).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
        assert_eq!(reply.json()["status"], status);
    }
    server.stop().await;
}

#[tokio::test]
async fn only_named_origins_may_call_from_a_browser() {
    let server = Running::start_with(|settings| settings.cors.origins = vec!["https://ide.example".into()]).await;
    let preflight = async |origin: &str| {
        let request = server
            .request(Method::OPTIONS, "/search")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type");
        server.send(request).await
    };
    let allowed = preflight("https://ide.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://ide.example");
    assert!(allowed.header("access-control-allow-methods").contains("POST"));
    assert!(preflight("https://evil.example").await.headers.get("access-control-allow-origin").is_none());
    let error = server.send(server.request(Method::GET, "/nothing").header("origin", "https://ide.example")).await;
    assert_eq!(error.header("access-control-allow-origin"), "https://ide.example", "a page can read problems, too");
    server.stop().await;
}

#[tokio::test]
async fn requests_for_other_hosts_are_turned_away() {
    let server = Running::start_with(|settings| settings.hosts = vec!["kb.internal".into()]).await;
    for (host, status) in
        [("kb.internal", 200), ("localhost:8080", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421)]
    {
        let reply = server.send(server.request(Method::GET, "/collections").header("host", host)).await;
        assert_eq!(reply.status, status, "{host}: {}", reply.text);
    }
    let probe = server.send(server.anonymous(Method::GET, "/healthz").header("host", "10.0.0.5:8080")).await;
    assert_eq!(probe.status, 200, "probes ask by address");
    server.stop().await;
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_can_read_them() {
    let server = Running::start().await;
    let plain = server.get("/openapi.json").await;
    assert!(plain.headers.get("content-encoding").is_none());
    let packed = server.request(Method::GET, "/openapi.json").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert!(packed.bytes().await.unwrap().len() * 3 < plain.text.len());
    server.stop().await;
}

#[tokio::test]
async fn the_page_and_all_it_needs_are_served() {
    let server = Running::start().await;
    let page = server.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    let addresses = page.text.split(['"', '\'']).filter(|part| part.starts_with('/') && part.len() > 1);
    let mut count = 0;
    for address in addresses {
        assert_eq!(server.get(address).await.status, 200, "{address}");
        count += 1;
    }
    assert!(count >= 3);
    for foreign in ["http://", "https://", "//cdn"] {
        assert!(!page.text.contains(foreign), "the page loads nothing from elsewhere");
    }
    server.stop().await;
}
