//! What goes through: all kinds of messages, both ways, whole, in order, and no faster than the slower side.

use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{PATIENCE, Rig, until};

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_all_sizes_come_back_as_they_were() {
    let rig = Rig::new().await;
    let mut socket = rig.connect("/echo").await;
    let sizes = [0, 1, 125, 126, 127, 4_095, 65_535, 65_536, 65_537, 1 << 20, 5_000_000];
    for size in sizes {
        for message in [Message::binary(vec![size as u8; size]), Message::text("ä".repeat(size / 2))] {
            socket.stream.send(message.clone()).await.unwrap();
            assert!(socket.message().await == message, "{size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_and_pongs_go_through() {
    let rig = Rig::new().await;
    let mut socket = rig.connect("/echo").await;
    socket.stream.send(Message::Ping(Bytes::from_static(b"are you there"))).await.unwrap();
    socket.stream.send(Message::Pong(Bytes::from_static(b"by myself"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"are you there")));
    let arrived =
        [Message::Ping(Bytes::from_static(b"are you there")), Message::Pong(Bytes::from_static(b"by myself"))];
    until("the workspace has both", async || rig.workspace.messages() == arrived).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn close_codes_go_through_both_ways() {
    let rig = Rig::new().await;
    for code in [1000, 1003, 1011, 3000, 4999] {
        let mut socket = rig.connect(&format!("/close?code={code}")).await;
        assert_eq!(socket.text().await, "the last message");
        assert_eq!(socket.closed().await, (code, "as asked".into()));
        let mut socket = rig.connect("/echo").await;
        let frame = CloseFrame { code: code.into(), reason: "enough".into() };
        socket.stream.close(Some(frame.clone())).await.unwrap();
        assert_eq!(socket.closed().await, (code, "enough".into()));
        until("the workspace was told", async || {
            rig.workspace.messages().last() == Some(&Message::Close(Some(frame.clone())))
        })
        .await;
    }
    until("all are gone", async || rig.workspace.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_is_told_to_the_workspace() {
    let rig = Rig::new().await;
    let mut socket = rig.connect("/echo").await;
    socket.say("x").await;
    socket.text().await;
    drop(socket);
    until("the workspace was told", async || {
        matches!(rig.workspace.messages().last(), Some(Message::Close(Some(frame))) if frame.code == 1001.into())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_costs_its_limit_and_no_more() {
    let rig = Rig::with(&["--queue-bytes=300000"]).await;
    let mut slow = rig.connect("/flood").await;
    let mut other = rig.connect("/echo").await;
    assert_eq!(slow.message().await.len(), 1 << 20);
    // The one that floods is held back, and nobody else feels it.
    for round in 0..20 {
        other.say(&round.to_string()).await;
        assert_eq!(other.text().await, round.to_string());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    slow.stream.close(None).await.unwrap();
    slow.closed().await;
    until("the flood has ended", async || rig.workspace.open() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_all_that_came_before_the_end() {
    let rig = Rig::with(&["--queue-bytes=1000000"]).await;
    let request = rig.signed("/last");
    // Little fits between the two: the rest waits in the sidecar, for longer than an answer to Close may take.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(rig.address).await.unwrap();
    let (mut stream, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let mut bytes = 0;
    let end = loop {
        match tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap().unwrap() {
            Message::Binary(message) => bytes += message.len(),
            Message::Close(close) => break close,
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(900)).await;
    };
    assert_eq!((bytes, end), (800_000, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sent_before_it_vanished_arrives() {
    let rig = Rig::new().await;
    for _ in 0..20 {
        let mut socket = rig.connect("/note").await;
        for part in 0..20 {
            socket.stream.send(Message::binary(vec![part; 10_000])).await.unwrap();
        }
    }
    until("all has arrived", async || {
        rig.workspace.messages().iter().filter(|message| message.is_binary()).count() == 400
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_keep_idle_connections_and_find_dead_ones() {
    let rig = Rig::with(&["--ping-ms=50", "--dead-ms=400"]).await;
    let mut idle = rig.connect("/echo").await;
    // Reading answers the pings, and never yields one of ours as a message of the workspace.
    let quiet = tokio::time::timeout(Duration::from_millis(1_500), async {
        let mut pings = 0;
        while let Some(Ok(message)) = idle.next().await {
            assert!(message.is_ping(), "{message:?}");
            pings += 1;
            if pings == 20 {
                break;
            }
        }
        pings
    });
    assert_eq!(quiet.await.unwrap(), 20);
    idle.say("still here").await;
    assert_eq!(idle.text().await, "still here");
    // A client that does not read does not answer.
    let _dead = rig.connect("/echo").await;
    until("the dead one is gone", async || rig.workspace.open() == 1 || rig.workspace.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_hears_nothing_is_given_up() {
    let rig = Rig::with(&["--ping-ms=50", "--dead-ms=400", "--bridge-ms=0"]).await;
    let mut socket = rig.connect("/deaf").await;
    assert_eq!(socket.closed().await.0, 1012);
    let mut socket = rig.connect("/echo").await;
    tokio::time::timeout(PATIENCE, socket.say("x")).await.unwrap();
    assert_eq!(socket.text().await, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_workspace_gets_all_that_a_client_had_sent_when_it_closed() {
    // More than the kernel keeps and the workspace takes in the time for an answer to Close.
    let rig = Rig::with(&["--queue-bytes=33554432"]).await;
    let mut socket = rig.connect("/slow").await;
    for number in 0..512_u32 {
        socket.stream.send(Message::binary(number.to_be_bytes().repeat(15_000))).await.unwrap();
    }
    let close = CloseFrame { code: 4321.into(), reason: "enough".into() };
    socket.stream.close(Some(close)).await.unwrap();
    assert_eq!(socket.closed().await.0, 4321);
    drop(socket);
    until("all have arrived", async || rig.workspace.messages().last().is_some_and(Message::is_close)).await;
    let all = rig.workspace.messages();
    let numbers = all.iter().filter(|it| it.is_binary()).map(|it| it.clone().into_data()[..4].to_vec());
    assert!(numbers.eq((0..512_u32).map(|number| number.to_be_bytes().to_vec())));
}
