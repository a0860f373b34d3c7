//! Tenants do not see each other: every route, asked by one tenant for what another has, answers as it does for what does not exist, and nothing of the
//! other's is in any answer.

use coditect_auth::{ConnectionId, NewConnection, NewSidecar, NewUser, Pod, Role, Scope, SidecarId, WorkspaceId};
use coditect_store::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Running, TENANT, tenant, token_of};
use crate::workspaces::in_cluster;

/// Stands in everything that the other tenant has, and in nothing else.
const MARK: &str = "zqxmark";
const OTHER: &str = "other";

/// What the other tenant has, by what stands for it in routes, and its version.
struct Theirs {
    collection: String,
    document: String,
    user: String,
    session: String,
    token: String,
    invitation: String,
    workspace: String,
    connection: String,
    cursor: String,
    version: String,
}

/// The same for what nobody has: as long, and of the same form.
fn nobodys(theirs: &Theirs) -> Theirs {
    let uuid = "0198f3a1-6f0e-7c3c-9a53-7d6a7b7c1d2e".to_owned();
    Theirs {
        collection: theirs.collection.replace(MARK, "nothing"),
        document: theirs.document.replace(MARK, "nothing"),
        user: uuid.clone(),
        session: uuid.clone(),
        token: uuid.clone(),
        invitation: uuid.clone(),
        workspace: uuid.clone(),
        connection: uuid,
        cursor: theirs.cursor.clone(),
        version: theirs.version.clone(),
    }
}

/// A live connection of the other tenant's.
async fn connect(server: &Running, jwt: &str, workspace: &str) -> String {
    let (auth, clock) = (&server.auth, Clock::system());
    let caller = auth.authenticate(jwt).await.unwrap();
    let (user, session) = (caller.user().unwrap().clone(), caller.session().unwrap().clone());
    let workspace = WorkspaceId::new(workspace).unwrap();
    let access = auth.pod_access(Pod { tenant: tenant(OTHER), workspace, user });
    let sidecar = NewSidecar {
        id: SidecarId::made(&clock),
        address: "127.0.0.1:9".into(),
        pod_namespace: Some(MARK.into()),
        pod_name: Some(MARK.into()),
    };
    access.announce(&sidecar).await.unwrap();
    let (id, opened_at) = (ConnectionId::made(&clock), clock.now());
    let connection = NewConnection { id, session, client: MARK.into(), resumable: false, opened_at };
    access.connected(&sidecar, &connection).await.unwrap();
    connection.id.to_string()
}

