//! Signing in over HTTP: what a user, an administrator and an agent do, and what each route asks for.

use std::collections::BTreeSet;

use coditect_auth::{NewUser, Role, Scope};
use coditect_server::settings::RegistrationMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Running, TENANT, tenant, token_of};

const PASSWORD: &str = "correct horse battery";

/// Routes that nobody can be asked to sign in for.
const OPEN: [&str; 5] = ["/auth/login", "/auth/refresh", "/auth/register", "/healthz", "/readyz"];

async fn user(server: &Running, tenant_name: &str, email: &str, role: Role) {
    let new = NewUser { email: email.into(), password: PASSWORD.into(), name: String::new() };
    server.auth.operator(&tenant(tenant_name)).create_user(&new, role).await.unwrap();
}

async fn login(server: &Running, tenant_name: &str, email: &str) -> Value {
    let body = json!({"tenant": tenant_name, "email": email, "password": PASSWORD});
    let reply = server.send(server.anonymous(Method::POST, "/auth/login").json(&body)).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.expect(200)
}

/// An administrator of the usual tenant who is logged in.
async fn ada(server: &Running) -> Value {
    user(server, TENANT, "ada@example.com", Role::Administrator).await;
    login(server, TENANT, "ada@example.com").await
}

async fn call(server: &Running, token: &str, method: Method, path: &str, body: &Value) -> Reply {
    let request = server.anonymous(method, path).bearer_auth(token);
    let request = if body.is_null() { request } else { request.json(body) };
    server.send(request).await
}

fn token(granted: &Value) -> &str {
    granted["token"].as_str().unwrap()
}

