//! Malformed and hostile requests: each is a 4xx problem that names the field, none a 5xx, and the server lives on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::embedder::DIMENSION;
use crate::harness::Running;

struct Case {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    content_type: &'static str,
    status: u16,
    pointer: Option<&'static str>,
}

fn raw(path: &str, body: impl Into<Vec<u8>>, status: u16, pointer: Option<&'static str>) -> Case {
    let body = Some(body.into());
    Case { method: Method::POST, path: path.into(), body, content_type: "application/json", status, pointer }
}

fn post(path: &str, body: &Value, pointer: &'static str) -> Case {
    raw(path, body.to_string(), 400, Some(pointer))
}

fn search(body: &Value, pointer: &'static str) -> Case {
    post("/search", body, pointer)
}

fn text(path: &str, body: &str, pointer: &'static str) -> Case {
    raw(path, body, 400, Some(pointer))
}

fn get(path: &str, status: u16, pointer: Option<&'static str>) -> Case {
    Case { method: Method::GET, path: path.into(), body: None, content_type: "", status, pointer }
}

fn delete(path: &str, status: u16, pointer: Option<&'static str>) -> Case {
    Case { method: Method::DELETE, ..get(path, status, pointer) }
}

/// `{"not": {"not": ..}}`
fn deep_filter(depth: usize) -> String {
    format!("{{\"query\":\"x\",\"filter\":{}{{}}{}}}", "{\"not\":".repeat(depth), "}".repeat(depth))
}

