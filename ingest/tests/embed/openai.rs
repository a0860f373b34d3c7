//! OpenAI-compatible endpoints: good answers, bad answers, no answers.

use std::time::{Duration, Instant};

use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, OpenAiConfig, ProviderKind};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::http::{Sequence, json, numbered, quick, vector_of};

const DIMENSION: usize = 4;

fn data(request: &Request) -> Vec<Value> {
    let item = |(index, text): (usize, &Value)| json!({ "object": "embedding", "index": index, "embedding": vector_of(text.as_str().unwrap(), DIMENSION) });
    json(request)["input"].as_array().unwrap().iter().enumerate().map(item).collect()
}

fn list(data: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "object": "list", "data": data, "model": "small" }))
}

fn good(request: &Request) -> ResponseTemplate {
    list(&data(request))
}

fn reversed(request: &Request) -> ResponseTemplate {
    let mut data = data(request);
    data.reverse();
    list(&data)
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": message, "type": "x", "code": null } }))
}

fn config(base_url: String) -> OpenAiConfig {
    OpenAiConfig {
        base_url,
        model: "small".to_owned(),
        dimension: Some(DIMENSION),
        http: quick(),
        ..OpenAiConfig::default()
    }
}

async fn connect(openai: OpenAiConfig) -> Result<Embedder, EmbedError> {
    Embedder::connect(EmbedderConfig { provider: ProviderKind::OpenAi, openai, ..EmbedderConfig::default() }).await
}

async fn served(respond: impl Respond + 'static) -> (MockServer, Embedder) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/v1/embeddings")).respond_with(respond).mount(&server).await;
    let embedder = connect(config(format!("{}/v1/", server.uri()))).await.unwrap();
    (server, embedder)
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn results_are_put_in_the_order_of_the_texts() {
    let (_server, embedder) = served(reversed).await;
    let texts = numbered(150);
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&vectors) {
        assert!((vector[1] - vector_of(text, DIMENSION)[1]).abs() < 1e-6, "{text}");
    }
}

#[tokio::test]
async fn the_request_is_what_the_reference_says() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("authorization", "Bearer sk-secret"))
        .and(header("content-type", "application/json"))
        .respond_with(good)
        .mount(&server)
        .await;
    let openai =
        OpenAiConfig { api_key: Some("sk-secret".into()), query_prefix: "query: ".to_owned(), ..config(server.uri()) };
    let shown = format!("{openai:?}");
    let embedder = connect(openai).await.unwrap();
    embedder.embed_query("text-1").await.unwrap();
    let sent = json(&server.received_requests().await.unwrap()[0]);
    let expected =
        json!({ "model": "small", "input": ["query: text-1"], "encoding_format": "float", "dimensions": DIMENSION });
    assert_eq!(sent, expected);
    assert!(!shown.contains("sk-secret"), "settings show the key: {shown}");
}

#[tokio::test]
async fn an_unknown_dimension_is_asked_for() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(good).mount(&server).await;
    let embedder = connect(OpenAiConfig { dimension: None, ..config(server.uri()) }).await.unwrap();
    assert_eq!(embedder.fingerprint().dimension, DIMENSION);
    assert_eq!(json(&server.received_requests().await.unwrap()[0]).get("dimensions"), None);
}