async fn furnish(server: &Running) -> (Theirs, String) {
    let operator = server.auth.operator(&tenant(OTHER));
    let new =
        NewUser { email: format!("{MARK}@example.com"), password: "correct horse battery".into(), name: MARK.into() };
    operator.create_user(&new, Role::Administrator).await.unwrap();
    let login =
        json!({"tenant": OTHER, "email": new.email, "password": "correct horse battery", "metadata": {"of": MARK}});
    let granted = server.send(server.anonymous(Method::POST, "/auth/login").json(&login)).await.expect(200);
    let jwt = granted["token"].as_str().unwrap().to_owned();
    let post = async |path: &str, body: Value| {
        server.send(server.anonymous(Method::POST, path).bearer_auth(&jwt).json(&body)).await.json()
    };
    let (collection, document) = (format!("{MARK}-docs"), format!("{MARK}.md"));
    let mut version = json!(null);
    for (collection, id) in
        [(collection.as_str(), document.as_str()), (&collection, "b.md"), ("docs", "a.md"), ("docs", MARK)]
    {
        let text = format!("The {MARK} of the other tenant, in {collection}, {id}.");
        let body = json!({"collection": collection, "document_id": id, "text": text, "title": MARK, "metadata": {"mark": MARK}});
        version = post("/documents", body).await["version"].clone();
    }
    let token = post("/auth/tokens", json!({"name": MARK, "scopes": ["kb:read"]})).await;
    let invitation = post("/auth/invitations", json!({"email": format!("{MARK}2@example.com")})).await;
    let listing =
        server.anonymous(Method::GET, &format!("/documents?collection={collection}&limit=1")).bearer_auth(&jwt);
    let cursor = server.send(listing).await.expect(200)["next_cursor"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let workspace = text(&post("/workspaces", json!({"name": MARK})).await["workspace_id"]);
    let connection = connect(server, &jwt, &workspace).await;
    let theirs = Theirs {
        collection,
        document,
        user: text(&granted["user"]["user_id"]),
        session: text(&granted["session"]["session_id"]),
        token: text(&token["service_token"]["token_id"]),
        invitation: text(&invitation["invitation"]["invitation_id"]),
        workspace,
        connection,
        cursor: text(&cursor),
        version: text(&version),
    };
    (theirs, jwt)
}

/// Ways to write a name that could lead elsewhere.
fn spellings(name: &str) -> Vec<String> {
    let plain = [
        name.to_owned(),
        format!("{OTHER}/{name}"),
        format!("../{OTHER}/{name}"),
        format!("..%2F{OTHER}%2F{name}"),
        format!("%2e%2e/{OTHER}/{name}"),
        format!("{OTHER}%2F{name}"),
        format!("{OTHER}:{name}"),
        format!("{OTHER}%00{name}"),
        format!("shared:{name}"),
        format!("shared:..%2F{OTHER}%2F{name}"),
        format!("{name}%00"),
        format!("{name}%2F"),
        format!("%20{name}"),
        format!("{name}?tenant={OTHER}"),
        format!("{name}%3Ftenant={OTHER}"),
        name.to_uppercase(),
    ];
    plain.into()
}

type Ask = (Method, String, Value);

/// Requests that reach for what is named.
fn requests(named: &Theirs) -> Vec<Ask> {
    [of_documents(named), of_searches(named), of_accounts(named)].concat()
}

fn of_documents(named: &Theirs) -> Vec<Ask> {
    let mut all = Vec::new();
    let mut add = |method: Method, path: String, body: Value| all.push((method, path, body));
    for collection in spellings(&named.collection) {
        for method in [Method::GET, Method::DELETE] {
            add(method, format!("/collections/{collection}"), json!(null));
        }
        add(Method::PATCH, format!("/collections/{collection}"), json!({"description": "mine"}));
        add(Method::GET, format!("/documents?collection={collection}"), json!(null));
        add(Method::GET, format!("/documents?collection={collection}&state=failed"), json!(null));
        add(Method::GET, format!("/documents?collection={collection}&cursor={}", named.cursor), json!(null));
        add(Method::GET, format!("/search?q=tenant&collection={collection}"), json!(null));
        for method in [Method::GET, Method::DELETE] {
            add(method, format!("/documents/{collection}/{}", named.document), json!(null));
        }
    }
    for document in spellings(&named.document) {
        add(Method::GET, format!("/documents/docs/{document}"), json!(null));
        add(Method::GET, format!("/documents/docs/{document}?min_version={}", named.version), json!(null));
        add(Method::DELETE, format!("/documents/docs/{document}"), json!(null));
        add(Method::GET, format!("/documents?collection=docs&prefix={document}"), json!(null));
    }
    all
}

fn of_searches(named: &Theirs) -> Vec<Ask> {
    let mut all = Vec::new();
    let mut add = |method: Method, path: String, body: Value| all.push((method, path, body));
    let collections = [
        json!([named.collection]),
        json!([format!("{OTHER}/{}", named.collection)]),
        json!([format!("shared:{}", named.collection)]),
        json!([{"tenant": OTHER, "name": named.collection}]),
        json!(["docs", named.collection]),
    ];
    for collections in collections {
        for mode in ["keyword", "hybrid"] {
            add(Method::POST, "/search".into(), json!({"query": "tenant", "mode": mode, "collections": collections}));
        }
        add(Method::POST, "/context".into(), json!({"query": "tenant", "collections": collections}));
    }
    for filter in [
        json!({"mark": MARK}),
        json!({"tenant": OTHER}),
        json!({"title": MARK}),
        json!({"or": [{"mark": MARK}, {"title": MARK}]}),
    ] {
        add(Method::POST, "/search".into(), json!({"query": "tenant", "mode": "keyword", "filter": filter}));
    }
    add(Method::POST, "/search".into(), json!({"query": "tenant", "tenant": OTHER}));
    add(Method::POST, "/search".into(), json!({"query": "tenant", "tenantId": OTHER}));
    add(Method::POST, "/documents".into(), json!({"tenant": OTHER, "collection": named.collection, "text": "x"}));
    all
}

fn of_accounts(named: &Theirs) -> Vec<Ask> {
    let mut all = Vec::new();
    let mut add = |method: Method, path: String, body: Value| all.push((method, path, body));
    for session in spellings(&named.session) {
        add(Method::DELETE, format!("/auth/sessions/{session}"), json!(null));
        add(Method::POST, format!("/auth/sessions/{session}/suspend"), json!(null));
        add(Method::POST, format!("/auth/sessions/{session}/resume"), json!(null));
    }
    for user in spellings(&named.user) {
        add(Method::PATCH, format!("/auth/users/{user}"), json!({"disabled": true}));
        add(Method::GET, format!("/auth/sessions?user_id={user}"), json!(null));
    }
    for token in spellings(&named.token) {
        add(Method::DELETE, format!("/auth/tokens/{token}"), json!(null));
    }
    for invitation in spellings(&named.invitation) {
        add(Method::DELETE, format!("/auth/invitations/{invitation}"), json!(null));
    }
    for connection in spellings(&named.connection) {
        add(Method::DELETE, format!("/connections/{connection}"), json!(null));
    }
    for workspace in spellings(&named.workspace) {
        for method in [Method::GET, Method::DELETE] {
            add(method, format!("/workspaces/{workspace}"), json!(null));
        }
        add(Method::POST, format!("/workspaces/{workspace}/suspend"), json!(null));
        add(Method::POST, format!("/workspaces/{workspace}/resume"), json!(null));
        add(Method::GET, format!("/workspaces/{workspace}/ws"), json!(null));
        add(Method::GET, format!("/workspaces/{workspace}/ws/below"), json!(null));
    }
    add(Method::POST, "/workspaces".into(), json!({"name": "main", "user_id": named.user}));
    for listing in [
        "/connections",
        "/workspaces",
        "/collections",
        "/collections?shared=true",
        "/documents?collection=docs",
        "/auth/users",
        "/auth/tokens",
        "/auth/invitations",
        "/auth/sessions",
        "/audit",
    ] {
        let separator = if listing.contains('?') { '&' } else { '?' };
        add(Method::GET, format!("{listing}{separator}limit=1000"), json!(null));
        add(Method::GET, format!("{listing}{separator}cursor={}", named.cursor), json!(null));
        add(Method::GET, format!("{listing}{separator}tenant={OTHER}"), json!(null));
    }
    all
}

/// What an answer says, whatever the names in it.
fn said(named: &Theirs, status: u16, text: &str) -> String {
    let mut body: Value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    if let Some(body) = body.as_object_mut() {
        for changing in ["request_id", "took_ms", "version"] {
            body.remove(changing);
        }
    }
    let mut text = format!("{status} {body}");
    for (name, stand_in) in [
        (&named.collection, "COLLECTION"),
        (&named.document, "DOCUMENT"),
        (&named.user, "ID"),
        (&named.session, "ID"),
        (&named.token, "ID"),
        (&named.invitation, "ID"),
        (&named.connection, "ID"),
        (&named.workspace, "ID"),
    ] {
        text = text.replace(name.as_str(), stand_in).replace(&name.to_uppercase(), stand_in);
    }
    text
}

#[tokio::test]
async fn what_another_tenant_has_is_as_if_it_did_not_exist() {
    // Nothing answers there: what is wished is written down all the same.
    let server = Running::start_with(|settings| in_cluster(settings, "http://127.0.0.1:9")).await;
    server.store("docs", "a.md", "What one tenant has of its own.").await;
    let (theirs, their_jwt) = furnish(&server).await;
    let nothing = nobodys(&theirs);
    let admin =
        NewUser { email: "ada@example.com".into(), password: "correct horse battery".into(), name: String::new() };
    server.auth.operator(&tenant(TENANT)).create_user(&admin, Role::Administrator).await.unwrap();
    let login = json!({"tenant": TENANT, "email": "ada@example.com", "password": "correct horse battery"});
    let granted = server.send(server.anonymous(Method::POST, "/auth/login").json(&login)).await.expect(200);
    let confined = token_of(&server.auth, TENANT, &[Scope::KbRead, Scope::KbWrite], &["docs"]).await;
    let mut count = 0;
    for token in [granted["token"].as_str().unwrap(), &server.token, &confined] {
        for ((method, path, body), (_, other_path, other_body)) in requests(&theirs).into_iter().zip(requests(&nothing))
        {
            let ask = async |path: &str, body: &Value, named: &Theirs| {
                let request = server.anonymous(method.clone(), path).bearer_auth(token);
                let reply = server.send(if body.is_null() { request } else { request.json(body) }).await;
                assert!(reply.status < 500, "{method} {path} {body}: {}", reply.text);
                (said(named, reply.status, &reply.text), reply.text)
            };
            let (theirs, text) = ask(&path, &body, &theirs).await;
            let (nobodys, _) = ask(&other_path, &other_body, &nothing).await;
            // A cursor fits the name that it was given out with; that it does says nothing of what is there. The audit log has this very test in it.
            if !path.contains("cursor=") && !path.starts_with("/audit") {
                assert_eq!(theirs, nobodys, "{method} {path} {body}");
            }
            let told = text.replace(&path, "").to_lowercase();
            let asked = format!("{path} {body}").to_lowercase();
            let is_told =
                told.contains(&format!("{MARK} of the other")) || (told.contains(MARK) && !asked.contains(MARK));
            assert!(!is_told, "{method} {path} {body}: {text}");
            count += 1;
        }
    }
    assert!(count > 900, "{count}");
    // Nothing of theirs was touched on the way.
    for path in ["/auth/session", "/auth/me"] {
        server.send(server.anonymous(Method::GET, path).bearer_auth(&their_jwt)).await.expect(200);
    }
    let read = server.anonymous(Method::GET, &format!("/documents/{}/{}", theirs.collection, theirs.document));
    let read = server.send(read.bearer_auth(&their_jwt)).await.expect(200);
    assert!(read["text"].as_str().unwrap().contains(MARK));
    let path = format!("/workspaces/{}", theirs.workspace);
    let workspace = server.send(server.anonymous(Method::GET, &path).bearer_auth(&their_jwt)).await.expect(200);
    assert_eq!(workspace["wanted"], "running");
    let listed = server.send(server.anonymous(Method::GET, "/auth/tokens").bearer_auth(&their_jwt)).await.expect(200);
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    let audit = server.send(server.anonymous(Method::GET, "/audit").bearer_auth(&their_jwt)).await.expect(200);
    let theirs_alone = audit["entries"].as_array().unwrap().iter().all(|entry| !entry.to_string().contains("ada@"));
    assert!(theirs_alone);
    server.stop().await;
}