fn searches() -> Vec<Case> {
    let zeros = vec![0.0; DIMENSION];
    let short = vec![1.0; DIMENSION - 1];
    let huge = vec![1; 5_000];
    let mut infinite: Vec<Value> = vec![json!(1.0); DIMENSION];
    infinite[3] = json!(1e300);
    let numbers = vec!["1"; DIMENSION - 1].join(",");
    vec![
        search(&json!({}), "/query"),
        search(&json!({"query": ""}), "/query"),
        search(&json!({"query": " \n\t "}), "/query"),
        search(&json!({"query": 7}), "/query"),
        search(&json!({"query": ["a"]}), "/query"),
        search(&json!({"query": {"text": "a"}}), "/query"),
        search(&json!({"query": "x".repeat(1_000_000)}), "/query"),
        search(&json!({"query": "x", "top_k": 0}), "/top_k"),
        search(&json!({"query": "x", "top_k": -1}), "/top_k"),
        search(&json!({"query": "x", "top_k": 1001}), "/top_k"),
        search(&json!({"query": "x", "top_k": u64::MAX}), "/top_k"),
        search(&json!({"query": "x", "top_k": 1.5}), "/top_k"),
        search(&json!({"query": "x", "top_k": "10"}), "/top_k"),
        text("/search", r#"{"query":"x","top_k":99999999999999999999999}"#, "/top_k"),
        text("/search", r#"{"query":"x","rerank":{"depth":0}}"#, "/rerank/depth"),
        text("/search", r#"{"query":"x","rerank":{"depth":1001}}"#, "/rerank/depth"),
        text("/search", r#"{"query":"x","rerank":{"depth":-1}}"#, "/rerank/depth"),
        text("/search", r#"{"query":"x","rerank":{"mode":"always"}}"#, "/rerank/mode"),
        text("/search", r#"{"query":"x","rerank":{"more":1}}"#, "/rerank*"),
        search(&json!({"query": "x", "mode": "magic"}), "/mode"),
        search(&json!({"query": "x", "mode": 1}), "/mode"),
        search(&json!({"mode": "keyword", "vector": short}), "/query"),
        search(&json!({"vector": []}), "/vector"),
        search(&json!({"vector": zeros}), "/vector"),
        search(&json!({"vector": short}), "/vector"),
        search(&json!({"vector": huge}), "/vector"),
        search(&json!({"vector": infinite}), "/vector/3"),
        text("/search", &format!(r#"{{"vector":[{numbers},1e999]}}"#), "/vector/63"),
        text("/search", &format!(r#"{{"vector":[{numbers},-1e999]}}"#), "/vector/63"),
        text("/search", &format!(r#"{{"vector":[{numbers},null]}}"#), "/vector/63"),
        text("/search", r#"{"vector":[NaN]}"#, ""),
        text("/search", r#"{"vector":[Infinity]}"#, ""),
        search(&json!({"vector": ["a"]}), "/vector/0"),
        search(&json!({"vector": "1,2,3"}), "/vector"),
        search(&json!({"query": "x", "collections": "docs"}), "/collections"),
        search(&json!({"query": "x", "collections": ["docs", 5]}), "/collections/1"),
        search(&json!({"query": "x", "collections": ["docs", "../docs"]}), "/collections/1"),
        search(&json!({"query": "x", "collections": vec!["docs"; 100]}), "/collections"),
        raw("/search", json!({"query": "x", "collections": ["missing"]}).to_string(), 404, None),
        search(&json!({"query": "x", "min_version": "newest"}), "/min_version"),
        search(&json!({"query": "x", "min_version": 5}), "/min_version"),
        search(&json!({"query": "x", "min_version": "zz0000000000000000zz"}), "/min_version"),
        search(&json!({"query": "x", "max_latency_ms": 0}), "/max_latency_ms"),
        search(&json!({"query": "x", "max_latency_ms": 10_000_000}), "/max_latency_ms"),
        search(&json!({"query": "x", "explain": "yes"}), "/explain"),
        search(&json!({"query": "x", "include": ["everything"]}), "/include/0"),
        search(&json!({"query": "x", "topk": 3}), "/topk"),
        search(&json!({"query": "x", "a/b~c": 3}), "/a~1b~0c"),
        text("/search", r#"{"query":"x","query":"y"}"#, ""),
    ]
}

fn filters() -> Vec<Case> {
    let filter = |filter: Value, pointer| search(&json!({"query": "x", "filter": filter}), pointer);
    vec![
        filter(json!(5), "/filter"),
        filter(json!([]), "/filter"),
        filter(json!({"and": []}), "/filter/and"),
        filter(json!({"and": {"kind": "a"}}), "/filter/and"),
        filter(json!({"or": [{"kind": "a"}, 7]}), "/filter/or/1"),
        filter(json!({"kind": {"equals": "a"}}), "/filter/kind/equals"),
        filter(json!({"kind": {"in": "a"}}), "/filter/kind/in"),
        filter(json!({"kind": {"gt": true}}), "/filter/kind/gt"),
        filter(json!({"kind": {"exists": "yes"}}), "/filter/kind/exists"),
        filter(json!({"kind": {"prefix": 5}}), "/filter/kind/prefix"),
        text("/search", &deep_filter(60), "/filter/not/not*"),
        text("/search", &deep_filter(5_000), ""),
        text("/search", r#"{"query":"x","filter":{"weight":{"gt":1e999}}}"#, "/filter/weight/gt"),
    ]
}

fn bodies() -> Vec<Case> {
    let plain = |content_type| Case { content_type, ..raw("/search", r#"{"query":"x"}"#, 415, None) };
    vec![
        text("/search", "", ""),
        text("/search", "{", ""),
        text("/search", r#"{"query":"x"} trailing"#, ""),
        text("/search", r#"["query"]"#, ""),
        text("/search", "null", ""),
        text("/search", r#"{"query":'x'}"#, ""),
        text("/search", r#"{"query":"\ud800"}"#, ""),
        raw("/search", b"{\"query\":\"\xff\xfe\"}".to_vec(), 400, Some("")),
        raw("/search", b"\x00\x00\x00".to_vec(), 400, Some("")),
        raw("/search", "[".repeat(100_000), 400, Some("")),
        raw("/search", format!("{{\"query\":{}", "[".repeat(100_000)), 400, None),
        plain("text/plain"),
        plain("application/x-www-form-urlencoded"),
        plain("multipart/form-data; boundary=x"),
        plain(""),
        raw("/documents", format!("{{\"text\":\"{}\"}}", "x".repeat(3_000_000)), 413, None),
    ]
}

fn documents() -> Vec<Case> {
    let document = |changes: Value, pointer| {
        let mut body = json!({"collection": "docs", "document_id": "a.md", "text": "A text."});
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        post("/documents", &body, pointer)
    };
    vec![
        post("/documents", &json!({"document_id": "a.md"}), "/text"),
        post("/documents", &json!({"text": "a"}), "/document_id"),
        document(json!({"text": 5}), "/text"),
        document(json!({"text": ""}), "/text"),
        document(json!({"text": "\u{0}\u{0}"}), "/text"),
        document(json!({"document_id": ""}), "/document_id"),
        document(json!({"document_id": ".."}), "/document_id"),
        document(json!({"document_id": "a\u{0}b"}), "/document_id"),
        document(json!({"document_id": "x".repeat(1_025)}), "/document_id"),
        document(json!({"collection": ""}), "/collection"),
        document(json!({"collection": "../../etc"}), "/collection"),
        document(json!({"collection": "a b"}), "/collection"),
        document(json!({"collection": "c".repeat(65)}), "/collection"),
        document(json!({"kind": "k".repeat(65)}), "/kind"),
        document(json!({"title": "t".repeat(3_000)}), "/title"),
        document(json!({"source": "s".repeat(5_000)}), "/source"),
        document(json!({"format": "klingon"}), "/format"),
        document(json!({"metadata": []}), "/metadata"),
        document(json!({"metadata": {"big": "m".repeat(40_000)}}), "/metadata"),
        document(json!({"content_hash": "0".repeat(64)}), "/content_hash"),
        document(json!({"vector": [1.0]}), "/vector"),
        post("/documents/batch", &json!({}), "/documents"),
        post("/documents/batch", &json!({"documents": []}), "/documents"),
        post("/documents/batch", &json!({"documents": {}}), "/documents"),
        post(
            "/documents/batch",
            &json!({"documents": [{"document_id": "a", "text": "b"}, {"document_id": 5, "text": "b"}]}),
            "/documents/1/document_id",
        ),
        post(
            "/documents/batch",
            &json!({"documents": [{"document_id": "a", "text": "b", "txt": "c"}]}),
            "/documents/0/txt",
        ),
        post(
            "/documents/batch",
            &json!({"documents": vec![json!({"document_id": "a", "text": "b"}); 257]}),
            "/documents",
        ),
        get("/documents/docs/missing.md", 404, None),
        get("/documents/missing/a.md", 404, None),
        get("/documents/docs/%FF", 400, Some("/document_id")),
        get("/documents/docs/%00", 400, Some("/document_id")),
        get("/documents/..%2F..%2Fetc/passwd", 400, Some("/collection")),
        get("/documents/docs/..%2F..%2Fetc%2Fpasswd", 404, None),
        get(&format!("/documents/docs/{}", "x".repeat(2_000)), 400, Some("/document_id")),
        get("/documents/docs/a.md?min_version=x", 400, Some("/min_version")),
        get("/documents/docs/a.md?max_version=x", 400, Some("/max_version")),
        delete("/documents/missing/a.md", 404, None),
        delete("/documents/docs/%00", 400, Some("/document_id")),
    ]
}

fn listings() -> Vec<Case> {
    vec![
        get("/documents?collection=docs&cursor=made-up", 400, Some("/cursor")),
        get("/documents?collection=docs&cursor=%00", 400, Some("/cursor")),
        get("/documents?collection=docs&limit=0", 400, Some("/limit")),
        get("/documents?collection=docs&limit=100000", 400, Some("/limit")),
        get("/documents?collection=docs&limit=ten", 400, Some("/limit")),
        get("/documents?collection=docs&state=lost", 400, Some("/state")),
        get("/documents?collection=docs&prefix=%00", 400, Some("/prefix")),
        get("/documents?collection=docs&order=asc", 400, Some("/order")),
        get("/documents?collection=docs&collection=docs", 400, None),
        get("/documents?collection=missing", 404, None),
        get("/collections?limit=-1", 400, Some("/limit")),
        get("/collections?cursor=AAAA", 400, Some("/cursor")),
        get("/collections/..%2F", 400, Some("/name")),
        get("/collections/%20", 400, Some("/name")),
        delete("/collections/missing", 404, None),
        Case { method: Method::PUT, ..text("/collections/docs", r#"{"describe":"x"}"#, "/describe") },
        Case {
            method: Method::PUT,
            ..post("/collections/docs", &json!({"description": "x".repeat(5_000)}), "/description")
        },
        Case { method: Method::PUT, ..text("/collections/a%20b", "{}", "/name") },
        get("/search", 400, Some("/q")),
        get("/search?q=", 400, Some("/q")),
        get("/search?q=%ff", 400, Some("/q")),
        get("/search?q=x&top_k=many", 400, Some("/top_k")),
        get("/search?q=x&mode=magic", 400, Some("/mode")),
        get("/search?q=x&collection=docs,%2e%2e", 400, Some("/collection")),
        get("/search?q=x&filter=%7B", 400, Some("/filter")),
        get("/search?q=x&include=all", 400, Some("/include")),
        get("/search?q=x&unknown=1", 400, Some("/unknown")),
        get(&format!("/search?q={}", "x".repeat(40_000)), 400, Some("/q")),
        get(&format!("/search?q={}", "x".repeat(60_000)), 400, None),
        post("/context", &json!({}), "/query"),
        post("/context", &json!({"query": ""}), "/query"),
        post("/context", &json!({"query": "x", "max_tokens": 0}), "/max_tokens"),
        post("/context", &json!({"query": "x", "max_tokens": 1_000_000_000}), "/max_tokens"),
        post("/context", &json!({"query": "x", "max_tokens": -5}), "/max_tokens"),
        post("/context", &json!({"query": "x", "top_k": 5_000}), "/top_k"),
        post("/context", &json!({"query": "x", "vector": [1]}), "/vector"),
    ]
}

#[tokio::test]
async fn malformed_and_hostile_requests_get_problems_that_name_the_field() {
    let server = Running::start_with(|settings| settings.limits.body_bytes = 2_000_000).await;
    server.store("docs", "a.md", "The text that is there all along.").await;
    let cases = [searches(), filters(), bodies(), documents(), listings()].into_iter().flatten().collect::<Vec<_>>();
    assert!(cases.len() >= 60, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        if let Err(fault) = refused(&server, case).await {
            wrong.push(fault);
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(server.found(&json!({"query": "all along"})).await, ["a.md"], "the server lives on, unharmed");
    assert_eq!(server.metric("http_panics_total").await.unwrap_or_default(), 0.0);
    server.stop().await;
}

async fn refused(server: &Running, case: &Case) -> Result<(), String> {
    let mut request = server.request(case.method.clone(), &case.path);
    if let Some(body) = &case.body {
        request = request.body(body.clone());
    }
    if !case.content_type.is_empty() {
        request = request.header("content-type", case.content_type);
    }
    let reply = server.send(request).await;
    let shown = case.body.as_deref().unwrap_or_default();
    let shown = String::from_utf8_lossy(&shown[..shown.len().min(120)]).into_owned();
    let name = format!("{} {:.100} {shown}", case.method, case.path);
    let fault = |what: &str| Err(format!("{name}: {what}: {} {}", reply.status, reply.text));
    if reply.status != case.status {
        return fault("wrong status");
    }
    if reply.header("content-type") != "application/problem+json" {
        return fault("no problem");
    }
    let problem: Value = serde_json::from_str(&reply.text).map_err(|error| format!("{name}: {error}"))?;
    let complete = ["type", "title", "detail", "request_id"].iter().all(|field| problem[field].is_string());
    if !complete || problem["status"] != case.status {
        return fault("incomplete");
    }
    let named = problem["errors"][0]["pointer"].as_str();
    let fits = case.pointer.is_none_or(|pointer| match pointer.strip_suffix('*') {
        Some(prefix) => named.is_some_and(|named| named.starts_with(prefix)),
        None => named == Some(pointer),
    });
    if fits { Ok(()) } else { fault(&format!("does not name {:?}", case.pointer)) }
}

/// Sends a request piece by piece, as no well-behaved client would, and answers what comes back.
fn talk(url: &str, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    for piece in pieces {
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    // A server that closes hard is not at fault: what came before is what counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn talked(server: &Running, pieces: Vec<Vec<u8>>) -> String {
    let url = server.url.clone();
    tokio::task::spawn_blocking(move || talk(&url, &pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()))
        .await
        .unwrap()
}

#[tokio::test]
async fn slow_and_broken_bodies_are_cut_off() {
    let server = Running::start_with(|settings| settings.limits.body_timeout_ms = 200).await;
    let bearer = format!("authorization: Bearer {}\r\n", server.token);
    let head = format!("POST /search HTTP/1.1\r\nhost: localhost\r\n{bearer}content-type: application/json\r\n");
    let slow = format!("{head}content-length: 100\r\n\r\n{{\"query\":");
    let answer = talked(&server, vec![slow.into_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:coditect:problem:request-timeout"), "{answer}");

    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"que\r\n");
    let answer = talked(&server, vec![chunked.into_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");

    let broken = format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n");
    let answer = talked(&server, vec![broken.into_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");

    let announced = format!("{head}content-length: 99999999999\r\n\r\n");
    let answer = talked(&server, vec![announced.into_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(server.get("/healthz").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_http_is_dropped() {
    let server = Running::start().await;
    let garbage: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nbad header\r\n\r\n",
    ];
    for bytes in garbage {
        let answer = talked(&server, vec![bytes.to_vec()]).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{bytes:?}: {answer}");
    }
    let many = "x-filler: 1\r\n".repeat(500);
    let answer =
        talked(&server, vec![format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").into_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(server.get("/healthz").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn too_many_requests_at_once_are_told_to_come_back() {
    let server = Running::start_with(|settings| settings.limits.read_concurrency = 1).await;
    server.store("docs", "a.md", "A text.").await;
    let waiting = json!({"query": crate::embedder::GATED});
    let first = server.post("/search", &waiting);
    let other = async {
        // The first request holds the only place until the gate opens.
        loop {
            let reply = server.post("/search", &json!({"query": "x", "mode": "keyword"})).await;
            if reply.status == 503 {
                break reply;
            }
        }
    };
    let both = async {
        let refused = other.await;
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.json()["type"], "urn:coditect:problem:overloaded");
        assert_eq!(server.get("/healthz").await.status, 200, "health is told however busy the server is");
        server.embedder.open_gate();
    };
    let (first, ()) = tokio::join!(first, both);
    first.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let server = Running::start_with(|settings| settings.limits.read_timeout_ms = 100).await;
    let problem = server.post("/search", &json!({"query": crate::embedder::GATED, "mode": "vector"})).await.expect(504);
    assert_eq!(problem["type"], "urn:coditect:problem:deadline-exceeded");
    server.embedder.open_gate();
    server.stop().await;
}
