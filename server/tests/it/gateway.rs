//! Sockets through the gateway: to the caller's own workspace, closed when they should be, and hidden from everybody else.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use coditect_auth::{NewSidecar, NewUser, Pod, Role, Scope, SidecarId, UserId, WorkspaceId};
use coditect_server::settings::Settings;
use coditect_store::Clock;
use coditect_websocket::{Settings as SidecarSettings, Sidecar, Source};
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_hdr_async, connect_async};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::harness::{PATIENCE, Running, TENANT, tenant, token_of};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Parser)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SidecarSettings,
}

/// A workspace that says where it was asked, and then what it is told.
pub(crate) async fn workspace() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut target = String::new();
                #[allow(clippy::result_large_err, reason = "the library wants it so")]
                let look = |request: &tungstenite::handshake::server::Request, response| {
                    let from = request.headers().get("x-forwarded-for").map_or("", |value| value.to_str().unwrap());
                    target = format!("{} from {from}", request.uri());
                    Ok(response)
                };
                let mut socket = accept_hdr_async(stream, look).await.unwrap();
                socket.send(Message::text(target)).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && socket.send(message).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// A server, a user who is logged in, and the sidecar of his workspace.
struct Rig {
    server: Running,
    token: String,
    _sidecar: DropGuard,
}

pub(crate) async fn logged_in(server: &Running, email: &str) -> Value {
    let new = NewUser { email: email.into(), password: "correct horse battery".into(), name: String::new() };
    server.auth.operator(&tenant(TENANT)).create_user(&new, Role::Member).await.unwrap();
    let body = json!({"tenant": TENANT, "email": email, "password": "correct horse battery"});
    server.send(server.anonymous(Method::POST, "/auth/login").json(&body)).await.expect(200)
}

impl Rig {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let server = Running::start_with(change).await;
        let granted = logged_in(&server, "ada@example.com").await;
        let upstream = format!("http://{}", workspace().await);
        let user = granted["user"]["user_id"].as_str().unwrap();
        let flags = [
            "sidecar",
            "--listen=127.0.0.1:0",
            "--ops-listen=127.0.0.1:0",
            "--workspace=ws-7",
            "--proxies=1",
            "--upstream",
            &upstream,
            "--user",
            user,
        ];
        let settings = Cli::parse_from(flags).settings;
        let sidecar =
            Sidecar::start(settings, Source::Store(server.auth.clone()), Clock::system(), None).await.unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(sidecar.run(stop.clone().cancelled_owned()));
        let token = granted["token"].as_str().unwrap().to_owned();
        let rig = Self { server, token, _sidecar: stop.drop_guard() };
        let reachable = async {
            while connect_async(rig.request("/workspaces/ws-7/ws", &rig.token)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reachable).await.unwrap();
        rig
    }

    fn bare(&self, path: &str) -> Request {
        format!("{}{path}", self.server.url.replace("http", "ws")).into_client_request().unwrap()
    }

    fn request(&self, path: &str, token: &str) -> Request {
        let mut request = self.bare(path);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    }

    async fn connect(&self) -> Socket {
        let (mut socket, _) = connect_async(self.request("/workspaces/ws-7/ws", &self.token)).await.unwrap();
        assert_eq!(text(&mut socket).await, "/ from 127.0.0.1, 127.0.0.1");
        socket
    }

    async fn refused(&self, request: Request) -> u16 {
        match connect_async(request).await {
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }
}

/// A sidecar that takes connections, and leaves it to the test what it answers.
async fn strange_sidecar(server: &Running, granted: &Value, workspace: &str) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let workspace = WorkspaceId::new(workspace).unwrap();
    let user = UserId::new(granted["user"]["user_id"].as_str().unwrap()).unwrap();
    let sidecar = NewSidecar {
        id: SidecarId::made(&Clock::system()),
        address: listener.local_addr().unwrap().to_string(),
        pod_namespace: None,
        pod_name: None,
    };
    let pod = Pod { tenant: tenant(TENANT), workspace, user };
    server.auth.pod_access(pod).announce(&sidecar).await.unwrap();
    listener
}

/// Reads a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

pub(crate) async fn text(socket: &mut Socket) -> String {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    message.into_text().unwrap().to_string()
}