#[tokio::test]
async fn passing_failures_are_retried() {
    let answers: Vec<(&str, Box<dyn Respond>)> = vec![
        ("429", Box::new(refusal(429, "slow down"))),
        ("500", Box::new(refusal(500, "oops"))),
        ("503 without a body", Box::new(ResponseTemplate::new(503))),
        ("502 in HTML", Box::new(ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>"))),
        ("truncated JSON", Box::new(ResponseTemplate::new(200).set_body_string(r#"{"data":[{"index":0,"embed"#))),
        ("empty", Box::new(ResponseTemplate::new(200))),
    ];
    for (name, answer) in answers {
        let (server, embedder) = served(Sequence::new(vec![answer, Box::new(good)])).await;
        let vectors = embedder.embed_documents(&numbered(2)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((vectors.len(), requests(&server).await), (2, 2), "{name}");
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let busy = refusal(429, "slow down").insert_header("retry-after", "1");
    let (_server, embedder) = served(Sequence::new(vec![Box::new(busy), Box::new(good)])).await;
    let started = Instant::now();
    embedder.embed_query("text-1").await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_wait_longer_than_the_settings_allow_is_left_to_the_caller() {
    let busy = refusal(429, "come back tomorrow").insert_header("retry-after", "86400");
    let (server, embedder) = served(busy).await;
    match embedder.embed_query("text-1").await.unwrap_err() {
        EmbedError::RateLimited { message, retry_after } => {
            assert_eq!((message.as_str(), retry_after), ("come back tomorrow", Some(Duration::from_secs(86_400))));
        }
        other => panic!("{other}"),
    }
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn used_up_money_is_not_waited_for() {
    let body = json!({ "error": { "message": "You exceeded your current quota", "code": "insufficient_quota" } });
    let (server, embedder) = served(ResponseTemplate::new(429).set_body_json(body)).await;
    let error = embedder.embed_documents(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, EmbedError::RateLimited { .. }), "{error}");
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn retries_end() {
    let (server, embedder) = served(refusal(503, "overloaded")).await;
    let error = embedder.embed_documents(&numbered(1)).await.unwrap_err();
    assert!(matches!(&error, EmbedError::Unavailable(message) if message.contains("overloaded")), "{error}");
    assert_eq!(requests(&server).await, 4);
}

#[tokio::test]
async fn a_wrong_key_is_final() {
    let (server, embedder) = served(refusal(401, "Incorrect API key provided")).await;
    let error = embedder.embed_query("text-1").await.unwrap_err();
    let expected = "the embedding provider refused the request (401): Incorrect API key provided";
    assert_eq!((error.to_string().as_str(), error.is_transient()), (expected, false));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let away = ResponseTemplate::new(307).insert_header("location", "http://198.51.100.1/steal");
    let (_server, embedder) = served(away).await;
    let error = embedder.embed_query("text-1").await.unwrap_err();
    assert!(matches!(error, EmbedError::Rejected { status: 307, .. }), "{error}");
}

#[tokio::test]
async fn answers_that_cannot_be_right_are_refused_without_a_retry() {
    let item = |index: usize, embedding: &str| format!(r#"{{"index":{index},"embedding":{embedding}}}"#);
    let body = |items: &[String]| format!(r#"{{"data":[{}]}}"#, items.join(","));
    let fine = "[1,0,0,0]";
    for (name, text, expected) in [
        ("short vector", body(&[item(0, fine), item(1, "[1,0,0]")]), "vector 1 has 3 components, expected 4"),
        ("NaN", body(&[item(0, fine), item(1, "[NaN,0,0,0]")]), "expected value"),
        ("null", body(&[item(0, fine), item(1, "[null,0,0,0]")]), "invalid type: null"),
        ("overflow", body(&[item(0, fine), item(1, "[1e39,0,0,0]")]), "number out of range"),
        ("zero vector", body(&[item(0, fine), item(1, "[0,0,0,0]")]), "vector 1 is zero"),
        ("too few", body(&[item(0, fine)]), "no vector for text 1"),
        ("too many", body(&[item(0, fine), item(1, fine), item(2, fine)]), "text 2 of 2"),
        ("twice", body(&[item(0, fine), item(0, fine)]), "two vectors for text 0"),
        ("negative index", format!(r#"{{"data":[{{"index":-1,"embedding":{fine}}}]}}"#), "invalid value"),
        ("another API", r#"{"result":"ok"}"#.to_owned(), "missing field `data`"),
        ("HTML", "<html>hello</html>".to_owned(), "expected value"),
    ] {
        let (server, embedder) = served(ResponseTemplate::new(200).set_body_string(text)).await;
        match embedder.embed_documents(&numbered(2)).await.unwrap_err() {
            EmbedError::Answer(message) => assert!(message.contains(expected), "{name}: {message}"),
            other => panic!("{name}: {other}"),
        }
        assert_eq!(requests(&server).await, 1, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_takes_fewer_texts_gets_smaller_requests() {
    let few = |request: &Request| {
        let texts = json(request)["input"].as_array().unwrap().len();
        if texts > 32 { refusal(413, "batch size 128 > maximum allowed batch size 32") } else { good(request) }
    };
    let (_server, embedder) = served(few).await;
    let texts = numbered(100);
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    assert!((vectors[99][1] - vector_of("text-99", DIMENSION)[1]).abs() < 1e-6);
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(600));
    Mock::given(method("POST")).respond_with(slow).mount(&server).await;
    let mut openai = config(server.uri());
    (openai.http.query_timeout_ms, openai.http.retries) = (50, 1);
    let error = connect(openai).await.unwrap().embed_query("text-1").await.unwrap_err();
    assert_eq!(error.to_string(), "the embedding provider is unavailable: no answer within 50 ms");
    assert_eq!(requests(&server).await, 2);
}

#[tokio::test]
async fn a_connection_cut_in_the_body_is_unavailability() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for _ in 0..4 {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut seen = [0; 4096];
            let _ = socket.read(&mut seen).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"data\":[";
            socket.write_all(head.as_bytes()).await.unwrap();
        }
    });
    let embedder = connect(config(format!("http://{address}"))).await.unwrap();
    let error = embedder.embed_documents(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable(_)), "{error}");
    assert!(!error.to_string().contains(&address.to_string()), "the message shows the URL: {error}");
    server.await.unwrap();
}

#[tokio::test]
async fn nobody_listening_is_unavailability() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let embedder = connect(config(format!("http://{address}"))).await.unwrap();
    let error = embedder.embed_query("text-1").await.unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable(_)) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn empty_and_huge_texts_are_refused_before_anything_is_sent() {
    let (server, embedder) = served(good).await;
    for bad in [String::new(), " \n ".to_owned(), "x".repeat(2 << 20)] {
        let texts = ["fine".to_owned(), bad];
        let error = embedder.embed_documents(&texts).await.unwrap_err();
        assert!(matches!(error, EmbedError::Input { index: 1, .. }), "{error}");
    }
    assert_eq!(requests(&server).await, 0);
}

#[tokio::test]
async fn a_query_does_not_wait_for_documents() {
    let server = MockServer::start().await;
    let hanging = |request: &Request| {
        let documents = json(request)["input"].as_array().unwrap().len() > 1;
        good(request).set_delay(if documents { Duration::from_secs(5) } else { Duration::ZERO })
    };
    Mock::given(method("POST")).respond_with(hanging).mount(&server).await;
    let embedder = connect(config(server.uri())).await.unwrap();
    let background = embedder.clone();
    let documents = tokio::spawn(async move { background.embed_documents(&numbered(2000)).await });
    embedder.embed_query("text-1").await.unwrap();
    assert!(!documents.is_finished());
    documents.abort();
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    for (openai, expected) in [
        (OpenAiConfig::default(), "openai.model"),
        (config("ftp://example.org".to_owned()), "openai.base_url"),
        (config("not a url".to_owned()), "openai.base_url"),
        (
            OpenAiConfig { api_key: Some("a\nb".into()), dimension: None, ..config("http://127.0.0.1:1".to_owned()) },
            "api_key",
        ),
    ] {
        match connect(openai).await {
            Err(EmbedError::Config { setting, .. }) => assert_eq!(setting, expected),
            other => panic!("{other:?}"),
        }
    }
}
