//! Workspaces over HTTP: their life in a cluster, whose business they are, and a server without a cluster.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coditect_auth::{NewUser, Role};
use coditect_server::settings::{ClusterKind, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cluster::{Kind, Mock};
use crate::harness::{PATIENCE, Reply, Running, TENANT, tenant};

const PASSWORD: &str = "correct horse battery";

/// Settings of a server that keeps a cluster whose API is at `url`.
pub(crate) fn in_cluster(settings: &mut Settings, url: &str) {
    settings.workspaces.cluster = ClusterKind::Kubernetes;
    settings.workspaces.api_url = Some(url.to_owned());
    settings.workspaces.gateway_url = Some("http://coditect-server".into());
    settings.workspaces.recheck_s = 1;
}

async fn server(mock: &Arc<Mock>) -> Running {
    Running::start_with(|settings| in_cluster(settings, &mock.url)).await
}

async fn mock() -> Arc<Mock> {
    Mock::start(Duration::from_millis(10)).await
}

/// Somebody who is logged in.
struct Caller<'a> {
    server: &'a Running,
    token: String,
    user: String,
}

impl<'a> Caller<'a> {
    async fn new(server: &'a Running, tenant_name: &str, name: &str, role: Role) -> Self {
        let email = format!("{name}@example.com");
        let new = NewUser { email: email.clone(), password: PASSWORD.into(), name: String::new() };
        server.auth.operator(&tenant(tenant_name)).create_user(&new, role).await.unwrap();
        let login = json!({"tenant": tenant_name, "email": email, "password": PASSWORD});
        let granted = server.send(server.anonymous(Method::POST, "/auth/login").json(&login)).await.expect(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { server, token: text(&granted["token"]), user: text(&granted["user"]["user_id"]) }
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = self.server.anonymous(method, path).bearer_auth(&self.token);
        self.server.send(if body.is_null() { request } else { request.json(body) }).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &json!(null)).await
    }

    async fn post(&self, path: &str) -> Reply {
        self.send(Method::POST, path, &json!(null)).await
    }

    async fn create(&self, body: &Value) -> Reply {
        self.send(Method::POST, "/workspaces", body).await
    }

    /// Ids of the workspaces of a page, and where the next begins.
    async fn list(&self, query: &str) -> (Vec<String>, Option<String>) {
        let page = self.get(&format!("/workspaces{query}")).await.expect(200);
        (page["workspaces"].as_array().unwrap().iter().map(id).collect(), page["next_cursor"].as_str().map(Into::into))
    }

