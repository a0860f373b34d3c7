//! Large binary frames, which are led past the process: whole and in order however they arrive, and beside all else.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::harness::{PATIENCE, Rig, Socket, until};

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let seed = self.below(1 << 30) as u32;
        (0..length as u32).map(|at| (at.wrapping_mul(seed | 1) >> 11) as u8).collect()
    }
}

/// A way to `to` on which all comes in parts, some of them late.
async fn chopped(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (one, other) = (listener.accept().await.unwrap().0, TcpStream::connect(to).await.unwrap());
        other.set_nodelay(true).unwrap();
        one.set_nodelay(true).unwrap();
        let ((read, write), (other_read, other_write)) = (one.into_split(), other.into_split());
        tokio::join!(chop(read, other_write, 1), chop(other_read, write, 2));
    });
    address
}

async fn chop(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seed: u64) {
    let (mut numbers, mut room) = (Numbers(seed), vec![0; 200_000]);
    loop {
        let most = [3, 50, 5_000, 70_000, 200_000][numbers.below(5)];
        let Ok(read @ 1..) = from.read(&mut room[..most]).await else { return };
        if numbers.below(20) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if to.write_all(&room[..read]).await.is_err() {
            return;
        }
    }
}

/// A message of a random kind and size, in one frame or in several.
fn frames(numbers: &mut Numbers) -> (Vec<Frame>, Message) {
    let most = [100, 20_000, 70_000, 400_000, 1_500_000][numbers.below(5)];
    let length = numbers.below(most);
    let bytes = numbers.bytes(length);
    if numbers.below(5) == 0 {
        let text = "ö".repeat(length / 2);
        return (vec![Frame::message(text.clone(), OpCode::Data(Data::Text), true)], Message::text(text));
    }
    let (parts, mut frames) = (1 + numbers.below(3), Vec::new());
    for (at, part) in bytes.chunks(length.div_ceil(parts).max(1)).enumerate() {
        let kind = if at == 0 { Data::Binary } else { Data::Continue };
        let is_last = (at + 1) * length.div_ceil(parts).max(1) >= length;
        frames.push(Frame::message(part.to_vec(), OpCode::Data(kind), is_last));
    }
    if frames.is_empty() {
        frames.push(Frame::message(Vec::new(), OpCode::Data(Data::Binary), true));
    }
    (frames, Message::binary(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_whole_and_in_order_however_they_arrive() {
    let rig = Rig::new().await;
    for way in [rig.address, chopped(rig.address).await] {
        let stream = TcpStream::connect(way).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(rig.signed("/echo"), stream).await.unwrap();
        let (mut sending, mut receiving) = socket.split();
        let (mut numbers, mut again) = (Numbers(7), Numbers(7));
        let sender = async {
            for number in 0..150 {
                for (at, frame) in frames(&mut numbers).0.into_iter().enumerate() {
                    if at > 0 && number % 4 == 0 {
                        // Between the frames of a message.
                        sending.send(Message::Ping(Bytes::from_static(b"within"))).await.unwrap();
                    }
                    sending.send(Message::Frame(frame)).await.unwrap();
                }
            }
        };
        let receiver = async {
            for number in 0..150 {
                let message = loop {
                    let next = tokio::time::timeout(PATIENCE, receiving.next()).await.unwrap();
                    match next.unwrap().unwrap() {
                        Message::Ping(_) | Message::Pong(_) => {}
                        message => break message,
                    }
                };
                assert!(message == frames(&mut again).1, "message {number} is another");
            }
        };
        tokio::join!(sender, receiver);
    }
}

/// A frame as a client sends it: its head and mask, and its payload.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x82, 0xff];
    bytes.extend((payload.len() as u64).to_be_bytes());
    let key = [1, 2, 3, 4];
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_there_are_pipes_stand_still_and_go_on() {
    let rig = Rig::new().await;
    let payload = Numbers(3).bytes(200_000);
    let frame = masked(&payload);
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = rig.connect("/echo").await;
        // The frame stands still where nothing of it can be passed on.
        raw(&mut socket).write_all(&frame[..60_000]).await.unwrap();
        sockets.push(socket);
    }
    let mut other = rig.connect("/echo").await;
    other.stream.send(Message::binary(payload.clone())).await.unwrap();
    assert!(other.message().await == Message::binary(payload.clone()));
    for socket in &mut sockets {
        raw(socket).write_all(&frame[60_000..]).await.unwrap();
    }
    for socket in &mut sockets {
        assert!(socket.message().await == Message::binary(payload.clone()));
    }
}

/// The connection below the protocol.
fn raw(socket: &mut Socket) -> &mut TcpStream {
    match socket.stream.get_mut() {
        tokio_tungstenite::MaybeTlsStream::Plain(stream) => stream,
        _ => unreachable!("no test of this suite speaks TLS here"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_within_a_frame_leaves_nothing_behind() {
    let rig = Rig::new().await;
    let mut other = rig.connect("/echo").await;
    let frame = masked(&[7; 2_000_000]);
    for cut in [20, 30_000, 70_000, 500_000, 1_999_999] {
        let mut socket = rig.connect("/echo").await;
        raw(&mut socket).write_all(&frame[..cut]).await.unwrap();
        drop(socket);
    }
    until("the workspace is told of all", async || rig.workspace.open() == 1).await;
    assert!(rig.workspace.messages().iter().all(|message| !message.is_binary()));
    other.say("still here").await;
    assert_eq!(other.text().await, "still here");
}

/// Byte by byte, until the pipe has no room for more parts: that nothing more comes is told from that there is no room.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_trickle_and_vanish_are_let_go() {
    let rig = Rig::new().await;
    let mut other = rig.connect("/echo").await;
    let frame = masked(&[7; 1_000_000]);
    for count in [254, 255, 256, 300] {
        let mut socket = rig.connect("/echo").await;
        raw(&mut socket).write_all(&frame[..5_000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        for byte in &frame[5_000..5_000 + count] {
            raw(&mut socket).write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // All of it had arrived before it vanished.
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop(socket);
        until("the workspace is told", async || rig.workspace.open() == 1).await;
    }
    other.say("still here").await;
    assert_eq!(other.text().await, "still here");
}

/// What was taken of a frame goes on being taken, although its workspace takes nothing for now: else its client would count as silent.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_restarts_within_a_frame_gets_it_whole() {
    let mut rig = Rig::with(&["--ping-ms=100", "--dead-ms=400"]).await;
    let payload = Numbers(5).bytes(200_000);
    let frame = masked(&payload);
    let mut socket = rig.connect("/echo").await;
    until("it is connected", async || rig.workspace.open() == 1).await;
    let (begun, rest) = frame.split_at(40_000);
    raw(&mut socket).write_all(begun).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.workspace.crash().await;
    let mut rest = rest.iter();
    for passed in 0.. {
        if passed == 20 {
            rig.workspace.restart().await;
        }
        if passed > 20 && rig.workspace.open() == 1 {
            break;
        }
        raw(&mut socket).write_all(&[*rest.next().unwrap()]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    raw(&mut socket).write_all(rest.as_slice()).await.unwrap();
    assert!(socket.message().await == Message::binary(payload));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_too_large_are_refused_before_they_are_complete() {
    let rig = Rig::with(&["--message-bytes=300000"]).await;
    let mut socket = rig.connect("/echo").await;
    for number in 0..4 {
        let kind = if number == 0 { Data::Binary } else { Data::Continue };
        let frame = Frame::message(vec![7; 100_000], OpCode::Data(kind), number == 3);
        let _ = socket.stream.send(Message::Frame(frame)).await;
    }
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_workspace_that_restarts_arrives() {
    let mut rig = Rig::new().await;
    let mut socket = rig.connect("/echo").await;
    let messages: Vec<Message> = (1..4).map(|seed| Message::binary(Numbers(seed).bytes(200_000))).collect();
    rig.workspace.crash().await;
    // It is away once nobody but the sidecar answers.
    socket.stream.send(Message::Ping(Bytes::from_static(b"away?"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(Bytes::from_static(b"away?")));
    for message in &messages {
        socket.stream.send(message.clone()).await.unwrap();
    }
    rig.workspace.restart().await;
    for message in &messages {
        assert!(socket.message().await == *message);
    }
}
