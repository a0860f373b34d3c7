//! A first start as an operator makes it: a secret that the server makes for itself, an administrator by a command, certificates; and that no log tells a secret.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::embedder::MockEmbedder;
use crate::faults::{binary, outcome};
use crate::harness::Running;
use crate::shutdown::{Process, service_token};

const PASSWORD: &str = "a password that no log may tell";

async fn create_admin(data: &Path, email: &str) -> (Option<i32>, String, String) {
    let file = data.with_extension("password");
    std::fs::write(&file, format!("{PASSWORD}\nnot this line\n")).unwrap();
    let mut command = binary();
    command.args(["admin", "create", "--tenant", "acme", "--email", email, "--log-level", "trace", "--data-dir"]);
    command.arg(data).arg("--password-file").arg(file);
    outcome(command).await
}

async fn post(url: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
    let request = Client::new().post(url).json(body);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn an_administrator_is_made_before_the_first_start_and_stays_signed_in_over_a_restart() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (code, said, error) = create_admin(&data, "Ada@example.com").await;
    assert_eq!((code, said.as_str()), (Some(0), "ada@example.com is an administrator of tenant acme\n"), "{error}");
    let again = create_admin(&data, "ada@example.com").await;
    assert_eq!(again.0, Some(2), "{again:?}");
    assert!(again.2.contains("has an account"), "{again:?}");
    let secret = std::fs::metadata(data.join("jwt_secret")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    let process = Process::start(&embedder, &data).await;
    let login = json!({"tenant": "acme", "email": "ada@example.com", "password": PASSWORD});
    let (status, granted) = post(&format!("{}/auth/login", process.url), None, &login).await;
    assert_eq!((status, granted["user"]["role"].as_str()), (200, Some("administrator")), "{granted}");
    process.terminate().await;
    let process = Process::start(&embedder, &data).await;
    let me = Client::new().get(format!("{}/auth/me", process.url)).bearer_auth(granted["token"].as_str().unwrap());
    assert_eq!(me.send().await.unwrap().status(), 200);
    process.terminate().await;
    let mut command = binary();
    command.args(["cleanup-sessions", "--log-format", "json", "--data-dir"]).arg(&data);
    let (code, said, log) = outcome(command).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(said.starts_with("sessions: 1 scanned, 0 expired and 0 terminated deleted"), "{said}");
    let line = log.lines().find(|line| line.contains("sessions were cleaned up")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["scanned"], &line["deleted"], &line["by_tenant"]), (&json!(1), &json!(0), &json!("{}")));
    assert!(line["seconds"].is_f64());
}

#[tokio::test]
async fn no_log_tells_a_secret() {
    let embedder = MockEmbedder::start().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (_, said, made) = create_admin(&data, "ada@example.com").await;
    let service = service_token(&data).await;
    let log = dir.path().join("log");
    let process = Process::start_logging(&embedder, &data, &log).await;
    let url = |path: &str| format!("{}{path}", process.url);
    let login = json!({"tenant": "acme", "email": "ada@example.com", "password": PASSWORD});
    let (_, granted) = post(&url("/auth/login"), None, &login).await;
    let token = granted["token"].as_str().unwrap();
    let wrong = json!({"tenant": "acme", "email": "ada@example.com", "password": "a wrong password, as secret"});
    assert_eq!(post(&url("/auth/login"), None, &wrong).await.0, 401);
    let odd = json!({"tenant": "acme", "email": "ada@example.com", "password": ["a password in a list"]});
    assert_eq!(post(&url("/auth/login"), None, &odd).await.0, 400);
    let refresh = json!({"refresh_token": granted["refresh_token"]});
    let (_, next) = post(&url("/auth/refresh"), None, &refresh).await;
    let (_, invited) = post(&url("/auth/invitations"), Some(token), &json!({})).await;
    let registering = json!({"tenant": "acme", "email": "bob@example.com", "password": "bob's own password", "invitation": invited["code"]});
    assert_eq!(post(&url("/auth/register"), None, &registering).await.0, 201);
    let (_, made_token) = post(&url("/auth/tokens"), Some(token), &json!({"name": "t", "scopes": ["admin"]})).await;
    let change = json!({"current": PASSWORD, "password": "another password, also secret"});
    assert_eq!(post(&url("/auth/password"), Some(token), &change).await.0, 200);
    for bearer in ["a token that nobody minted", &service, &format!("{token}x")] {
        post(&url("/search"), Some(bearer), &json!({"query": "x"})).await;
    }
    process.terminate().await;
    let secret = std::fs::read_to_string(data.join("jwt_secret")).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.lines().count() > 20 && log.contains("/auth/login"), "{log}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let secrets = [
        token.to_owned(),
        text(&granted["refresh_token"]),
        text(&next["token"]),
        text(&next["refresh_token"]),
        text(&invited["code"]),
        text(&made_token["token"]),
        service,
        secret.trim().to_owned(),
        PASSWORD.into(),
        "a wrong password".into(),
        "a password in a list".into(),
        "bob's own".into(),
        "another password".into(),
        "nobody minted".into(),
        "$argon2".into(),
        "Bearer ".into(),
    ];
    for secret in secrets {
        for log in [&log, &made, &said] {
            assert!(!log.contains(&secret), "{secret} is in\n{log}");
        }
    }
}

#[tokio::test]
async fn with_certificates_the_server_speaks_tls_and_nothing_else() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("certificate.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Running::start_with(|settings| {
        settings.tls.certificate = Some(certificate);
        settings.tls.key = Some(key);
    })
    .await;
    let port = server.url.rsplit(':').next().unwrap();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let url = format!("https://localhost:{port}/collections");
    let answer = client.request(Method::GET, &url).bearer_auth(&server.token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(Client::new().get(format!("http://127.0.0.1:{port}/healthz")).send().await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nothing.pem");
    std::fs::write(&file, "nothing").unwrap();
    let mut command = binary();
    command.arg("--data-dir").arg(dir.path().join("data"));
    command.args([
        "--set",
        &format!("tls.certificate={0}", file.display()),
        "--set",
        &format!("tls.key={}", file.display()),
    ]);
    let (code, _, error) = outcome(command).await;
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("nothing.pem"), "{error}");
}