    async fn until(&self, path: &str, state: &str) -> Value {
        let looking = async {
            loop {
                let found = self.get(path).await.expect(200);
                if found["state"] == state {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain for {state}"))
    }
}

fn id(workspace: &Value) -> String {
    workspace["workspace_id"].as_str().unwrap().to_owned()
}

fn main() -> Value {
    json!({"name": "main"})
}

/// The token that the pod of a workspace has.
fn token_of(mock: &Mock, workspace: &Value) -> String {
    let text = |name: &str| workspace[name].as_str().unwrap().to_owned();
    let secret = mock.get(Kind::Secret, &text("pod_namespace"), &format!("{}-token", text("pod_name"))).unwrap();
    let bytes = STANDARD.decode(secret["data"]["token"].as_str().unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_workspace_is_made_suspended_resumed_and_deleted() {
    let mock = mock().await;
    let server = server(&mock).await;
    let ada = Caller::new(&server, TENANT, "ada", Role::Member).await;
    let made = ada.create(&main()).await.expect(201);
    assert_eq!((&made["state"], &made["wanted"]), (&json!("pending"), &json!("running")));
    let path = format!("/workspaces/{}", id(&made));
    let running = ada.until(&path, "running").await;
    let first = token_of(&mock, &running);
    let pod = server.auth.authenticate_pod(&first).await.unwrap();
    assert_eq!((pod.workspace.to_string(), pod.user.to_string()), (id(&made), ada.user.clone()));
    let suspended = ada.post(&format!("{path}/suspend")).await.expect(202);
    assert_eq!(suspended["wanted"], "suspended");
    ada.until(&path, "suspended").await;
    assert!(server.auth.authenticate_pod(&first).await.is_err(), "a token ends with its pod");
    ada.post(&format!("{path}/resume")).await.expect(202);
    let running = ada.until(&path, "running").await;
    let second = token_of(&mock, &running);
    server.auth.authenticate_pod(&second).await.unwrap();
    let deleted = ada.send(Method::DELETE, &path, &json!(null)).await.expect(202);
    assert_eq!(deleted["wanted"], "terminated");
    let gone = ada.until(&path, "terminated").await;
    assert_eq!((mock.places(), gone.get("message")), (vec![], None));
    assert!(server.auth.authenticate_pod(&second).await.is_err());
    let refused = ada.post(&format!("{path}/resume")).await.expect(409);
    assert_eq!(refused["type"], "urn:coditect:problem:conflict");
    let audit = server.get("/audit?action=workspace").await.expect(200);
    let actions: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["workspace.delete", "workspace.resume", "workspace.suspend", "workspace.create"]);
    let metric = server.metric("workspaces_by_state{state=\"terminated\"}").await;
    assert!(metric.is_some(), "{}", server.metrics().await);
    server.stop().await;
}

#[tokio::test]
async fn users_look_after_their_own_and_administrators_after_all() {
    let mock = mock().await;
    let server = server(&mock).await;
    let ada = Caller::new(&server, TENANT, "ada", Role::Member).await;
    let bob = Caller::new(&server, TENANT, "bob", Role::Member).await;
    let root = Caller::new(&server, TENANT, "root", Role::Administrator).await;
    let eve = Caller::new(&server, "other", "eve", Role::Administrator).await;
    let of_ada = id(&ada.create(&main()).await.expect(201));
    assert_eq!(ada.create(&main()).await.expect(409)["type"], "urn:coditect:problem:conflict");
    let for_bob = json!({"name": "main", "user_id": bob.user});
    assert_eq!(ada.create(&for_bob).await.status, 403);
    let of_bob = root.create(&for_bob).await.expect(201);
    assert_eq!(of_bob["user_id"], json!(bob.user));
    let of_bob = id(&of_bob);
    let of_eve = id(&eve.create(&main()).await.expect(201));
    assert_eq!(ada.list("").await, (vec![of_ada.clone()], None));
    assert_eq!(eve.list("").await, (vec![of_eve.clone()], None));
    let (first, next) = root.list("?limit=1").await;
    assert_eq!(
        (first, root.list(&format!("?cursor={}", next.unwrap())).await),
        (vec![of_ada.clone()], (vec![of_bob.clone()], None))
    );
    for (caller, theirs) in [(&ada, &of_bob), (&bob, &of_ada), (&eve, &of_ada), (&root, &of_eve)] {
        let path = format!("/workspaces/{theirs}");
        let answers = [
            caller.get(&path).await,
            caller.post(&format!("{path}/suspend")).await,
            caller.post(&format!("{path}/resume")).await,
            caller.send(Method::DELETE, &path, &json!(null)).await,
        ];
        for answer in answers {
            assert_eq!(answer.expect(404)["detail"], "there is no such workspace");
        }
    }
    root.post(&format!("/workspaces/{of_ada}/suspend")).await.expect(202);
    root.until(&format!("/workspaces/{of_ada}"), "suspended").await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_made_names_the_field() {
    let server = Running::start_with(|settings| in_cluster(settings, "http://127.0.0.1:9")).await;
    let root = Caller::new(&server, TENANT, "root", Role::Administrator).await;
    let eve = Caller::new(&server, "other", "eve", Role::Member).await;
    let faults = [
        (json!({}), "/name"),
        (json!({"name": " "}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"name": "main", "image": "mine"}), "/image"),
        (json!({"name": "main", "user_id": "../x"}), "/user_id"),
        (json!({"name": "main", "user_id": eve.user}), "/user_id"),
    ];
    for (body, pointer) in faults {
        let refused = root.create(&body).await.expect(400);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
    }
    let by_token = server.post("/workspaces", &main()).await.expect(400);
    assert_eq!(by_token["errors"][0]["pointer"], "/user_id", "a service token has no user");
    assert_eq!(root.get("/workspaces?limit=0").await.expect(400)["errors"][0]["pointer"], "/limit");
    assert_eq!(root.get("/workspaces?cursor=x").await.expect(400)["errors"][0]["pointer"], "/cursor");
    assert_eq!(root.get("/workspaces/a%2Fb").await.expect(400)["errors"][0]["pointer"], "/workspace_id");
    server.stop().await;
}

#[tokio::test]
async fn without_a_cluster_that_is_said() {
    let server = Running::start().await;
    let ada = Caller::new(&server, TENANT, "ada", Role::Member).await;
    for refused in [ada.create(&main()).await, ada.post("/workspaces/w/resume").await] {
        let refused = refused.expect(409);
        assert_eq!(refused["type"], "urn:coditect:problem:no-cluster");
        assert!(refused["detail"].as_str().unwrap().contains("no Kubernetes cluster"), "{refused}");
    }
    assert_eq!(ada.list("").await, (vec![], None));
    assert_eq!(ada.post("/workspaces/w/suspend").await.status, 404);
    server.stop().await;
}

/// One that stops hands over to the next at once; otherwise that would wait until the lease has run out.
#[tokio::test]
async fn a_server_that_starts_again_goes_on_at_once() {
    let mock = mock().await;
    let server = server(&mock).await;
    let ada = Caller::new(&server, TENANT, "ada", Role::Member).await;
    let made = id(&ada.create(&main()).await.expect(201));
    let path = format!("/workspaces/{made}");
    ada.until(&path, "running").await;
    let token = ada.token.clone();
    let (dir, embedder) = server.stop().await;
    let again = Running::start_in(dir, embedder, |settings| {
        in_cluster(settings, &mock.url);
        settings.workspaces.lease_s = 3_600;
    });
    let again = again.await;
    let ada = Caller { server: &again, token, user: String::new() };
    ada.post(&format!("{path}/suspend")).await.expect(202);
    ada.until(&path, "suspended").await;
    again.stop().await;
}
