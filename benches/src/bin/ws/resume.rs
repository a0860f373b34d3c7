//! Channels under traffic both ways whose connections are cut: nothing may be lost, doubled or reordered (docs/resume-protocol.md).

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{SinkExt as _, StreamExt as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Socket, Way, small};
use crate::sidecar::Sidecar;
use crate::{Arguments, workspace};

/// What became of the messages of all channels.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Resumed {
    pub(crate) channels: usize,
    pub(crate) cuts: u64,
    pub(crate) longest_cut_s: f64,
    pub(crate) messages: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) reordered: u64,
}

/// A client's side of a channel.
struct Channel {
    way: Way,
    /// None while it is away.
    socket: Option<Socket>,
    name: String,
    /// What was sent and not acknowledged: numbers of envelopes from here on.
    acknowledged: u64,
    sent: u64,
    received: u64,
    tally: Tally,
}

/// What came, of both kinds of message.
#[derive(Default)]
struct Tally {
    counted: u64,
    echoed: u64,
    lost: u64,
    doubled: u64,
    reordered: u64,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Resumed> {
    let sidecar = Sidecar::start("ws-resume", workspace::start().await?, &[]).await?;
    let longest = Duration::from_secs(arguments.cut_seconds);
    let mut running = JoinSet::new();
    for seed in 0..arguments.channels as u64 {
        running.spawn(trial(sidecar.way.clone(), seed, longest));
    }
    let mut all = Resumed { channels: arguments.channels, ..Resumed::default() };
    while let Some(one) = running.join_next().await {
        let one = one.context("a channel's task failed")??;
        all.cuts += one.cuts;
        all.longest_cut_s = all.longest_cut_s.max(one.longest_cut_s);
        all.messages += one.messages;
        all.lost += one.lost;
        all.doubled += one.doubled;
        all.reordered += one.reordered;
    }
    Ok(all)
}

/// A channel with short cuts, then one as long as it may be, then short ones again.
async fn trial(way: Way, seed: u64, longest: Duration) -> Result<Resumed> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut channel = Channel::open(way).await.with_context(|| format!("seed {seed}"))?;
    let mut record = Resumed::default();
    for cut in 0..7 {
        let talk = Duration::from_millis(random.random_range(20..1_500));
        channel.talk(Instant::now() + talk).await.with_context(|| format!("seed {seed}, cut {cut}"))?;
        let away = match cut {
            3 => longest,
            _ => Duration::from_millis(random.random_range(0..1_000)),
        };
        record.longest_cut_s = record.longest_cut_s.max(away.as_secs_f64());
        record.cuts += 1;
        // Every other connection is left as it is, as when a network is gone: the sidecar learns of its end from the next one.
        let keep = random.random_bool(0.5);
        channel.come_back(away, keep).await.with_context(|| format!("seed {seed}, cut {cut}"))?;
    }
    channel.finish().await.with_context(|| format!("seed {seed}"))?;
    let Tally { counted, echoed, lost, doubled, reordered } = channel.tally;
    Ok(Resumed { messages: counted + echoed, lost, doubled, reordered, ..record })
}

