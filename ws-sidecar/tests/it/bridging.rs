//! A workspace that restarts: its clients stay connected, as long as it comes back and no message would break.

use bytes::Bytes;
use futures::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{Rig, Socket, until};

#[tokio::test(flavor = "multi_thread")]
async fn clients_stay_while_the_workspace_restarts() {
    let mut rig = Rig::new().await;
    let mut socket = rig.connect("/echo?a=1").await;
    for round in 0..3 {
        rig.workspace.crash().await;
        // Nobody but the sidecar answers a ping now: it knows. What is said from then on waits.
        socket.stream.send(Message::Ping(Bytes::from_static(b"away?"))).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"away?")));
        socket.say(&format!("while it is away {round}")).await;
        rig.workspace.restart().await;
        assert_eq!(socket.text().await, format!("while it is away {round}"));
        socket.stream.send(Message::Ping(Bytes::from_static(b"there?"))).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"there?")));
    }
    let seen = rig.workspace.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|seen| seen.target == "/echo?a=1"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_are_answered_while_the_workspace_is_away() {
    let mut rig = Rig::new().await;
    let mut socket = rig.connect("/deaf").await;
    // The workspace does not answer this one any more.
    socket.stream.send(Message::Ping(Bytes::from_static(b"first"))).await.unwrap();
    until("it is connected", async || rig.workspace.open() == 1).await;
    rig.workspace.crash().await;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"first")));
    socket.stream.send(Message::Ping(Bytes::from_static(b"second"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"second")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_said_while_the_workspace_was_away_arrives_although_it_has_closed() {
    let mut rig = Rig::new().await;
    let mut socket = rig.connect("/note").await;
    rig.workspace.crash().await;
    // It is away once nobody but the sidecar answers.
    socket.stream.send(Message::Ping(Bytes::from_static(b"away?"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"away?")));
    socket.say("the last message").await;
    let close = CloseFrame { code: 4321.into(), reason: "enough".into() };
    socket.stream.close(Some(close.clone())).await.unwrap();
    assert_eq!(socket.closed().await, (4321, "enough".into()));
    rig.workspace.restart().await;
    let said = [Message::text("the last message"), Message::Close(Some(close))];
    until("both have arrived", async || rig.workspace.messages() == said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_says_that_it_restarts_is_waited_for() {
    let rig = Rig::new().await;
    for code in [1001, 1012] {
        // It closes again and again: each time it is connected anew.
        let mut socket = rig.connect(&format!("/close?code={code}")).await;
        for _ in 0..3 {
            assert_eq!(socket.text().await, "the last message");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_when_it_does_not_come_back() {
    let mut rig = Rig::with(&["--bridge-ms=300"]).await;
    let mut socket = rig.connect("/echo").await;
    rig.workspace.crash().await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 1012);
    assert!(reason.contains("did not come back"), "{reason}");
    let refused = Socket::refused(rig.signed("/echo"));
    assert_eq!(refused.await.0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_never_put_together_from_two_workspaces() {
    let mut rig = Rig::new().await;
    let mut socket = rig.connect("/half").await;
    // Half a message was passed on once a ping behind it has come back.
    socket.stream.send(Message::Ping(Bytes::from_static(b"behind"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"behind")));
    rig.workspace.crash().await;
    rig.workspace.restart().await;
    assert_eq!(socket.closed().await.0, 1012);
}
