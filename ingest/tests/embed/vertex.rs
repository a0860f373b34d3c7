//! Vertex AI against a server that keeps its published rules.

use coditect_ingest::embed::{EmbedError, Embedder, EmbedderConfig, ProviderKind, VertexConfig};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::http::{Sequence, json, numbered, quick, vector_of};

const MODEL_PATH: &str = "/v1/projects/demo-project/locations/us-central1/publishers/google/models";

fn error(code: u16, status: &str, message: &str) -> ResponseTemplate {
    let body = json!({ "error": { "code": code, "message": message, "status": status } });
    ResponseTemplate::new(code).set_body_json(body)
}

/// Answers as the service does: at most 250 texts, one for Gemini models, no text over 2,048 tokens
/// when truncation is off, at most 20,000 tokens in all.
fn predict(request: &Request) -> ResponseTemplate {
    let body = json(request);
    let instances = body["instances"].as_array().unwrap();
    let gemini = request.url.path().contains("gemini-embedding");
    let dimension = body["parameters"]["outputDimensionality"].as_u64().map_or(768, |n| n as usize);
    let tokens: Vec<usize> =
        instances.iter().map(|one| one["content"].as_str().unwrap().split_whitespace().count()).collect();
    if instances.len() > if gemini { 1 } else { 250 } {
        return error(400, "INVALID_ARGUMENT", &format!("{} instance(s) is over the limit", instances.len()));
    }
    if tokens.iter().sum::<usize>() > 20_000 {
        return error(400, "INVALID_ARGUMENT", "the input token count is over the limit of 20000");
    }
    if body["parameters"]["autoTruncate"] == false && tokens.iter().any(|&count| count > 2048) {
        return error(400, "INVALID_ARGUMENT", "an input is longer than 2048 tokens");
    }
    let prediction = |one: &Value| {
        let values = vector_of(one["content"].as_str().unwrap(), dimension);
        json!({ "embeddings": { "values": values, "statistics": { "truncated": false, "token_count": 3 } } })
    };
    let predictions: Vec<Value> = instances.iter().map(prediction).collect();
    ResponseTemplate::new(200).set_body_json(json!({ "predictions": predictions }))
}

fn config(server: &MockServer) -> VertexConfig {
    VertexConfig {
        project: "demo-project".to_owned(),
        access_token: Some("a-token".into()),
        endpoint: Some(server.uri()),
        http: quick(),
        ..VertexConfig::default()
    }
}

async fn embedder(vertex: VertexConfig) -> Embedder {
    let config = EmbedderConfig { provider: ProviderKind::Vertex, vertex, ..EmbedderConfig::default() };
    Embedder::connect(config).await.unwrap()
}

async fn answering(respond: impl wiremock::Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(respond).mount(&server).await;
    server
}

#[tokio::test]
async fn documents_come_back_in_order_within_the_request_limits() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("{MODEL_PATH}/text-embedding-004:predict")))
        .and(header("authorization", "Bearer a-token"))
        .respond_with(predict)
        .mount(&server)
        .await;
    let texts = numbered(601);
    let vectors = embedder(config(&server)).await.embed_documents(&texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&vectors) {
        assert!((vector[1] - vector_of(text, 768)[1]).abs() < 1e-6, "{text}");
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(json(request)["parameters"], json!({ "autoTruncate": false }));
        assert_eq!(json(request)["instances"][0]["task_type"], "RETRIEVAL_DOCUMENT");
    }
}

#[tokio::test]
async fn requests_stay_under_twenty_thousand_tokens() {
    let server = answering(predict).await;
    let texts: Vec<String> = (0..40).map(|n| "word ".repeat(1900) + &format!("text-{n}")).collect();
    let vectors = embedder(config(&server)).await.embed_documents(&texts).await.unwrap();
    assert_eq!(vectors.len(), 40);
    assert!(server.received_requests().await.unwrap().len() >= 4);
}

#[tokio::test]
async fn a_batch_whose_tokens_were_underestimated_is_halved() {
    let letters_are_tokens = |request: &Request| {
        if request.body.len() > 20_000 {
            return error(400, "INVALID_ARGUMENT", "the input token count is over the limit of 20000");
        }
        predict(request)
    };
    let server = answering(letters_are_tokens).await;
    let texts: Vec<String> = (0..60).map(|n| "word ".repeat(300) + &format!("text-{n}")).collect();
    let vectors = embedder(config(&server)).await.embed_documents(&texts).await.unwrap();
    for (text, vector) in texts.iter().zip(&vectors) {
        assert!((vector[1] - vector_of(text, 768)[1]).abs() < 1e-6, "{text}");
    }
    assert!(server.received_requests().await.unwrap().len() > 8);
}

