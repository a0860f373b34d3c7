//! Who gets in, and how the others are told.

use coditect_auth::Role;
use secrecy::ExposeSecret as _;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Rig, Socket, login, user};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_in_the_header_as_a_subprotocol_in_the_cookie_or_with_the_first_message() {
    let rig = Rig::new().await;
    let mut by_protocol = rig.request("/");
    let offer = format!("bearer, {}, echo.v1", rig.token());
    by_protocol.headers_mut().insert("sec-websocket-protocol", offer.parse().unwrap());
    let mut by_cookie = rig.request("/");
    by_cookie.headers_mut().insert("cookie", format!("a=b; coditect_token={}", rig.token()).parse().unwrap());
    by_cookie.headers_mut().insert("origin", format!("http://{}", rig.address).parse().unwrap());
    for request in [rig.signed("/"), by_protocol, by_cookie] {
        let mut socket = Socket::open(request).await.unwrap();
        socket.say("hello").await;
        assert_eq!(socket.text().await, "hello");
    }
    let mut socket = Socket::open(rig.request("/")).await.unwrap();
    socket.say(&format!(r#"{{"type":"authenticate","token":"{}"}}"#, rig.token())).await;
    assert_eq!(socket.text().await, r#"{"type":"authenticated"}"#);
    socket.say("hello").await;
    assert_eq!(socket.text().await, "hello");
    let seen = format!("{:?}", rig.workspace.seen());
    assert!(!seen.contains(&rig.token()), "the workspace saw a token: {seen}");
    assert!(seen.contains("a=b"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_subprotocol_is_the_workspaces_choice_and_bearer_without_one() {
    let rig = Rig::new().await;
    for (others, chosen) in [("", "bearer"), (", other", "bearer"), (", other, echo.v2, echo.v1", "echo.v2")] {
        let mut request = rig.request("/");
        let offer = format!("bearer, {}{others}", rig.token());
        request.headers_mut().insert("sec-websocket-protocol", offer.parse().unwrap());
        let socket = Socket::open(request).await.unwrap();
        assert_eq!(socket.response.headers()["sec-websocket-protocol"], chosen);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_nobody_reaches_nothing() {
    let rig = Rig::new().await;
    user(&rig.auth, "acme", "bob@example.com", Role::Administrator).await;
    let bob = login(&rig.auth, "acme", "bob@example.com").await;
    user(&rig.auth, "other", "ada@example.com", Role::Member).await;
    let other = login(&rig.auth, "other", "ada@example.com").await;
    let (bob, other) = (bob.token.expose_secret(), other.token.expose_secret());
    for (token, status, code) in [("x.y.z", 401, 4401), (bob, 403, 4403), (other, 403, 4403)] {
        let mut request = rig.request("/");
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (found, body) = Socket::refused(request).await;
        assert_eq!(found, status, "{body}");
        let mut request = rig.request("/");
        request.headers_mut().insert("sec-websocket-protocol", format!("bearer, {token}").parse().unwrap());
        let mut socket = Socket::open(request).await.unwrap();
        assert_eq!(socket.closed().await.0, code);
        let mut socket = Socket::open(rig.request("/")).await.unwrap();
        socket.say(&format!(r#"{{"type":"authenticate","token":"{token}"}}"#)).await;
        assert_eq!(socket.closed().await.0, code);
    }
    assert_eq!(rig.workspace.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_that_is_no_sign_in_ends_the_connection() {
    let rig = Rig::new().await;
    for message in ["{}", "hello", r#"{"type":"authenticate"}"#, &"x".repeat(10_000)] {
        let mut socket = Socket::open(rig.request("/")).await.unwrap();
        socket.say(message).await;
        assert_eq!(socket.closed().await.0, 4401, "{message}");
    }
    let mut silent = Socket::open(rig.request("/")).await.unwrap();
    assert_eq!(silent.closed().await.0, 4408);
    let mut gone = Socket::open(rig.request("/")).await.unwrap();
    gone.stream.close(None).await.unwrap();
    while let Some(Ok(_)) = gone.next().await {}
    assert_eq!(rig.workspace.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_do_not_connect() {
    let rig = Rig::with(&["--origins=https://ide.example.com"]).await;
    let with_origin = |origin: &str| {
        let mut request = rig.signed("/");
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    assert_eq!(Socket::refused(with_origin("https://evil.example.com")).await.0, 403);
    assert!(Socket::open(with_origin("https://ide.example.com")).await.is_ok());
    let mut cookie = rig.request("/");
    cookie.headers_mut().insert("cookie", format!("coditect_token={}", rig.token()).parse().unwrap());
    assert_eq!(Socket::refused(cookie).await.0, 403, "a cookie without an origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_goes_by_lists() {
    let rig = Rig::with(&["--paths=/echo,/missing", "--query=a", "--protocols=echo.v1"]).await;
    assert_eq!(Socket::refused(rig.signed("/other")).await.0, 404);
    assert_eq!(Socket::refused(rig.signed("/missing")).await.0, 404);
    let mut request = rig.signed("/echo/x?a=1&b=2");
    request.headers_mut().insert("sec-websocket-protocol", "echo.v2, echo.v1".parse().unwrap());
    let mut socket = Socket::open(request).await.unwrap();
    assert_eq!(socket.response.headers()["sec-websocket-protocol"], "echo.v1");
    socket.say("x").await;
    assert_eq!(socket.message().await, Message::text("x"));
    assert_eq!(rig.workspace.seen().last().unwrap().target, "/echo/x?a=1");
    let forwarded = rig
        .workspace
        .seen()
        .last()
        .unwrap()
        .headers
        .iter()
        .any(|(name, value)| name == "x-forwarded-for" && value == "127.0.0.1");
    assert!(forwarded);
}
