//! Clients that break the rules, at the level of bytes: each is told by the right code, and nobody else feels it.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Rig, Socket};

/// A connection after its handshake.
async fn raw(rig: &Rig) -> TcpStream {
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    let request = format!(
        "GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {}\r\n\r\n",
        rig.token()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// The code of the Close frame that comes, before which other frames are skipped.
async fn code(stream: &mut TcpStream) -> u16 {
    let reading = async {
        loop {
            let (first, second) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
            let length = match second & 0x7f {
                126 => u64::from(stream.read_u16().await.unwrap()),
                127 => stream.read_u64().await.unwrap(),
                short => u64::from(short),
            };
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).await.unwrap();
            if first & 0xf == 8 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

/// A client's frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
    }
    [&bytes[..], &[0; 4], payload].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_is_closed_with_its_code() {
    let rig = Rig::with(&["--frame-bytes=100000", "--message-bytes=150000"]).await;
    let mut witness = rig.connect("/echo").await;
    let many = [frame(0x01, &[b'x'; 60_000]), frame(0x00, &[b'x'; 60_000]), frame(0x80, &[b'x'; 60_000])].concat();
    let cases: &[(&[u8], u16)] = &[
        (&frame(0xc1, b"rsv1"), 1002),
        (&frame(0xa1, b"rsv2"), 1002),
        (&frame(0x91, b"rsv3"), 1002),
        (&frame(0x83, b"opcode"), 1002),
        (&frame(0x09, b"fragmented ping"), 1002),
        (&frame(0x08, b""), 1002),
        (&frame(0x89, &[0; 126]), 1002),
        (&frame(0x80, b"no message"), 1002),
        (&[0x81, 1, b'x'], 1002),
        (&frame(0x88, b"x"), 1002),
        (&frame(0x88, &999_u16.to_be_bytes()), 1002),
        (&frame(0x88, &1005_u16.to_be_bytes()), 1002),
        (&frame(0x88, &5000_u16.to_be_bytes()), 1002),
        (&frame(0x81, b"\xc0\x80"), 1007),
        (&frame(0x81, b"cut \xe2\x82"), 1007),
        (&frame(0x88, b"\x03\xe8\xff"), 1007),
        (&[0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0], 1009),
        (&[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
        (&many, 1009),
    ];
    for (bytes, expected) in cases {
        let mut stream = raw(&rig).await;
        stream.write_all(bytes).await.unwrap();
        // Whatever follows is not looked at any more.
        let _ = stream.write_all(&[0xff; 64]).await;
        assert_eq!(code(&mut stream).await, *expected, "{:02x?}", &bytes[..bytes.len().min(16)]);
        witness.say("well").await;
        assert_eq!(witness.text().await, "well");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_tiny_fragments_are_one_message() {
    let rig = Rig::new().await;
    let mut stream = raw(&rig).await;
    let mut bytes = frame(0x01, b"");
    for _ in 0..100_000 {
        bytes.extend(frame(0x00, b"x"));
    }
    bytes.extend(frame(0x80, b"!"));
    bytes.extend(frame(0x88, &1000_u16.to_be_bytes()));
    let (mut read, mut write) = stream.split();
    let writing = async { write.write_all(&bytes).await.unwrap() };
    let reading = async {
        let mut all = Vec::new();
        read.read_to_end(&mut all).await.unwrap();
        all
    };
    let (all, ()) = tokio::time::timeout(PATIENCE, async { tokio::join!(reading, writing) }).await.unwrap();
    assert!(all.len() > 100_001 && all.ends_with(&[0x88, 2, 3, 232]), "{}", all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_broken_handshakes_end() {
    let rig = Rig::new().await;
    let mut witness = rig.connect("/echo").await;
    let mut slow = TcpStream::connect(rig.address).await.unwrap();
    let dripping = tokio::spawn(async move {
        for byte in b"GET /echo HTTP/1.1\r\nhost: x\r\nx-very-long: ".iter().chain(std::iter::repeat(&b'x')) {
            if slow.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    for (request, status) in [
        ("GET /echo HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 400),
        (
            "GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 8\r\n\r\n",
            426,
        ),
        (
            "GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n\r\n",
            400,
        ),
        ("nonsense\r\n\r\n", 400),
    ] {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), format!("HTTP/1.1 {status}"), "{request}");
    }
    witness.say("well").await;
    assert_eq!(witness.text().await, "well");
    tokio::time::timeout(PATIENCE, dripping).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_than_there_may_be() {
    let rig = Rig::with(&["--connections=3"]).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(rig.connect("/echo").await);
    }
    let fourth = tokio::time::timeout(Duration::from_millis(300), Socket::open(rig.signed("/echo"))).await;
    assert!(fourth.is_err());
    sockets.pop().unwrap().stream.close(None).await.unwrap();
    assert!(Socket::open(rig.signed("/echo")).await.is_ok());
}
