//! The resume protocol: nothing is lost, doubled or reordered over connections that break anywhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::{PATIENCE, Rig, Socket, until};

/// A client's side of a channel.
struct Client {
    socket: Socket,
    channel: String,
    sent: u64,
    received: u64,
}

fn envelope(number: u64, flags: u8, payload: &[u8]) -> Message {
    Message::binary([&[flags], &number.to_be_bytes()[..], payload].concat())
}

fn member<'a>(ready: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    ready.get(name).unwrap_or_else(|| panic!("{name} in {ready}"))
}

async fn begin(rig: &Rig, path: &str, opening: &str) -> Socket {
    let mut request = rig.signed(path);
    request.headers_mut().insert("sec-websocket-protocol", "coditect.resume.v1, echo.v1".parse().unwrap());
    let mut socket = Socket::open(request).await.unwrap();
    assert_eq!(socket.response.headers()["sec-websocket-protocol"], "coditect.resume.v1");
    socket.say(opening).await;
    socket
}

impl Client {
    async fn open(rig: &Rig, path: &str) -> Self {
        let mut socket = begin(rig, path, r#"{"type":"open"}"#).await;
        let ready: serde_json::Value = serde_json::from_str(&socket.text().await).unwrap();
        assert_eq!((member(&ready, "resumed").as_bool(), member(&ready, "received").as_u64()), (Some(false), Some(0)));
        assert_eq!(member(&ready, "protocol"), "echo.v1");
        Self { socket, channel: member(&ready, "channel").as_str().unwrap().into(), sent: 0, received: 0 }
    }

    /// Ends the connection without a word.
    async fn go_away(&mut self) {
        self.socket.stream.get_mut().shutdown().await.unwrap();
    }

    /// Loses the connection, and comes back.
    async fn come_back(&mut self, rig: &Rig, path: &str) -> u64 {
        let opening = format!(r#"{{"type":"resume","channel":"{}","received":{}}}"#, self.channel, self.received);
        self.socket = begin(rig, path, &opening).await;
        let ready: serde_json::Value = serde_json::from_str(&self.socket.text().await).unwrap();
        assert_eq!(member(&ready, "resumed").as_bool(), Some(true));
        member(&ready, "received").as_u64().unwrap()
    }

    async fn send(&mut self, payload: &[u8]) {
        self.sent += 1;
        self.socket.stream.send(envelope(self.sent, 2, payload)).await.unwrap();
    }

    /// The next envelope, with whatever else comes before it dropped.
    async fn envelope(&mut self) -> (u8, Vec<u8>) {
        loop {
            if let Message::Binary(bytes) = self.socket.message().await {
                let number = u64::from_be_bytes(bytes[1..9].try_into().unwrap());
                assert_eq!(number, self.received + 1);
                self.received = number;
                return (bytes[0], bytes[9..].to_vec());
            }
        }
    }

    async fn text(&mut self) -> String {
        let (flags, payload) = self.envelope().await;
        assert_eq!(flags, 3);
        String::from_utf8(payload).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_client_is_away() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/count").await;
    let mut expected = 0;
    for round in 0..8 {
        for _ in 0..=round * 3 {
            assert_eq!(client.text().await, expected.to_string());
            expected += 1;
        }
        // Cut off, without a word, after a while in which more came than was read.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        client.come_back(&rig, "/count").await;
    }
    assert_eq!(rig.workspace.open(), 1);
    assert_eq!(rig.workspace.seen().len(), 1, "the workspace saw one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_sends_again_arrives_once() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/echo").await;
    for number in 0..5 {
        client.send(format!("message {number}").as_bytes()).await;
    }
    until("they arrived", async || rig.workspace.messages().len() == 5).await;
    let received = client.come_back(&rig, "/echo").await;
    assert_eq!(received, 5);
    // Again from the third on, as if nothing had been said of it, and one more.
    client.sent = 2;
    for number in 2..6 {
        client.send(format!("message {number}").as_bytes()).await;
    }
    for number in 0..6 {
        assert_eq!(client.envelope().await, (2, format!("message {number}").into_bytes()));
    }
    let arrived: Vec<Message> = (0..6).map(|number| Message::binary(format!("message {number}"))).collect();
    assert_eq!(rig.workspace.messages(), arrived);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_a_message_are_one_message_to_the_workspace_over_connections() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/echo").await;
    let text = "漢字".as_bytes();
    client.socket.stream.send(envelope(1, 1, &text[..2])).await.unwrap();
    until("it is acknowledged", async || client.socket.text().await.contains(r#""received":1"#)).await;
    assert_eq!(client.come_back(&rig, "/echo").await, 1);
    client.socket.stream.send(envelope(2, 1, &text[2..])).await.unwrap();
    client.socket.stream.send(envelope(3, 3, b"!")).await.unwrap();
    let mut all = Vec::new();
    loop {
        let (flags, payload) = client.envelope().await;
        assert_eq!(flags & 1, 1);
        all.extend(payload);
        if flags & 2 != 0 {
            break;
        }
    }
    assert_eq!(String::from_utf8(all).unwrap(), "漢字!");
    assert_eq!(rig.workspace.messages(), [Message::text("漢字!")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_holds_the_workspace_back() {
    let rig = Rig::with(&["--replay-bytes=200000"]).await;
    let mut client = Client::open(&rig, "/flood").await;
    // Without an acknowledgement, no more than the window comes, and one piece.
    let mut bytes = 0;
    while bytes < 200_000 {
        bytes += client.envelope().await.1.len();
    }
    let more = tokio::time::timeout(std::time::Duration::from_millis(300), client.envelope()).await;
    assert!(more.is_err() && bytes <= 200_000 + 65_536, "{bytes}");
    let ack = format!(r#"{{"type":"ack","received":{}}}"#, client.received);
    client.socket.say(&ack).await;
    client.envelope().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_connection_takes_over_and_the_older_is_told() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/echo").await;
    let opening = format!(r#"{{"type":"resume","channel":"{}","received":0}}"#, client.channel);
    let mut newer = begin(&rig, "/echo", &opening).await;
    assert!(newer.text().await.contains(r#""resumed":true"#));
    assert_eq!(client.socket.closed().await.0, 4409);
    newer.stream.send(envelope(1, 2, b"x")).await.unwrap();
    assert_eq!(newer.message().await, envelope(1, 2, b"x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_comes_late_does_not_take_the_channel() {
    let rig = Rig::new().await;
    let client = Client::open(&rig, "/echo").await;
    let opening = |attempt| {
        let channel = &client.channel;
        format!(r#"{{"type":"resume","channel":"{channel}","received":0,"attempt":{attempt}}}"#)
    };
    let mut second = begin(&rig, "/echo", &opening(2)).await;
    assert!(second.text().await.contains(r#""resumed":true"#));
    assert_eq!(begin(&rig, "/echo", &opening(1)).await.closed().await.0, 4409);
    second.stream.send(envelope(1, 2, b"x")).await.unwrap();
    assert_eq!(second.message().await, envelope(1, 2, b"x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_a_page_ends_leaves_the_channel() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/echo").await;
    for close in [None, Some(CloseFrame { code: 1001.into(), reason: "".into() })] {
        client.socket.stream.close(close).await.unwrap();
        client.socket.closed().await;
        client.come_back(&rig, "/echo").await;
        client.send(b"still there").await;
        assert_eq!(client.envelope().await, (2, b"still there".to_vec()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_ends_with_close_and_after_its_time() {
    let rig = Rig::with(&["--keep-ms=300"]).await;
    let mut client = Client::open(&rig, "/echo").await;
    client.socket.stream.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).await.unwrap();
    assert_eq!(client.socket.closed().await.0, 1000);
    let gone = Client::open(&rig, "/echo").await.channel;
    until("nobody waits for them", async || rig.workspace.open() == 0).await;
    for channel in [client.channel.as_str(), &gone, "never", ""] {
        let opening = format!(r#"{{"type":"resume","channel":"{channel}","received":0}}"#);
        assert_eq!(begin(&rig, "/echo", &opening).await.closed().await.0, 4404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspaces_last_word_waits_for_a_client_that_is_away() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/close?code=4321").await;
    // It goes away for a moment: the channel is kept.
    client.come_back(&rig, "/close?code=4321").await;
    assert_eq!(client.text().await, "the last message");
    assert_eq!(client.socket.text().await, r#"{"type":"closed","code":4321,"reason":"as asked"}"#);
    assert_eq!(client.socket.closed().await.0, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_workspace_that_has_exited_waits_for_a_client_that_is_away() {
    let rig = Rig::with(&["--ping-ms=50", "--replay-bytes=70000"]).await;
    let mut client = Client::open(&rig, "/leave?count=6").await;
    client.go_away().await;
    until("the workspace is gone", async || rig.workspace.open() == 0).await;
    // They go where nobody is any more, while the last messages are not read yet.
    rig.beats().await;
    client.come_back(&rig, "/leave?count=6").await;
    for number in 0..6 {
        assert_eq!(client.envelope().await, (2, vec![number; 20_000]));
        client.socket.say(&format!(r#"{{"type":"ack","received":{}}}"#, client.received)).await;
    }
    assert_eq!(client.socket.text().await, r#"{"type":"closed","code":4321,"reason":"as asked"}"#);
    assert_eq!(client.socket.closed().await.0, 1000);
    assert_eq!(rig.workspace.seen().len(), 2, "it was not connected anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_leaves_while_the_workspace_closes_gets_the_last_word_when_it_comes_back() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/close?code=4321").await;
    until("the workspace has closed", async || rig.workspace.open() == 0).await;
    let going_away = CloseFrame { code: 1001.into(), reason: "".into() };
    client.socket.stream.close(Some(going_away)).await.unwrap();
    client.socket.closed().await;
    client.come_back(&rig, "/close?code=4321").await;
    assert_eq!(client.text().await, "the last message");
    assert_eq!(client.socket.text().await, r#"{"type":"closed","code":4321,"reason":"as asked"}"#);
    assert_eq!(client.socket.closed().await.0, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_ends_the_channel() {
    let rig = Rig::new().await;
    for (message, code) in [
        (envelope(2, 2, b"a gap"), 4400),
        (envelope(1, 4, b"a flag"), 4400),
        (Message::binary(Bytes::from_static(b"short")), 4400),
        (Message::binary(vec![2; 70_000]), 4400),
        (Message::text("no message"), 4400),
        (Message::text(r#"{"type":"ack","received":1}"#), 4400),
        (envelope(1, 3, b"\xff"), 1007),
    ] {
        let mut client = Client::open(&rig, "/echo").await;
        client.socket.say(r#"{"type":"unknown","a":1}"#).await;
        client.socket.say(r#"{"type":"ping","id":5}"#).await;
        assert_eq!(client.socket.text().await, r#"{"type":"pong","id":5}"#);
        client.socket.stream.send(message).await.unwrap();
        assert_eq!(client.socket.closed().await.0, code);
    }
    for opening in ["", "{}", r#"{"type":"resume"}"#, r#"{"type":"ack","received":1}"#] {
        assert_eq!(begin(&rig, "/echo", opening).await.closed().await.0, 4400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_is_told_when_the_workspace_is_away() {
    let mut rig = Rig::new().await;
    let mut client = Client::open(&rig, "/echo").await;
    rig.workspace.crash().await;
    assert_eq!(client.socket.text().await, r#"{"type":"workspace","state":"away"}"#);
    client.send(b"meanwhile").await;
    client.come_back(&rig, "/echo").await;
    assert_eq!(client.socket.text().await, r#"{"type":"workspace","state":"away"}"#);
    rig.workspace.restart().await;
    assert_eq!(client.socket.text().await, r#"{"type":"workspace","state":"back"}"#);
    assert_eq!(client.envelope().await, (2, b"meanwhile".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_of_a_workspace_waits_for_its_client_also_behind_a_reset() {
    let rig = Rig::new().await;
    let mut client = Client::open(&rig, "/unread").await;
    for _ in 0..20 {
        client.send(b"unread").await;
    }
    // The workspace has closed by then, and what it had not read has reset its connection.
    drop(client.socket.stream);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let opening = format!(r#"{{"type":"resume","channel":"{}","received":0}}"#, client.channel);
    client.socket = begin(&rig, "/unread", &opening).await;
    assert!(client.socket.text().await.contains(r#""resumed":true"#));
    assert_eq!(client.envelope().await.1, b"the last word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_and_reads_no_answer_is_not_read_either() {
    let rig = Rig::with(&["--replay-bytes=65536"]).await;
    let mut client = Client::open(&rig, "/echo").await;
    let asked = AtomicUsize::new(0);
    let asking = async {
        loop {
            client.socket.stream.feed(Message::text(r#"{"type":"ping","id":1}"#)).await.unwrap();
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    // What the kernel keeps for both ends is filled by then.
    let until_blocked = async {
        let mut before = usize::MAX;
        while before != asked.load(Ordering::Relaxed) {
            before = asked.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let blocked = async {
        tokio::select! {
            () = asking => {}
            () = until_blocked => {}
        }
    };
    tokio::time::timeout(PATIENCE, blocked).await.expect("it must not take questions for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_are_away_take_no_place_and_the_longest_away_makes_room() {
    let rig = Rig::with(&["--connections=2"]).await;
    let (mut first, mut second) = (Client::open(&rig, "/echo").await, Client::open(&rig, "/echo").await);
    first.go_away().await;
    first.come_back(&rig, "/echo").await;
    first.go_away().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    second.go_away().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _third = Client::open(&rig, "/echo").await;
    second.come_back(&rig, "/echo").await;
    drop(second.socket);
    let opening = format!(r#"{{"type":"resume","channel":"{}","received":0}}"#, first.channel);
    assert_eq!(begin(&rig, "/echo", &opening).await.closed().await.0, 4404);
}
