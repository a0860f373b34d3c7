//! Large binary frames that neither end has to have changed are led past this process: their payload stays in the kernel.

use std::io;

use tokio::io::Interest;
use tokio::time::Instant;

use super::Side;
use crate::limits;
use crate::wire::{Pipe, Spliced, Violation};

/// How far one end is with it.
#[derive(Debug, Default)]
pub(super) struct Splicing {
    /// Bytes that the other end takes as they are, at once.
    most: usize,
    /// Whether the system does not do it with this socket.
    is_impossible: bool,
    /// What was taken of a frame that is not passed on yet.
    pipe: Option<Pipe>,
    /// Whether the next head is read alone, because the last frame was led past and what follows may be as well.
    pub(super) is_streaming: bool,
}

impl Splicing {
    /// Whether reading in the usual way would take what may be led past.
    pub(super) fn is_under_way(&self) -> bool {
        self.pipe.is_some() || self.is_streaming
    }
}

impl Side {
    /// Parts of large binary frames may be led past this process, of at most so many bytes: as many as the other end takes as they are.
    pub(crate) fn splice_up_to(&mut self, most: usize) {
        self.splicing.most = most;
    }

    /// Reads the next head without what follows it. `false` when it is there, or nothing came.
    pub(super) fn read_head(&mut self) -> bool {
        let is_wanted = self.splicing.is_streaming && !self.is_over;
        let wanted = self.decoder.head_bytes().filter(|wanted| is_wanted && *wanted > 0);
        wanted.is_some_and(|wanted| self.read_up_to(wanted).is_ok_and(|read| read > 0))
    }

    /// A part of a frame that nobody has to look into: all that is left of it, or a large part of a larger one. `None` until that is there.
    pub(super) fn splice(&mut self) -> Result<Option<Spliced>, Violation> {
        // What was begun goes on, also when the other end is away by now: it is kept for it.
        let is_wanted = self.splicing.most > 0 || self.splicing.pipe.is_some();
        let most = self.splicing.most.clamp(limits::PIECE_BYTES, limits::PIPE_BYTES);
        let is_possible = is_wanted && !self.splicing.is_impossible && !self.is_over;
        let Some(wanted) = self.decoder.splice_bytes().filter(|_| is_possible) else {
            self.splicing.is_streaming &= self.decoder.head_bytes().is_some();
            return Ok(None);
        };
        let Some(mut pipe) = self.splicing.pipe.take().or_else(|| Pipe::take().ok()) else {
            self.splicing.is_streaming = false;
            return Ok(None);
        };
        match self.fill(&mut pipe, wanted.min(most)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull && pipe.held() > 0 => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if pipe.held() < limits::PIECE_BYTES {
                    self.splicing.pipe = Some(pipe).filter(|pipe| pipe.held() > 0);
                    return Ok(None);
                }
            }
            Err(error) => {
                // If it is not the socket that is broken, it is read in the usual way from now on.
                tracing::debug!(%error, "a frame was not led past");
                self.splicing = Splicing { is_impossible: true, ..Splicing::default() };
                self.is_over |= pipe.held() > 0;
                return Ok(None);
            }
        }
        self.splicing.is_streaming = true;
        self.read_bytes = limits::READ_BYTES;
        self.decoder.spliced(pipe)
    }

    /// Takes what is there until a pipe holds `wanted` bytes.
    fn fill(&mut self, pipe: &mut Pipe, wanted: usize) -> io::Result<()> {
        let stream = &self.stream;
        while pipe.held() < wanted {
            let most = wanted - pipe.held();
            if stream.try_io(Interest::READABLE, || pipe.fill(stream, most))? == 0 {
                self.is_over = true;
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.heart.heard = Instant::now();
        }
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::tests::connection;
    use super::*;
    use crate::wire::Event;

    /// A binary frame of a client.
    fn frame(payload: &[u8], key: [u8; 4]) -> Vec<u8> {
        let head = [&[0x82, 0xff][..], &(payload.len() as u64).to_be_bytes(), &key].concat();
        let masked = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        head.into_iter().chain(masked).collect()
    }

    /// What comes in next, once it is there.
    async fn next(side: &mut Side) -> Event {
        loop {
            if let Some(event) = side.next(|_| {}).expect("no rule is broken") {
                return event;
            }
            side.ready(true).await.expect("the socket is there");
            side.read().expect("the socket can be read");
        }
    }

    #[tokio::test]
    async fn frames_of_a_stream_are_led_past_as_they_are() {
        let (mut side, mut client) = connection().await;
        let (mut other, mut reader) = connection().await;
        side.splice_up_to(limits::PIPE_BYTES);
        let payload: Vec<u8> = (0..70_000_u32).map(|at| (at / 7) as u8).collect();
        let frames: Vec<Vec<u8>> = (0..8_u8).map(|number| frame(&payload, [number, 7, 9, 1])).collect();
        let (sent, total) = (frames.concat(), frames.concat().len());
        let writing = tokio::spawn(async move { client.write_all(&sent).await.map(|()| client) });
        let reading = tokio::spawn(async move {
            let mut all = vec![0; total];
            reader.read_exact(&mut all).await.map(|_| all)
        });
        for number in 0..frames.len() {
            let Event::Spliced(piece) = next(&mut side).await else { panic!("frame {number} was read") };
            assert!(piece.is_first && piece.is_last && piece.len() == payload.len());
            assert!(number == 0 || piece.lead.is_empty(), "only the head is read");
            other.outbox.spliced(piece);
            while !other.outbox.is_empty() {
                other.ready(false).await.unwrap();
                other.flush().unwrap();
            }
        }
        assert!(reading.await.unwrap().unwrap() == frames.concat());
        // Small ones are read again as always.
        let mut client = writing.await.unwrap().unwrap();
        client.write_all(&[0x82, 0x80, 0, 0, 0, 0]).await.unwrap();
        assert!(matches!(next(&mut side).await, Event::Data(_)));
        assert!(!side.splicing.is_under_way());
    }

    #[tokio::test]
    async fn nothing_is_led_past_where_the_other_end_wants_it_changed() {
        let (mut side, mut client) = connection().await;
        client.write_all(&frame(&[7; 70_000], [1, 2, 3, 4])).await.unwrap();
        let Event::Data(piece) = next(&mut side).await else { panic!("it was led past") };
        assert!(piece.payload.iter().all(|byte| *byte == 7));
    }
}