#[tokio::test]
async fn gemini_models_get_one_text_a_request_and_their_dimension() {
    let server = answering(predict).await;
    let vertex = VertexConfig { model: "gemini-embedding-001".to_owned(), dimension: Some(1536), ..config(&server) };
    let embedder = embedder(vertex).await;
    let vectors = embedder.embed_documents(&numbered(5)).await.unwrap();
    assert_eq!((vectors.len(), vectors[4].len(), embedder.fingerprint().dimension), (5, 1536, 1536));
    assert!((vectors[4][1] - vector_of("text-4", 2)[1]).abs() < 1e-6);
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_query_has_its_own_task_type() {
    let server = answering(predict).await;
    let embedder = embedder(config(&server)).await;
    embedder.embed_query("text-3").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(json(&requests[0])["instances"][0]["task_type"], "RETRIEVAL_QUERY");
    assert_eq!(
        embedder.fingerprint().id().split('/').take(3).collect::<Vec<_>>(),
        ["vertex", "text-embedding-004", "768"]
    );
    assert_eq!(embedder.max_tokens(), 2048);
}

#[tokio::test]
async fn a_text_over_the_models_limit_is_named() {
    let server = answering(predict).await;
    let mut texts = numbered(20);
    texts[13] = "word ".repeat(2100);
    let error = embedder(config(&server)).await.embed_documents(&texts).await.unwrap_err();
    match error {
        EmbedError::Input { index: 13, message } => {
            assert!(message.contains("2048 tokens"), "{message}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_refused_setting_is_not_blamed_on_a_text() {
    let server = answering(error(400, "INVALID_ARGUMENT", "outputDimensionality is not supported")).await;
    let error = embedder(config(&server)).await.embed_documents(&numbered(8)).await.unwrap_err();
    match error {
        EmbedError::Rejected { status: 400, message } => assert!(message.contains("outputDimensionality"), "{message}"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn quota_errors_are_retried() {
    let busy = || Box::new(error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for base_model: textembedding-gecko"));
    let server = answering(Sequence::new(vec![busy(), busy(), Box::new(predict)])).await;
    let vectors = embedder(config(&server)).await.embed_documents(&numbered(2)).await.unwrap();
    assert_eq!(vectors.len(), 2);
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_lasting_quota_error_is_reported_in_the_services_words() {
    let server = answering(error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for aiplatform.googleapis.com")).await;
    let error = embedder(config(&server)).await.embed_documents(&numbered(1)).await.unwrap_err();
    assert!(matches!(error, EmbedError::RateLimited { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().contains("Quota exceeded for aiplatform.googleapis.com"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
}

#[tokio::test]
async fn missing_permission_is_final() {
    let message = "Permission 'aiplatform.endpoints.predict' denied on resource";
    let server = answering(error(403, "PERMISSION_DENIED", message)).await;
    let error = embedder(config(&server)).await.embed_documents(&numbered(300)).await.unwrap_err();
    assert!(
        matches!(error, EmbedError::Rejected { status: 403, .. }) && error.to_string().contains(message),
        "{error}"
    );
}

#[tokio::test]
async fn settings_that_would_bend_the_url_are_refused() {
    let server = answering(predict).await;
    for (project, region, model, setting) in [
        ("", "us-central1", "m", "vertex.project"),
        ("a/b", "us-central1", "m", "vertex.project"),
        ("p", "evil.example/#", "m", "vertex.region"),
        ("p", "us-central1", "m?x=1", "vertex.model"),
    ] {
        let vertex = VertexConfig {
            project: project.to_owned(),
            region: region.to_owned(),
            model: model.to_owned(),
            ..config(&server)
        };
        let config = EmbedderConfig { provider: ProviderKind::Vertex, vertex, ..EmbedderConfig::default() };
        match Embedder::connect(config).await {
            Err(EmbedError::Config { setting: found, .. }) => assert_eq!(found, setting),
            other => panic!("{other:?}"),
        }
    }
}