pub(crate) async fn closed(socket: &mut Socket) -> u16 {
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_socket_leads_to_the_callers_workspace() {
    let rig = Rig::new().await;
    let mut socket = rig.connect().await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(text(&mut socket).await, "hello");
    let mut request = rig.request("/workspaces/ws-7/ws/services/terminal?id=5", &rig.token);
    request.headers_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
    let mut below = connect_async(request).await.unwrap().0;
    assert_eq!(text(&mut below).await, "/services/terminal?id=5 from 127.0.0.1, 127.0.0.1");
    let encoded = rig.request("/workspaces/ws-7/ws/a%2Fb/%3Fc%20d?e=%2F", &rig.token);
    let mut encoded = connect_async(encoded).await.unwrap().0;
    assert_eq!(text(&mut encoded).await, "/a%2Fb/%3Fc%20d?e=%2F from 127.0.0.1, 127.0.0.1");
    let mut by_protocol = rig.bare("/workspaces/ws-7/ws");
    by_protocol.headers_mut().insert("sec-websocket-protocol", format!("bearer, {}", rig.token).parse().unwrap());
    let (mut socket, response) = connect_async(by_protocol).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "bearer");
    assert!(text(&mut socket).await.starts_with('/'));
    let mut resumable = rig.request("/workspaces/ws-7/ws", &rig.token);
    resumable.headers_mut().insert("sec-websocket-protocol", "coditect.resume.v1".parse().unwrap());
    let (mut socket, _) = connect_async(resumable).await.unwrap();
    socket.send(Message::text(r#"{"type":"open"}"#)).await.unwrap();
    assert!(text(&mut socket).await.contains(r#""type":"ready""#));
}

#[tokio::test]
async fn nobody_else_gets_in_and_all_hear_the_same() {
    let rig = Rig::new().await;
    let bob = logged_in(&rig.server, "bob@example.com").await;
    let bob = bob["token"].as_str().unwrap();
    let service = token_of(&rig.server.auth, TENANT, &Scope::ALL, &[]).await;
    let elsewhere = token_of(&rig.server.auth, "other", &Scope::ALL, &[]).await;
    for (token, status) in [(bob, 404), (&service, 403), (&elsewhere, 403)] {
        assert_eq!(rig.refused(rig.request("/workspaces/ws-7/ws", token)).await, status);
        assert_eq!(rig.refused(rig.request("/workspaces/nothing/ws", token)).await, status);
    }
    assert_eq!(rig.refused(rig.request("/workspaces/ws-7/ws", "x.y.z")).await, 401);
    assert_eq!(rig.refused(rig.bare("/workspaces/ws-7/ws")).await, 401);
    let mut cookie = rig.bare("/workspaces/ws-7/ws");
    cookie.headers_mut().insert("cookie", format!("coditect_token={}", rig.token).parse().unwrap());
    assert_eq!(rig.refused(cookie).await, 403);
    for (token, code) in [("x.y.z", 4401), (bob, 4404)] {
        let mut page = rig.bare("/workspaces/ws-7/ws");
        page.headers_mut().insert("sec-websocket-protocol", format!("bearer, {token}").parse().unwrap());
        assert_eq!(closed(&mut connect_async(page).await.unwrap().0).await, code);
    }
}

#[tokio::test]
async fn a_handshake_that_waits_takes_no_place_from_the_api() {
    let server = Running::start_with(|settings| settings.limits.read_concurrency = 1).await;
    let granted = logged_in(&server, "ada@example.com").await;
    let sidecar = strange_sidecar(&server, &granted, "ws-1").await;
    let asked = server.anonymous(Method::GET, "/workspaces/ws-1/ws").bearer_auth(granted["token"].as_str().unwrap());
    let asked = asked.header("connection", "upgrade").header("upgrade", "websocket");
    let asking = tokio::spawn(asked.send());
    let _waiting = sidecar.accept().await.unwrap();
    assert_eq!(server.get("/collections").await.status, 200);
    asking.abort();
    server.stop().await;
}

#[tokio::test]
async fn a_user_has_so_many_sockets_and_no_more() {
    let rig = Rig::with(|settings| settings.gateway.sockets_per_user = 1).await;
    let placed = async || {
        // The socket that looked whether the sidecar is there ends in its own time.
        loop {
            match connect_async(rig.request("/workspaces/ws-7/ws", &rig.token)).await {
                Ok((socket, _)) => return socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let first = tokio::time::timeout(PATIENCE, placed()).await.unwrap();
    assert_eq!(rig.refused(rig.request("/workspaces/ws-7/ws", &rig.token)).await, 429);
    let mut page = rig.bare("/workspaces/ws-7/ws");
    page.headers_mut().insert("sec-websocket-protocol", format!("bearer, {}", rig.token).parse().unwrap());
    assert_eq!(closed(&mut connect_async(page).await.unwrap().0).await, 1013);
    let bob = logged_in(&rig.server, "bob@example.com").await;
    let strange = strange_sidecar(&rig.server, &bob, "ws-8").await;
    let others = rig.request("/workspaces/ws-8/ws", bob["token"].as_str().unwrap());
    let others = tokio::spawn(connect_async(others));
    strange.accept().await.expect("it is led to his workspace");
    others.abort();
    drop(first);
    tokio::time::timeout(PATIENCE, placed()).await.expect("its place is free again");
}

#[tokio::test]
async fn what_is_no_socket_does_not_reach_the_workspace() {
    let server = Running::start().await;
    let granted = logged_in(&server, "ada@example.com").await;
    let _never_asked = strange_sidecar(&server, &granted, "ws-1").await;
    let token = granted["token"].as_str().unwrap();
    for path in ["/workspaces/ws-1/ws", "/workspaces/ws-1/ws/page"] {
        let plain = server.anonymous(Method::GET, path).bearer_auth(token);
        let reply = tokio::time::timeout(PATIENCE, server.send(plain)).await.unwrap();
        assert_eq!((reply.status, reply.header("upgrade")), (426, "websocket"), "{path}");
        assert_eq!(reply.json()["type"], "urn:coditect:problem:upgrade-required");
    }
    server.stop().await;
}

#[tokio::test]
async fn of_an_answer_that_is_no_socket_only_what_it_says_comes_through() {
    let server = Running::start().await;
    let granted = logged_in(&server, "ada@example.com").await;
    let sidecar = strange_sidecar(&server, &granted, "ws-1").await;
    let answer = async |fields: &str, body: &str| {
        let token = granted["token"].as_str().unwrap();
        let asked = server.anonymous(Method::GET, "/workspaces/ws-1/ws").bearer_auth(token);
        let asked = asked.header("connection", "upgrade").header("upgrade", "websocket");
        let answered = async {
            let (mut stream, _) = sidecar.accept().await.unwrap();
            head(&mut stream).await;
            let answer = format!("HTTP/1.1 {fields}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            // The gateway need not wait for all of it.
            let _ = stream.write_all(answer.as_bytes()).await;
        };
        tokio::join!(server.send(asked), answered).0
    };
    let fields = "503 Later\r\ncontent-type: text/plain\r\nretry-after: 7\r\nset-cookie: a=b\r\n\
                  access-control-allow-origin: *\r\nclear-site-data: *";
    let reply = answer(fields, "not yet").await;
    assert_eq!((reply.status, reply.text.as_str()), (503, "not yet"));
    assert_eq!((reply.header("content-type"), reply.header("retry-after")), ("text/plain", "7"));
    for name in ["set-cookie", "access-control-allow-origin", "clear-site-data"] {
        assert_eq!(reply.header(name), "", "{name}");
    }
    let long = answer("200 Fine\r\ncontent-type: text/html", &"x".repeat(1 << 20)).await;
    assert_eq!((long.status, long.json()["type"].clone()), (503, json!("urn:coditect:problem:workspace-unavailable")));
    server.stop().await;
}

#[tokio::test]
async fn a_socket_brings_no_headers_but_its_own() {
    let server = Running::start().await;
    let granted = logged_in(&server, "ada@example.com").await;
    let sidecar = strange_sidecar(&server, &granted, "ws-1").await;
    let token = granted["token"].as_str().unwrap();
    let asked = server.anonymous(Method::GET, "/workspaces/ws-1/ws").bearer_auth(token);
    let asked = asked.header("connection", "upgrade").header("upgrade", "websocket");
    let answered = async {
        let (mut stream, _) = sidecar.accept().await.unwrap();
        head(&mut stream).await;
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-protocol: bearer\r\nset-cookie: a=b\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream
    };
    let (reply, _open) = tokio::join!(asked.send(), answered);
    let reply = reply.unwrap();
    assert_eq!(reply.status(), 101);
    assert_eq!(reply.headers()["upgrade"], "websocket");
    assert_eq!(reply.headers()["sec-websocket-protocol"], "bearer");
    assert!(!reply.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn connections_are_listed_and_closed_by_those_who_may() {
    let rig = Rig::new().await;
    let server = &rig.server;
    let mut socket = rig.connect().await;
    let list = async |token: &str| {
        let reply = server.send(server.anonymous(Method::GET, "/connections").bearer_auth(token)).await.expect(200);
        reply["connections"].as_array().unwrap().clone()
    };
    let mut own = Vec::new();
    let listed = async {
        // The sockets that looked whether it is there end in their own time.
        while own.len() != 1 {
            own = list(&rig.token).await;
        }
    };
    tokio::time::timeout(PATIENCE, listed).await.unwrap();
    assert_eq!(own[0]["workspace_id"], "ws-7");
    assert_eq!(own[0]["resumable"], false);
    assert_eq!(own[0]["client"], "127.0.0.1", "where the gateway saw it");
    let id = own[0]["connection_id"].as_str().unwrap();
    let bob = logged_in(server, "bob@example.com").await;
    let bob = bob["token"].as_str().unwrap();
    assert!(list(bob).await.is_empty());
    let close = async |token: &str| {
        let path = format!("/connections/{id}");
        server.send(server.anonymous(Method::DELETE, &path).bearer_auth(token)).await.status
    };
    assert_eq!(close(bob).await, 404);
    assert_eq!(list(&server.token).await.len(), 1, "an administrator sees all");
    assert_eq!(close(&server.token).await, 202);
    assert_eq!(closed(&mut socket).await, 4403);
}

#[tokio::test]
async fn a_socket_ends_with_its_session() {
    let rig = Rig::new().await;
    let mut socket = rig.connect().await;
    let logout = rig.server.anonymous(Method::POST, "/auth/logout").bearer_auth(&rig.token);
    rig.server.send(logout).await.expect(200);
    assert_eq!(closed(&mut socket).await, 4401);
}

#[tokio::test]
async fn a_gateway_that_stops_lets_go_of_sockets() {
    let rig = Rig::new().await;
    let mut socket = rig.connect().await;
    let Rig { server, _sidecar, .. } = rig;
    let ended = tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    server.stop().await;
    tokio::time::timeout(PATIENCE, ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_workspace_beside_the_server_needs_no_other_process() {
    let server = Running::start().await;
    let granted = logged_in(&server, "ada@example.com").await;
    let user = granted["user"]["user_id"].as_str().unwrap().to_owned();
    let token = granted["token"].as_str().unwrap().to_owned();
    let (dir, embedder) = server.stop().await;
    let upstream = format!("http://{}", workspace().await);
    let server = Running::start_in(dir, embedder, |settings| {
        settings.sidecar.workspace = Some("ws-9".into());
        settings.sidecar.user = Some(user);
        settings.sidecar.upstream = upstream;
        settings.gateway.cookie = "key".into();
    })
    .await;
    let rig = Rig { server, token, _sidecar: CancellationToken::new().drop_guard() };
    let connecting = async {
        loop {
            match connect_async(rig.request("/workspaces/ws-9/ws", &rig.token)).await {
                Ok((socket, _)) => return socket,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let mut socket = tokio::time::timeout(PATIENCE, connecting).await.unwrap();
    assert!(text(&mut socket).await.starts_with("/ from"));
    let mut page = rig.bare("/workspaces/ws-9/ws");
    page.headers_mut().insert("cookie", format!("key={}", rig.token).parse().unwrap());
    page.headers_mut().insert("origin", rig.server.url.parse().unwrap());
    let mut page = connect_async(page).await.unwrap().0;
    assert!(text(&mut page).await.starts_with("/ from"), "both know the cookie by its name");
    let told = tokio::spawn(async move { closed(&mut socket).await });
    let Rig { server, .. } = rig;
    server.stop().await;
    assert_eq!(told.await.unwrap(), 1012, "it is told to come back");
}
