//! One stream of large messages, direct and through the sidecar, in turn, in both directions.

use std::time::Instant;

use anyhow::{Context, Result};
use futures::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::Arguments;
use crate::client::Way;
use crate::sidecar::Sidecar;
use crate::workspace::{self, BULK_MESSAGE};

/// Bytes of a stream.
const STREAM: usize = 1 << 30;

/// The same stream on both ways, MB/s.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) direct: f64,
    pub(crate) through: f64,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Vec<Pair>> {
    let address = workspace::start().await?;
    let sidecar = Sidecar::start("ws-bulk", address, &[]).await?;
    let direct = Way { address, token: None };
    let mut pairs = Vec::new();
    for _ in 0..arguments.rounds {
        let (one, other) = (down(&direct).await?, down(&sidecar.way).await?);
        pairs.push(Pair { name: "from the workspace".into(), direct: one, through: other });
        let (one, other) = (up(&direct).await?, up(&sidecar.way).await?);
        pairs.push(Pair { name: "to the workspace".into(), direct: one, through: other });
    }
    Ok(pairs)
}

/// The smaller of both directions' shares of direct throughput, each the median of the rounds.
pub(crate) fn least_share(pairs: &[Pair]) -> f64 {
    let median = |name: &str| {
        let shares = pairs.iter().filter(|pair| pair.name.starts_with(name)).map(|pair| pair.through / pair.direct);
        coditect_benches::report::quantile(&mut shares.collect::<Vec<_>>(), 0.5)
    };
    median("from").min(median("to"))
}

async fn down(way: &Way) -> Result<f64> {
    let mut socket = way.connect("/flood", None, WebSocketConfig::default()).await?;
    let begin = Instant::now();
    socket.send(Message::text(STREAM.to_string())).await?;
    let mut left = STREAM;
    while left > 0 {
        left = left.saturating_sub(socket.next().await.context("the stream ended")??.len());
    }
    Ok(STREAM as f64 / 1e6 / begin.elapsed().as_secs_f64())
}

async fn up(way: &Way) -> Result<f64> {
    let mut socket = way.connect("/sink", None, WebSocketConfig::default()).await?;
    let begin = Instant::now();
    socket.send(Message::text(STREAM.to_string())).await?;
    let message = Message::binary(vec![7; BULK_MESSAGE]);
    for _ in 0..STREAM / BULK_MESSAGE {
        socket.feed(message.clone()).await?;
    }
    socket.flush().await?;
    while !socket.next().await.context("the stream ended")??.is_text() {}
    Ok(STREAM as f64 / 1e6 / begin.elapsed().as_secs_f64())
}
