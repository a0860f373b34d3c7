//! What goes out at one end comes in at the other, however it is cut; and what breaks the rules is told as what it is.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use coditect_store::Clock;
use proptest::prelude::*;

use super::*;
use crate::limits;

const MESSAGE_BYTES: u64 = 1 << 20;

fn decoder(role: Role, deflate: bool) -> Decoder {
    Decoder::new(DecoderOptions { role, deflate, frame_bytes: 1 << 19, message_bytes: MESSAGE_BYTES }, &[])
}

fn outbox(role: Role, deflate: bool) -> Outbox {
    let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    Outbox::new(role, deflate, clock)
}

/// A sink that is a function.
struct To<F>(F);

impl<F: FnMut(&[io::IoSlice<'_>]) -> io::Result<usize>> Sink for To<F> {
    fn write(&mut self, slices: &[io::IoSlice<'_>], _goes_on: bool) -> io::Result<usize> {
        self.0(slices)
    }

    fn splice(&mut self, _: &mut Pipe) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Everything that waits, sent in writes of at most `most` bytes.
fn drain(outbox: &mut Outbox, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut may_block = false;
    while !outbox.is_empty() {
        may_block = !may_block;
        let sent = outbox.send(&mut To(|slices: &[io::IoSlice<'_>]| {
            if may_block {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            may_block = true;
            let mut left = most;
            for slice in slices {
                let taken = slice.len().min(left);
                bytes.extend_from_slice(&slice[..taken]);
                left -= taken;
            }
            Ok(most - left)
        }));
        sent.unwrap();
    }
    bytes
}

/// The events of `bytes` that arrive in reads of `size` bytes.
fn events(decoder: &mut Decoder, bytes: &[u8], size: usize) -> Result<Vec<Event>, Violation> {
    let mut found = Vec::new();
    for read in bytes.chunks(size.max(1)) {
        decoder.room(read.len()).put_slice(read);
        while let Some(event) = decoder.next()? {
            found.push(event);
        }
    }
    Ok(found)
}

/// Messages put together, in the order of their ends, and the control frames.
fn messages(events: Vec<Event>) -> (Vec<(Kind, Vec<u8>)>, Vec<Event>) {
    let (mut whole, mut controls, mut open) = (Vec::new(), Vec::new(), None);
    for event in events {
        let Event::Data(piece) = event else {
            controls.push(event);
            continue;
        };
        assert_eq!(piece.is_first, open.is_none());
        assert!(piece.payload.len() <= limits::PIECE_BYTES);
        let (_, bytes) = open.get_or_insert_with(|| (piece.kind, Vec::new()));
        bytes.extend_from_slice(&piece.payload);
        if piece.is_last {
            whole.extend(open.take());
        }
    }
    assert!(open.is_none());
    (whole, controls)
}

/// A message in pieces.
fn pieces(kind: Kind, bytes: &[u8], size: usize) -> Vec<Piece> {
    let count = bytes.len().div_ceil(size).max(1);
    let piece = |at: usize| Piece {
        kind,
        is_first: at == 0,
        is_last: at + 1 == count,
        payload: bytes[at * size..bytes.len().min((at + 1) * size)].into(),
    };
    (0..count).map(piece).collect()
}

fn message() -> impl Strategy<Value = (Kind, Vec<u8>, usize)> {
    let text = ("(a|ä|漢|🌀|the same |\\PC){0,400}", 0..4_usize)
        .prop_map(|(text, times)| (Kind::Text, text.repeat(1 << (2 * times)).into_bytes()));
    let binary = proptest::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| (Kind::Binary, bytes));
    let zeros = (0..300_000_usize).prop_map(|length| (Kind::Binary, vec![7; length]));
    let any = prop_oneof![4 => text, 4 => binary, 1 => zeros];
    (any, 1..100_000_usize).prop_map(|((kind, bytes), size)| (kind, bytes, size))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn messages_arrive_as_they_were_sent(
        sent in proptest::collection::vec(message(), 1..6),
        deflate: bool,
        from_client: bool,
        write in 1..5_000_usize,
        read in 1..5_000_usize,
    ) {
        let (from, to) = if from_client { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
        let (mut outbox, mut decoder) = (outbox(from, deflate), decoder(to, deflate));
        let mut bytes = Vec::new();
        for (kind, payload, size) in &sent {
            for piece in pieces(*kind, payload, (*size).max(payload.len() / 50 + 1)) {
                outbox.ping(Bytes::from_static(b"between"));
                outbox.piece(piece);
            }
            if *size % 2 == 0 {
                bytes.extend(drain(&mut outbox, write));
            }
        }
        outbox.close(&Close::new(1000, "end"));
        outbox.pong(Bytes::from_static(b"dropped"));
        bytes.extend(drain(&mut outbox, write));
        prop_assert!(!outbox.is_within_message());
        let (arrived, mut controls) = messages(events(&mut decoder, &bytes, read).unwrap());
        prop_assert_eq!(controls.pop(), Some(Event::Close(Close::new(1000, "end"))));
        prop_assert!(controls.iter().all(|it| *it == Event::Ping(Bytes::from_static(b"between"))));
        let sent: Vec<_> = sent.into_iter().map(|(kind, bytes, _)| (kind, bytes)).collect();
        prop_assert!(arrived == sent);
    }

    #[test]
    fn any_bytes_are_events_or_a_violation(bytes: Vec<u8>, deflate: bool, is_server: bool, read in 1..9_usize) {
        let role = if is_server { Role::Server } else { Role::Client };
        let _ = events(&mut decoder(role, deflate), &bytes, read);
    }

    #[test]
    fn broken_compressed_data_is_a_violation_or_data(mut bytes: Vec<u8>, at: usize) {
        let mut outbox = outbox(Role::Server, true);
        outbox.piece(Piece { kind: Kind::Binary, is_first: true, is_last: true, payload: BytesMut::from(&[b'x'; 2_000][..]) });
        let mut frame = drain(&mut outbox, 1 << 20);
        let at = 2 + at % (frame.len() - 2);
        bytes.truncate(frame.len() - at);
        frame[at..at + bytes.len()].copy_from_slice(&bytes);
        let _ = events(&mut decoder(Role::Client, true), &frame, 1 << 20);
    }
}

/// Frames of a client with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn refused(bytes: &[u8]) -> Violation {
    events(&mut decoder(Role::Server, false), bytes, 1).unwrap_err()
}

#[test]
fn what_breaks_the_rules_is_told() {
    let protocol: &[&[u8]] = &[
        &frame(0xc1, b"rsv1 without an extension"),
        &frame(0xa1, b"rsv2"),
        &frame(0x91, b"rsv3"),
        &frame(0x83, b"an opcode"),
        &frame(0x8b, b"a control opcode"),
        &frame(0x09, b"a ping in fragments"),
        &frame(0x08, b""),
        &[0x89, 0xfe, 0, 126, 0, 0, 0, 0],
        &[0x81, 1, b'x'],
        &frame(0x80, b"a message goes on that has not begun"),
        &[frame(0x01, b"a"), frame(0x81, b"b")].concat(),
        &frame(0x88, b"x"),
        &frame(0x88, &[3, 237]),
    ];
    for bytes in protocol {
        assert_eq!(refused(bytes).close().code, Some(1002), "{bytes:02x?}");
    }
    for text in [&b"\xff"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut \xe2\x82"] {
        assert_eq!(refused(&frame(0x81, text)), Violation::NotText);
    }
    let cut = [frame(0x01, b"\xe2\x82"), frame(0x80, b"\xac\xe2")].concat();
    assert_eq!(refused(&cut), Violation::NotText);
    assert_eq!(refused(&frame(0x88, b"\x03\xe8\xff")), Violation::NotText);
    assert_eq!(refused(&[0x82, 0xff, 0, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0]).close().code, Some(1009));
    assert_eq!(refused(&[0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).close().code, Some(1009));
}

#[test]
fn a_message_is_measured_when_it_is_inflated() {
    let mut outbox = outbox(Role::Server, true);
    for piece in pieces(Kind::Binary, &vec![0; MESSAGE_BYTES as usize + 1], 1 << 16) {
        outbox.piece(piece);
    }
    let bytes = drain(&mut outbox, 1 << 20);
    assert!(bytes.len() < 5_000, "{}", bytes.len());
    let violation = events(&mut decoder(Role::Client, true), &bytes, 1 << 20).unwrap_err();
    assert_eq!(violation.close().code, Some(1009));
}

#[test]
fn empty_fragments_cost_nothing_and_are_not_passed_on() {
    let mut bytes = frame(0x01, b"");
    for _ in 0..1_000 {
        bytes.extend(frame(0x00, b""));
    }
    bytes.extend(frame(0x80, b"end"));
    let found = events(&mut decoder(Role::Server, false), &bytes, 100).unwrap();
    assert_eq!(found, [Event::Data(Piece::text("end"))]);
}

#[test]
fn an_order_to_close_goes_before_data_but_not_into_a_frame() {
    let mut outbox = outbox(Role::Server, false);
    outbox.piece(Piece { is_last: false, ..Piece::text("begun") });
    outbox.piece(Piece { is_first: false, ..Piece::text("dropped") });
    let mut bytes = Vec::new();
    let mut first = true;
    outbox
        .send(&mut To(|slices: &[io::IoSlice<'_>]| {
            if !std::mem::take(&mut first) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            bytes.extend_from_slice(&slices[0][..1]);
            Ok(1)
        }))
        .unwrap();
    outbox.close_now(&Close::new(4401, "ended"));
    bytes.extend(drain(&mut outbox, 3));
    let found = events(&mut decoder(Role::Client, false), &bytes, 1).unwrap();
    let begun = Piece { is_last: false, ..Piece::text("begun") };
    assert_eq!(found, [Event::Data(begun), Event::Close(Close::new(4401, "ended"))]);
}

#[test]
fn a_new_connection_begins_with_the_frame_that_was_begun() {
    let mut outbox = outbox(Role::Client, false);
    outbox.piece(Piece::text("first"));
    outbox.piece(Piece::text("second"));
    let mut writes = 0;
    outbox
        .send(&mut To(|slices: &[io::IoSlice<'_>]| {
            writes += 1;
            // The whole of the first frame, and a byte of the second.
            if writes == 1 { Ok(slices[0].len() + slices[1].len() + 1) } else { Err(io::ErrorKind::WouldBlock.into()) }
        }))
        .unwrap();
    outbox.ping(Bytes::new());
    outbox.start_over();
    let bytes = drain(&mut outbox, 1 << 20);
    let found = events(&mut decoder(Role::Server, false), &bytes, 1 << 20).unwrap();
    assert_eq!(found, [Event::Data(Piece::text("second"))]);
}

#[test]
fn what_waits_keeps_no_more_memory_than_it_has() {
    for deflate in [false, true] {
        let mut sending = outbox(Role::Client, deflate);
        let long = vec![b'a'; 1_500];
        for payload in [&b"short"[..], &long[..]] {
            sending.piece(Piece { kind: Kind::Text, is_first: true, is_last: true, payload: payload.into() });
        }
        let mut receiving = decoder(Role::Server, deflate);
        let bytes = drain(&mut sending, usize::MAX);
        let found = events(&mut receiving, &bytes, bytes.len()).unwrap();
        assert_eq!(found.len(), 2);
        for event in found {
            let Event::Data(piece) = event else { panic!("{event:?}") };
            let length = piece.payload.len();
            let kept = piece.payload.freeze().try_into_mut().expect("nothing else holds it").capacity();
            assert!(kept <= 2 * length + 64, "{kept} for {length}, compressed: {deflate}");
        }
    }
}

#[test]
fn a_message_may_be_several_compressed_streams() {
    let stream = |text: &[u8], flush| {
        let mut bytes = Vec::with_capacity(200);
        flate2::Compress::new(flate2::Compression::fast(), false).compress_vec(text, &mut bytes, flush).unwrap();
        bytes
    };
    let (first, second) =
        (stream(b"hello ", flate2::FlushCompress::Finish), stream(b"world", flate2::FlushCompress::Sync));
    let payload = [first, second[..second.len() - 4].to_vec()].concat();
    for size in 1..=payload.len() + 6 {
        let found = events(&mut decoder(Role::Server, true), &frame(0xc1, &payload), size).unwrap();
        assert_eq!(messages(found).0, [(Kind::Text, b"hello world".to_vec())], "{size}");
    }
}
