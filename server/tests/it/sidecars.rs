//! Sidecars without the store: they ask the server about sessions, with a token of their pod, by HTTP and HTTPS.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser as _;
use coditect_auth::{Acting, Credentials, NewUser, Origin, Pod, Role, Scope, SessionDetails, WorkspaceId};
use coditect_store::Clock;
use coditect_websocket::lookup::{Gateway, GatewayOptions};
use coditect_websocket::{Sidecar, Source};
use futures::SinkExt as _;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::gateway::{Cli, Socket, closed, text, workspace};
use crate::harness::{PATIENCE, Running, TENANT, tenant, token_of};

const PASSWORD: &str = "correct horse battery";

/// A server, a user who is logged in, and the sidecar of her workspace, which has a token of its pod alone.
struct Scene {
    server: Running,
    pod: Pod,
    token: String,
    pod_token: String,
    sidecar: SocketAddr,
    files: TempDir,
    _stop: DropGuard,
}

async fn login(server: &Running) -> (String, Acting) {
    let credentials =
        Credentials { tenant: tenant(TENANT), email: "ada@example.com".into(), password: PASSWORD.into() };
    let origin = Origin { address: None, request_id: "test".into() };
    let granted = server.auth.login(&credentials, &SessionDetails::default(), &origin).await.unwrap();
    let token = granted.token.expose_secret().to_owned();
    let caller = server.auth.authenticate(&token).await.unwrap();
    (token, server.auth.acting(caller, "test"))
}

impl Scene {
    async fn new() -> Self {
        let server = Running::start().await;
        let url = server.url.clone();
        Self::beside(server, &url, None).await
    }