impl Channel {
    async fn open(way: Way) -> Result<Self> {
        let mut socket = begin(&way, r#"{"type":"open"}"#.to_owned()).await?;
        let ready = ready(&mut socket).await?;
        let name = ready["channel"].as_str().context("a channel has a name")?.to_owned();
        Ok(Self { way, socket: Some(socket), name, acknowledged: 0, sent: 0, received: 0, tally: Tally::default() })
    }

    /// Sends and receives until then.
    async fn talk(&mut self, end: Instant) -> Result<()> {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return Ok(()),
                _ = pause.tick() => self.send().await?,
                message = next(&mut self.socket) => {
                    self.take(&message?)?;
                    if self.received.is_multiple_of(16) {
                        self.acknowledge().await?;
                    }
                }
            }
        }
    }

    /// The next message: its number says what it is.
    async fn send(&mut self) -> Result<()> {
        self.sent += 1;
        self.say(envelope(self.sent)).await
    }

    async fn acknowledge(&mut self) -> Result<()> {
        let text = format!(r#"{{"type":"ack","received":{}}}"#, self.received);
        self.say(Message::text(text)).await
    }

    async fn say(&mut self, message: Message) -> Result<()> {
        self.socket.as_mut().context("no connection")?.send(message).await.context("send")
    }

    fn take(&mut self, message: &Message) -> Result<()> {
        match message {
            Message::Binary(bytes) => {
                let number = u64::from_be_bytes(*bytes[1..].first_chunk().context("an envelope without a number")?);
                if number <= self.received {
                    // What comes again is dropped, as the protocol says.
                    return Ok(());
                }
                ensure!(number == self.received + 1, "envelope {number} after {}", self.received);
                self.received = number;
                self.tally.message(bytes[0] & 1 != 0, &bytes[9..])
            }
            Message::Text(text) if text.contains(r#""type":"ack""#) => {
                let ack: serde_json::Value = serde_json::from_str(text)?;
                self.acknowledged = ack["received"].as_u64().context("an acknowledgement has a number")?;
                Ok(())
            }
            Message::Close(close) => anyhow::bail!("closed with {close:?}"),
            _ => Ok(()),
        }
    }

    /// Loses the connection, stays away, and comes back.
    async fn come_back(&mut self, away: Duration, keep: bool) -> Result<()> {
        let opening = format!(r#"{{"type":"resume","channel":"{}","received":{}}}"#, self.name, self.received);
        // What is not kept is cut here and now.
        let kept = self.socket.take().filter(|_| keep);
        tokio::time::sleep(away).await;
        let mut socket = begin(&self.way, opening).await?;
        let ready = ready(&mut socket).await?;
        drop(kept);
        self.acknowledged = ready["received"].as_u64().context("ready tells what arrived")?;
        for number in self.acknowledged + 1..=self.sent {
            socket.send(envelope(number)).await.context("send again")?;
        }
        self.socket = Some(socket);
        Ok(())
    }

    /// Waits until everything that was sent has come back, and the count has gone on.
    async fn finish(&mut self) -> Result<()> {
        let finished = async {
            while self.tally.echoed < self.sent {
                let message = next(&mut self.socket).await?;
                self.take(&message)?;
                if self.received.is_multiple_of(16) {
                    self.acknowledge().await?;
                }
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(Duration::from_secs(30), finished).await {
            Ok(done) => done,
            Err(_) => {
                self.tally.lost += self.sent - self.tally.echoed;
                Ok(())
            }
        }
    }
}

impl Tally {
    /// Each kind counts by itself: what comes must be the next of its kind.
    fn message(&mut self, is_count: bool, payload: &[u8]) -> Result<()> {
        let (next, number) = if is_count {
            (&mut self.counted, std::str::from_utf8(payload)?.parse()?)
        } else {
            (&mut self.echoed, u64::from_be_bytes(*payload.first_chunk().context("an echo has a number")?) - 1)
        };
        match number.cmp(next) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Less => self.doubled += 1,
            std::cmp::Ordering::Greater => {
                self.lost += number - *next;
                self.reordered += 1;
            }
        }
        *next = number + 1;
        Ok(())
    }
}

fn envelope(number: u64) -> Message {
    Message::binary([&[2], &number.to_be_bytes()[..], &number.to_be_bytes(), &[0; 100]].concat())
}

async fn next(socket: &mut Option<Socket>) -> Result<Message> {
    let socket = socket.as_mut().context("no connection")?;
    socket.next().await.context("the connection ended")?.context("receive")
}

async fn begin(way: &Way, opening: String) -> Result<Socket> {
    let mut socket = way.connect("/count", Some("coditect.resume.v1"), small()).await?;
    socket.send(Message::text(opening)).await.context("open the channel")?;
    Ok(socket)
}

async fn ready(socket: &mut Socket) -> Result<serde_json::Value> {
    loop {
        match socket.next().await.context("the connection ended")?? {
            Message::Text(text) => return serde_json::from_str(&text).context("read the first message"),
            Message::Close(close) => anyhow::bail!("closed with {close:?}"),
            _ => {}
        }
    }
}
