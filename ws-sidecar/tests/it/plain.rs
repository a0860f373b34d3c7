//! Plain HTTP to the workspace on the same port, and what the operator asks.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Rig, until};

/// The answer to a request of these lines, as text.
async fn ask(address: SocketAddr, lines: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (first, others) = lines.split_first().unwrap();
    let all = [&[*first, "host: pod.example", "connection: close"], others, &["", ""]].concat();
    stream.write_all(all.join("\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_workspace_are_served_to_its_user_alone() {
    let rig = Rig::new().await;
    let token = rig.token();
    let header = format!("authorization: Bearer {token}");
    let answer = ask(rig.address, &["GET /page?x=1&token=2 HTTP/1.1", &header, "x-mine: yes"]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("GET /page?x=1 HTTP/1.1") && answer.contains("x-mine: yes"), "{answer}");
    assert!(answer.contains("host: pod.example") && answer.contains("x-forwarded-for: 127.0.0.1"), "{answer}");
    assert!(!answer.contains(&token) && !answer.contains("x-hop"), "{answer}");
    for lines in [&["GET / HTTP/1.1"][..], &["GET / HTTP/1.1", "authorization: Bearer x"]] {
        let answer = ask(rig.address, lines).await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("application/problem+json"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_signs_in_with_a_cookie_that_no_script_reads() {
    let rig = Rig::new().await;
    let token = rig.token();
    let (header, cookie) = (format!("authorization: Bearer {token}"), format!("cookie: a=b; coditect_token={token}"));
    let set = ask(rig.address, &["POST /.coditect/cookie HTTP/1.1", &header, "content-length: 0"]).await;
    assert!(set.starts_with("HTTP/1.1 204"), "{set}");
    assert!(set.contains(&format!("coditect_token={token}; Path=/; HttpOnly; Secure; SameSite=Lax")), "{set}");
    let page = ask(rig.address, &["GET /page HTTP/1.1", &cookie]).await;
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("cookie: a=b") && !page.contains(&token), "{page}");
    for (origin, status) in [("https://evil.example", 403), ("https://pod.example", 200)] {
        let origin = format!("origin: {origin}");
        let posted = ask(rig.address, &["POST /page HTTP/1.1", &cookie, &origin, "content-length: 0"]).await;
        assert!(posted.starts_with(&format!("HTTP/1.1 {status}")), "{posted}");
    }
    let gone = ask(rig.address, &["DELETE /.coditect/cookie HTTP/1.1", &header]).await;
    assert!(gone.contains("coditect_token=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_how_it_is() {
    let mut rig = Rig::new().await;
    until("it is ready", async || ask(rig.ops, &["GET /readyz HTTP/1.1"]).await.starts_with("HTTP/1.1 200")).await;
    assert!(ask(rig.ops, &["GET /healthz HTTP/1.1"]).await.starts_with("HTTP/1.1 200"));
    assert!(ask(rig.ops, &["GET /metrics HTTP/1.1"]).await.starts_with("HTTP/1.1 200"));
    assert!(ask(rig.ops, &["GET /other HTTP/1.1"]).await.starts_with("HTTP/1.1 404"));
    rig.workspace.crash().await;
    let header = format!("authorization: Bearer {}", rig.token());
    let away = ask(rig.address, &["GET /page HTTP/1.1", &header]).await;
    assert!(away.starts_with("HTTP/1.1 503"), "{away}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_tells_its_clients_when_to_come_back() {
    let mut rig = Rig::new().await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(rig.connect("/echo").await);
    }
    rig.stop();
    let mut pauses = Vec::new();
    for socket in &mut sockets {
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 1012);
        let pause: u64 = reason.strip_prefix("retry after ").unwrap().strip_suffix(" ms").unwrap().parse().unwrap();
        pauses.push(pause);
    }
    pauses.dedup();
    assert!(pauses.len() > 1, "{pauses:?}");
    rig.stopped().await;
    assert!(TcpStream::connect(rig.address).await.is_err());
    assert!(!rig.acting().await.session().await.unwrap().websocket_connected);
}