#[tokio::test]
async fn a_user_logs_in_works_refreshes_and_logs_out() {
    let server = Running::start().await;
    let granted = ada(&server).await;
    assert_eq!(granted["token_type"], "Bearer");
    assert_eq!(granted["session"]["status"], "active");
    assert_eq!(granted["user"]["role"], "administrator");
    let (token, none) = (token(&granted), &json!(null));
    let session = call(&server, token, Method::GET, "/auth/session", none).await.expect(200);
    assert_eq!(session, granted["session"]);
    assert_eq!(call(&server, token, Method::GET, "/auth/me", none).await.expect(200), granted["user"]);
    let document = json!({"collection": "docs", "document_id": "a.md", "text": "A text."});
    call(&server, token, Method::POST, "/documents", &document).await.expect(201);
    let body = json!({"refresh_token": granted["refresh_token"]});
    let next = server.send(server.anonymous(Method::POST, "/auth/refresh").json(&body)).await.expect(200);
    assert_eq!(next["session"]["session_id"], granted["session"]["session_id"]);
    assert_ne!(next["refresh_token"], granted["refresh_token"]);
    call(&server, token, Method::POST, "/auth/logout", none).await.expect(200);
    let refused = call(&server, token, Method::GET, "/auth/session", none).await;
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"coditect\", error=\"invalid_token\"");
    assert_eq!(refused.expect(401)["type"], "urn:coditect:problem:unauthenticated");
    let refused = server.send(server.anonymous(Method::POST, "/auth/refresh").json(&body)).await;
    assert_eq!(refused.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn administrators_invite_and_everybody_looks_after_his_own_sessions() {
    let server = Running::start().await;
    let granted = ada(&server).await;
    let none = &json!(null);
    let invited = json!({"email": "bob@example.com"});
    let invited = call(&server, token(&granted), Method::POST, "/auth/invitations", &invited).await.expect(201);
    let body =
        json!({"tenant": TENANT, "email": "bob@example.com", "password": PASSWORD, "invitation": invited["code"]});
    let bob = server.send(server.anonymous(Method::POST, "/auth/register").json(&body)).await.expect(201);
    assert_eq!((bob["role"].as_str(), bob["email"].as_str()), (Some("member"), Some("bob@example.com")));
    let (first, second) =
        (login(&server, TENANT, "bob@example.com").await, login(&server, TENANT, "bob@example.com").await);
    let listed = call(&server, token(&first), Method::GET, "/auth/sessions", none).await.expect(200);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    let path = format!("/auth/sessions/{}", second["session"]["session_id"].as_str().unwrap());
    for (action, status) in [("/suspend", 401), ("/resume", 200)] {
        call(&server, token(&first), Method::POST, &format!("{path}{action}"), none).await.expect(200);
        assert_eq!(call(&server, token(&second), Method::GET, "/auth/me", none).await.status, status, "{action}");
    }
    call(&server, token(&first), Method::DELETE, &path, none).await.expect(200);
    assert_eq!(call(&server, token(&second), Method::GET, "/auth/me", none).await.status, 401);
    let users = call(&server, token(&granted), Method::GET, "/auth/users?limit=1", none).await.expect(200);
    let cursor = users["next_cursor"].as_str().unwrap();
    let rest =
        call(&server, token(&granted), Method::GET, &format!("/auth/users?cursor={cursor}"), none).await.expect(200);
    assert_eq!(rest["users"], json!([bob]));
    let user = format!("/auth/users/{}", bob["user_id"].as_str().unwrap());
    call(&server, token(&granted), Method::PATCH, &user, &json!({"disabled": true})).await.expect(200);
    assert_eq!(call(&server, token(&first), Method::GET, "/auth/me", none).await.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn a_service_token_does_what_it_is_for() {
    let server = Running::start().await;
    let granted = ada(&server).await;
    let none = &json!(null);
    server.store("other", "a.md", "What nobody else shall read.").await;
    let version = server.store("docs", "a.md", "What all may read.").await;
    let wanted = json!({"name": "pipeline", "scopes": ["kb:read", "kb:write"], "collections": ["docs"]});
    let made = call(&server, token(&granted), Method::POST, "/auth/tokens", &wanted).await.expect(201);
    let (secret, id) = (made["token"].as_str().unwrap(), made["service_token"]["token_id"].as_str().unwrap());
    let found = call(
        &server,
        secret,
        Method::POST,
        "/search",
        &json!({"query": "read", "mode": "keyword", "min_version": version}),
    )
    .await
    .expect(200);
    let found: BTreeSet<&str> =
        found["results"].as_array().unwrap().iter().map(|it| it["collection"].as_str().unwrap()).collect();
    assert_eq!(found, ["docs"].into());
    let listed = call(&server, secret, Method::GET, "/collections", none).await.expect(200);
    assert_eq!(listed["collections"].as_array().unwrap().len(), 1);
    let there = call(&server, secret, Method::GET, "/documents/other/a.md", none).await;
    let missing = call(&server, secret, Method::GET, "/documents/zzzzz/a.md", none).await;
    assert_eq!((there.status, missing.status), (404, 404));
    assert_eq!(
        there.json()["detail"].as_str().unwrap().replace("other", "zzzzz"),
        missing.json()["detail"].as_str().unwrap()
    );
    let written = json!({"collection": "other", "document_id": "b.md", "text": "x"});
    assert_eq!(call(&server, secret, Method::POST, "/documents", &written).await.status, 404);
    assert_eq!(call(&server, secret, Method::GET, "/auth/tokens", none).await.status, 403);
    let listed = call(&server, token(&granted), Method::GET, "/auth/tokens", none).await.expect(200);
    assert!(!listed.to_string().contains(secret));
    call(&server, token(&granted), Method::DELETE, &format!("/auth/tokens/{id}"), none).await.expect(200);
    assert_eq!(call(&server, secret, Method::GET, "/collections", none).await.status, 401);
    server.stop().await;
}

#[tokio::test]
async fn who_did_what_is_in_the_audit_log() {
    let server = Running::start().await;
    let granted = ada(&server).await;
    let document = json!({"collection": "docs", "document_id": "a.md", "text": "A text."});
    let request =
        server.anonymous(Method::POST, "/documents").bearer_auth(token(&granted)).header("x-request-id", "r-1");
    server.send(request.json(&document)).await.expect(201);
    server.delete("/documents/docs/a.md").await.expect(200);
    server.delete("/collections/docs").await.expect(200);
    let page = call(&server, token(&granted), Method::GET, "/audit?limit=4", &json!(null)).await.expect(200);
    let told: Vec<(&str, &str)> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["target"].as_str().unwrap()))
        .collect();
    let expected = [
        ("collection.drop", "docs"),
        ("document.delete", "docs/a.md"),
        ("document.put", "docs/a.md"),
        ("collection.create", "docs"),
    ];
    assert_eq!(told, expected);
    let put = &page["entries"][2];
    assert_eq!(put["request_id"], "r-1");
    assert_eq!(put["actor"]["session_id"], granted["session"]["session_id"]);
    assert_eq!(page["entries"][0]["actor"]["kind"], "token");
    let cursor = page["next_cursor"].as_str().unwrap();
    let next =
        call(&server, token(&granted), Method::GET, &format!("/audit?cursor={cursor}"), &json!(null)).await.expect(200);
    assert_eq!(next["entries"][0]["action"], "session.login");
    let documents =
        call(&server, token(&granted), Method::GET, "/audit?action=document", &json!(null)).await.expect(200);
    assert_eq!(documents["entries"].as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn what_is_shared_is_read_by_all_and_written_by_its_administrators() {
    let server = Running::start().await;
    let admin = token_of(&server.auth, "shared", &Scope::ALL, &[]).await;
    let writer = token_of(&server.auth, "shared", &[Scope::KbRead, Scope::KbWrite], &[]).await;
    let document = json!({"collection": "handbook", "document_id": "a.md", "text": "What every tenant can read."});
    let refused = call(&server, &writer, Method::POST, "/documents", &document).await;
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
    assert_eq!(refused.status, 403);
    let written = call(&server, &admin, Method::POST, "/documents", &document).await.expect(201);
    let search = json!({"query": "every tenant", "mode": "keyword", "min_version": written["version"]});
    let found = server.post("/search", &search).await.expect(200);
    assert_eq!(found["results"][0]["collection"], "shared:handbook");
    let read = server.get("/documents/shared:handbook/a.md").await.expect(200);
    assert_eq!(read["text"], "What every tenant can read.");
    let listed = server.get("/collections?shared=true").await.expect(200);
    assert_eq!(listed["collections"][0]["name"], "handbook");
    assert_eq!(server.get("/collections/shared:handbook").await.expect(200)["documents"], 1);
    assert_eq!(
        server.get("/documents?collection=shared:handbook").await.expect(200)["documents"].as_array().unwrap().len(),
        1
    );
    for (method, path) in
        [(Method::DELETE, "/documents/shared:handbook/a.md"), (Method::DELETE, "/collections/shared:handbook")]
    {
        assert_eq!(
            server.send(server.request(method, path)).await.status,
            400,
            "{path}: there is no such collection of one's own"
        );
    }
    let mine = json!({"collection": "shared:handbook", "document_id": "b.md", "text": "x"});
    assert_eq!(server.post("/documents", &mine).await.status, 400);
    server.stop().await;
}

/// Every route of the description, with what its path needs filled in.
fn routes() -> Vec<(Method, String)> {
    let api: Value = serde_json::from_str(&coditect_server::description().to_json().unwrap()).unwrap();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let mut filled = path.clone();
            for part in path.split('/').filter(|part| part.starts_with('{')) {
                filled = filled.replace(part, "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e");
            }
            all.push((method.to_uppercase().parse().unwrap(), filled));
        }
    }
    all
}

#[tokio::test]
async fn no_route_of_the_description_answers_a_stranger() {
    let server = Running::start().await;
    let api: Value = serde_json::from_str(&coditect_server::description().to_json().unwrap()).unwrap();
    let all = routes();
    assert!(all.len() > 30);
    for (method, path) in all {
        let is_open = OPEN.contains(&path.as_str());
        let described = &api["paths"][path.as_str()][method.as_str().to_lowercase()]["security"];
        let reply = server.send(server.anonymous(method.clone(), &path).json(&json!({}))).await;
        assert_eq!(reply.status != 401, is_open, "{method} {path}: {}", reply.text);
        if is_open {
            assert_eq!(*described, json!([{}]), "{method} {path}");
            continue;
        }
        assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"coditect\"", "{method} {path}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
        for header in ["Bearer nonsense", "Basic YTpi", "nonsense"] {
            let reply = server.send(server.anonymous(method.clone(), &path).header("authorization", header)).await;
            assert_eq!(reply.status, 401, "{method} {path} {header}");
        }
        let twice = server.request(method.clone(), &path).bearer_auth(&server.token);
        assert_eq!(server.send(twice).await.status, 401, "{method} {path} with two tokens");
    }
    server.stop().await;
}

#[tokio::test]
async fn each_route_asks_for_its_scope() {
    let server = Running::start().await;
    server.store("docs", "a.md", "A text.").await;
    let nothing = token_of(&server.auth, TENANT, &[Scope::Agents], &[]).await;
    let reader = token_of(&server.auth, TENANT, &[Scope::KbRead], &[]).await;
    let writes = |method: &Method, path: &str| {
        *method != Method::GET && (path.starts_with("/documents") || path.starts_with("/collections"))
    };
    for (method, path) in routes().into_iter().filter(|(_, path)| !OPEN.contains(&path.as_str())) {
        let refused = call(&server, &nothing, method.clone(), &path, &json!({})).await;
        // Of its own account a service token has none, and says so; all else is of a scope.
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text);
        let by_reader = call(&server, &reader, method.clone(), &path, &json!({})).await;
        let is_admins =
            ["/auth", "/audit", "/connections", "/workspaces"].iter().any(|prefix| path.starts_with(prefix));
        assert_eq!(by_reader.status == 403, is_admins || writes(&method, &path), "{method} {path}: {}", by_reader.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn logins_are_limited_and_say_when_to_come_back() {
    let server = Running::start().await;
    let body = json!({"tenant": TENANT, "email": "nobody@example.com", "password": PASSWORD});
    let mut refused = 0;
    let throttled = loop {
        let reply = server.send(server.anonymous(Method::POST, "/auth/login").json(&body)).await;
        match reply.status {
            401 => refused += 1,
            _ => break reply,
        }
    };
    assert!(throttled.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(throttled.expect(429)["type"], "urn:coditect:problem:too-many-requests");
    assert!(refused >= 10);
    server.stop().await;
}

#[tokio::test]
async fn limits_of_tenants_and_callers_hold() {
    let server = Running::start_with(|settings| {
        settings.quotas.tenant.documents_per_min = 5;
        settings.quotas.caller.bytes_per_min = 1_000;
        settings.quotas.caller.requests_per_s = 1_000;
    })
    .await;
    for number in 0..5 {
        server.store("docs", &format!("{number}.md"), "A text.").await;
    }
    let one = json!({"collection": "docs", "document_id": "6.md", "text": "A text."});
    let refused = server.post("/documents", &one).await;
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(refused.expect(429)["detail"].as_str().unwrap().contains("tenant"));
    let other = token_of(&server.auth, "other", &Scope::ALL, &[]).await;
    call(&server, &other, Method::POST, "/documents", &one).await.expect(201);
    let large = json!({"collection": "docs", "document_id": "7.md", "text": "x ".repeat(600)});
    let refused = call(&server, &other, Method::POST, "/documents", &large).await.expect(429);
    assert!(refused["detail"].as_str().unwrap().contains("at once"), "{refused}");
    assert!(server.metric("quota_refusals_total{by=\"tenant\",what=\"documents\"}").await >= Some(1.0));
    server.stop().await;
}

#[tokio::test]
async fn a_tenant_that_has_something_cannot_be_founded() {
    let server = Running::start_with(|settings| settings.auth.registration = RegistrationMode::Open).await;
    server.store("docs", "a.md", "What one tenant has, though it has no users.").await;
    let found = async |tenant: &str| {
        let body = json!({"tenant": tenant, "email": "eve@example.com", "password": PASSWORD});
        server.send(server.anonymous(Method::POST, "/auth/register").json(&body)).await
    };
    assert_eq!(found(TENANT).await.status, 409);
    assert_eq!(found("shared").await.status, 409);
    assert_eq!(found("new").await.expect(201)["role"], "administrator");
    assert_eq!(found("new").await.status, 409);
    server.stop().await;
}

#[tokio::test]
async fn a_caller_over_its_limit_leaves_its_tenant_what_is_its() {
    let server = Running::start_with(|settings| {
        settings.quotas.caller.requests_per_s = 20;
        settings.quotas.tenant.requests_per_s = 60;
    })
    .await;
    let (one, other) = (
        token_of(&server.auth, "busy", &Scope::ALL, &[]).await,
        token_of(&server.auth, "busy", &Scope::ALL, &[]).await,
    );
    let mut refused = None;
    for _ in 0..400 {
        let reply = call(&server, &one, Method::GET, "/collections", &json!(null)).await;
        refused = refused.or((reply.status == 429).then_some(reply));
    }
    let refused = refused.expect("four hundred requests at once are too many");
    assert!(refused.json()["detail"].as_str().unwrap().contains("the caller's limit"), "{}", refused.text);
    assert_eq!(call(&server, &other, Method::GET, "/collections", &json!(null)).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn strangers_send_short_bodies() {
    let server = Running::start().await;
    let long = json!({"tenant": TENANT, "email": "x".repeat(70_000), "password": PASSWORD});
    for path in ["/auth/login", "/auth/register", "/auth/refresh"] {
        let reply = server.send(server.anonymous(Method::POST, path).json(&long)).await;
        assert_eq!(reply.expect(413)["type"], "urn:coditect:problem:body-too-large", "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn registration_tells_strangers_nothing_of_tenants() {
    let server = Running::start().await;
    server.store("docs", "a.md", "What a tenant has.").await;
    let told = async |tenant: &str| {
        let body = json!({"tenant": tenant, "email": "eve@example.com", "password": PASSWORD});
        let reply = server.send(server.anonymous(Method::POST, "/auth/register").json(&body)).await;
        (reply.status, reply.json()["detail"].clone())
    };
    assert_eq!(told(TENANT).await, told("nobody").await);
    server.stop().await;
}
