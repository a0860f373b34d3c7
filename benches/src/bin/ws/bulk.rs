//! One stream of large messages, direct, through the sidecar and through proxies of others, in turn, in both directions.

use std::collections::HashSet;
use std::time::Instant;

use anyhow::{Context, Result};
use coditect_benches::report::quantile;
use futures::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::Arguments;
use crate::client::Way;
use crate::proxies;
use crate::sidecar::Sidecar;
use crate::workspace;

/// Bytes of a stream.
const STREAM: usize = 1 << 30;
/// Bytes of each of its messages: those of a file that is copied, and those of programs that write in small parts.
const MESSAGES: [usize; 2] = [1 << 20, 64 << 10];

/// The way without anything between.
pub(crate) const DIRECT: &str = "direct";
/// The way through the sidecar.
pub(crate) const SIDECAR: &str = "the sidecar";

/// One round on one way, MB/s.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) way: &'static str,
    /// Size of the messages, bytes.
    pub(crate) message_bytes: usize,
    pub(crate) from_workspace: f64,
    pub(crate) to_workspace: f64,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Vec<Run>> {
    let address = workspace::start().await?;
    let sidecar = Sidecar::start("ws-bulk", address, &[]).await?;
    let proxies = proxies::start(address).await?;
    let direct = Way { address, token: None };
    let mut ways = vec![(DIRECT, &direct), (SIDECAR, &sidecar.way)];
    ways.extend(proxies.iter().map(|proxy| (proxy.name, &proxy.way)));
    let mut runs = Vec::new();
    for _ in 0..arguments.rounds {
        for message_bytes in MESSAGES {
            for (name, way) in &ways {
                let (from_workspace, to_workspace) = (down(way, message_bytes).await?, up(way, message_bytes).await?);
                runs.push(Run { way: name, message_bytes, from_workspace, to_workspace });
            }
        }
    }
    Ok(runs)
}

/// What one way reached in one direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// MB/s, median of the rounds.
    pub(crate) speed: f64,
    /// Of what the direct way reached in the same round, median of the rounds.
    pub(crate) share: f64,
}

/// The sizes of messages that were measured.
pub(crate) fn sizes(runs: &[Run]) -> Vec<usize> {
    MESSAGES.into_iter().filter(|size| runs.iter().any(|run| run.message_bytes == *size)).collect()
}

/// The ways with what they reached from the workspace and to it, with messages of a size.
pub(crate) fn by_way(runs: &[Run], message_bytes: usize) -> Vec<(&'static str, [Reached; 2])> {
    let of = |way: &'static str| runs.iter().filter(move |run| run.way == way && run.message_bytes == message_bytes);
    let reached = |way, speed: fn(&Run) -> f64| {
        let mut speeds: Vec<f64> = of(way).map(speed).collect();
        let mut shares: Vec<f64> = speeds.iter().zip(of(DIRECT).map(speed)).map(|(one, direct)| one / direct).collect();
        Reached { speed: quantile(&mut speeds, 0.5), share: quantile(&mut shares, 0.5) }
    };
    let mut ways: Vec<&'static str> = runs.iter().map(|run| run.way).collect();
    let mut seen = HashSet::new();
    ways.retain(|way| seen.insert(*way));
    let both = |way| [reached(way, |run| run.from_workspace), reached(way, |run| run.to_workspace)];
    ways.into_iter().map(|way| (way, both(way))).collect()
}

/// The smaller of both directions' shares of direct throughput through the sidecar, of a stream of large messages.
pub(crate) fn least_share(runs: &[Run]) -> f64 {
    let sidecar = by_way(runs, MESSAGES[0]).into_iter().find(|(way, _)| *way == SIDECAR);
    sidecar.map_or(0.0, |(_, [from, to])| from.share.min(to.share))
}

async fn down(way: &Way, message_bytes: usize) -> Result<f64> {
    let mut socket = way.connect("/flood", None, WebSocketConfig::default()).await?;
    let begin = Instant::now();
    socket.send(Message::text(format!("{STREAM} {message_bytes}"))).await?;
    let mut left = STREAM;
    while left > 0 {
        left = left.saturating_sub(socket.next().await.context("the stream ended")??.len());
    }
    Ok(STREAM as f64 / 1e6 / begin.elapsed().as_secs_f64())
}

async fn up(way: &Way, message_bytes: usize) -> Result<f64> {
    let mut socket = way.connect("/sink", None, WebSocketConfig::default()).await?;
    let begin = Instant::now();
    socket.send(Message::text(STREAM.to_string())).await?;
    let message = Message::binary(vec![7; message_bytes]);
    for _ in 0..STREAM / message_bytes {
        socket.feed(message.clone()).await?;
    }
    socket.flush().await?;
    while !socket.next().await.context("the stream ended")??.is_text() {}
    Ok(STREAM as f64 / 1e6 / begin.elapsed().as_secs_f64())
}