    /// With a server that is asked at `url`, and signed by an authority in `ca`.
    async fn beside(server: Running, url: &str, ca: Option<&Path>) -> Self {
        let new = NewUser { email: "ada@example.com".into(), password: PASSWORD.into(), name: String::new() };
        let user = server.auth.operator(&tenant(TENANT)).create_user(&new, Role::Member).await.unwrap().user_id;
        let (token, _) = login(&server).await;
        let pod = Pod { tenant: tenant(TENANT), workspace: WorkspaceId::new("ws-7").unwrap(), user };
        let pod_token = server.auth.give_pod_token(&pod).await.unwrap().expose_secret().to_owned();
        let files = tempfile::tempdir().unwrap();
        let token_file = files.path().join("token");
        std::fs::write(&token_file, format!("{pod_token}\n")).unwrap();
        let options = GatewayOptions { url: url.parse().unwrap(), token_file, ca_file: ca.map(Path::to_owned) };
        let gateway = Gateway::new(options).unwrap();
        let upstream = format!("http://{}", workspace().await);
        let mut settings =
            Cli::parse_from(["ws", "--workspace=ws-7", "--upstream", &upstream, "--user", pod.user.as_str()]).settings;
        settings.place.tenant = pod.tenant.clone();
        (settings.listen, settings.ops_listen) = ("127.0.0.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap());
        settings.times.store_grace = Duration::from_secs(2);
        let sidecar = Sidecar::start(settings, Source::Gateway(gateway), Clock::system(), None).await.unwrap();
        let (address, stop) = (sidecar.address(), CancellationToken::new());
        tokio::spawn(sidecar.run(stop.clone().cancelled_owned()));
        Self { server, pod, token, pod_token, sidecar: address, files, _stop: stop.drop_guard() }
    }

    async fn try_connect(&self, url: &str, token: &str) -> tungstenite::Result<Socket> {
        let mut request = format!("ws://{url}").into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        Ok(connect_async(request).await?.0)
    }

    async fn connect(&self) -> Socket {
        let mut socket = self.try_connect(&format!("{}/", self.sidecar), &self.token).await.unwrap();
        assert!(text(&mut socket).await.starts_with('/'));
        socket
    }

    async fn refused(&self, token: &str) -> u16 {
        match self.try_connect(&format!("{}/", self.sidecar), token).await {
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        let request = self.server.anonymous(Method::POST, path).bearer_auth(token).json(body);
        let reply = self.server.send(request).await;
        (reply.status, reply.json())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_the_store_lets_its_user_in_and_is_found_by_the_gateway() {
    let scene = Scene::new().await;
    let mut socket = scene.connect().await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(text(&mut socket).await, "hello");
    assert_eq!(scene.refused("x.y.z").await, 401);
    let other = token_of(&scene.server.auth, TENANT, &Scope::ALL, &[]).await;
    assert_eq!(scene.refused(&other).await, 403);
    let url = scene.server.url.replace("http://", "");
    let through = async {
        loop {
            match scene.try_connect(&format!("{url}/workspaces/ws-7/ws"), &scene.token).await {
                Ok(socket) => return socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let mut through = tokio::time::timeout(PATIENCE, through).await.unwrap();
    assert!(text(&mut through).await.starts_with('/'));
    let (_, acting) = login(&scene.server).await;
    let (connections, _) = acting.connections(None).await.unwrap();
    assert!(connections.len() >= 2 && connections.iter().all(|it| it.user == scene.pod.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_and_an_order_to_close_reach_the_pod_at_once() {
    let scene = Scene::new().await;
    let (mut first, mut second) = (scene.connect().await, scene.connect().await);
    let acting = {
        let caller = scene.server.auth.authenticate(&scene.token).await.unwrap();
        scene.server.auth.acting(caller, "test")
    };
    assert!(acting.session().await.unwrap().websocket_connected);
    let (listed, _) = acting.connections(None).await.unwrap();
    let started = Instant::now();
    acting.close_connection(listed[0].id).await.unwrap();
    assert_eq!(closed(&mut first).await, 4403);
    acting.suspend(acting.caller().session().unwrap()).await.unwrap();
    assert_eq!(closed(&mut second).await, 4401);
    assert!(started.elapsed() < Duration::from_secs(5), "both waits are longer");
    assert_eq!(scene.refused(&scene.token).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_taken_back_lets_nobody_in_and_a_new_one_does_again() {
    let scene = Scene::new().await;
    let mut socket = scene.connect().await;
    scene.server.auth.take_back_pod_tokens(&scene.pod.tenant, &scene.pod.workspace).await.unwrap();
    assert_eq!(scene.refused(&scene.token).await, 503);
    let renewed = scene.server.auth.give_pod_token(&scene.pod).await.unwrap();
    std::fs::write(scene.files.path().join("token"), renewed.expose_secret()).unwrap();
    scene.connect().await;
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(text(&mut socket).await, "still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_connections_go_on_for_a_while_and_are_then_told_to_come_back() {
    let scene = Scene::new().await;
    let mut socket = scene.connect().await;
    let Scene { server, sidecar, token, _stop, .. } = scene;
    server.stop().await;
    socket.send(Message::text("still here")).await.unwrap();
    assert_eq!(text(&mut socket).await, "still here");
    let mut request = format!("ws://{sidecar}/").into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let Err(tungstenite::Error::Http(refused)) = connect_async(request).await else { panic!("somebody got in") };
    assert_eq!(refused.status(), 503);
    assert_eq!(closed(&mut socket).await, 1013);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tokens_of_pods_are_believed_and_each_for_its_own_pod() {
    let scene = Scene::new().await;
    let id = "00000000-0000-7000-8000-000000000001";
    let bodies = [
        ("sign-in", json!({"token": scene.token})),
        ("standing", json!({"session": "s", "is_used": false, "wait_ms": 0})),
        ("orders", json!({"sidecar": id, "seen": null, "wait_ms": 0})),
        ("announce", json!({"id": id, "address": "127.0.0.1:9", "pod_namespace": null, "pod_name": null})),
        ("retire", json!({"sidecar": id})),
        ("disconnected", json!({"connection": id})),
    ];
    let service = scene.server.token.clone();
    for (path, body) in &bodies {
        let path = format!("/sidecar/{path}");
        for token in [scene.token.as_str(), &service, "coditect_pod_AAAA"] {
            assert_eq!(scene.ask(&path, token, body).await.0, 401, "{path}");
        }
        assert_eq!(scene.ask(&path, &scene.pod_token, body).await.0, 200, "{path}");
    }
    let elsewhere = json!({"id": id, "address": "10.0.0.1:4500", "pod_namespace": null, "pod_name": null});
    let (status, problem) = scene.ask("/sidecar/announce", &scene.pod_token, &elsewhere).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/address")));
    assert_eq!(scene.ask("/search", &scene.pod_token, &json!({"query": "x"})).await.0, 401);
    let stranger = Pod { workspace: WorkspaceId::new("ws-8").unwrap(), ..scene.pod.clone() };
    let stranger = Pod { user: coditect_auth::UserId::new("u-8").unwrap(), ..stranger };
    let theirs = scene.server.auth.give_pod_token(&stranger).await.unwrap();
    let (_, answer) = scene.ask("/sidecar/sign-in", theirs.expose_secret(), &bodies[0].1).await;
    assert_eq!(answer, json!({"forbidden": "this workspace is another user's"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_certificates_is_believed_by_its_authority_alone() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let [certificate, key, ca] = ["certificate.pem", "key.pem", "ca.pem"].map(|name| dir.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::write(&ca, other.cert.pem()).unwrap();
    let server = Running::start_with(|settings| {
        settings.tls.certificate = Some(certificate);
        settings.tls.key = Some(key);
    })
    .await;
    let url = format!("https://localhost:{}", server.url.rsplit(':').next().unwrap());
    let scene = Scene::beside(server, &url, Some(&ca)).await;
    assert_eq!(scene.refused(&scene.token).await, 503, "somebody else signed");
    // The file is looked at again: authorities change while a pod runs.
    std::fs::write(&ca, made.cert.pem()).unwrap();
    let mut socket = scene.connect().await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(text(&mut socket).await, "hello");
}
