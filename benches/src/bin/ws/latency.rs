//! Small messages on many connections: how long one takes there and back, direct and through the sidecar, in turn.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use coditect_benches::open_loop::{Latencies, Summary};
use coditect_benches::report::quantile;
use futures::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Way, small};
use crate::sidecar::Sidecar;
use crate::{Arguments, workspace};

const CONNECTIONS: usize = 200;
const MESSAGE_BYTES: usize = 1_000;
/// Pause between two messages of a connection.
const PAUSE: Duration = Duration::from_millis(20);

/// The same load on both ways.
#[derive(Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) direct: Summary,
    pub(crate) through: Summary,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Vec<Pair>> {
    let address = workspace::start().await?;
    let sidecar = Sidecar::start("ws-latency", address, &[]).await?;
    let direct = Way { address, token: None };
    let time = Duration::from_secs(arguments.seconds);
    let mut pairs = Vec::new();
    for _ in 0..arguments.rounds {
        let (direct, through) = (load(&direct, time).await?, load(&sidecar.way, time).await?);
        pairs.push(Pair { direct, through });
    }
    Ok(pairs)
}

/// What the sidecar adds to the 99th percentile, ms: the median of the rounds.
pub(crate) fn added_p99(pairs: &[Pair]) -> f64 {
    let mut added: Vec<f64> = pairs.iter().map(|pair| pair.through.p99 - pair.direct.p99).collect();
    quantile(&mut added, 0.5)
}

async fn load(way: &Way, time: Duration) -> Result<Summary> {
    let mut running = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (way, offset) = (way.clone(), PAUSE.mul_f64(number as f64 / CONNECTIONS as f64));
        running.spawn(async move { converse(&way, offset, time).await });
    }
    let mut all = Latencies::new()?;
    while let Some(latencies) = running.join_next().await {
        for latency in latencies.context("a connection's task failed")?? {
            all.record(latency);
        }
    }
    Ok(all.summary())
}

/// One connection: a message when it is due, whatever became of the one before. Latency counts from then.
async fn converse(way: &Way, offset: Duration, time: Duration) -> Result<Vec<Duration>> {
    let (mut sending, mut receiving) = way.connect("/echo", None, small()).await?.split();
    // All connections are there before the first speaks.
    tokio::time::sleep(Duration::from_secs(1) + offset).await;
    let (begin, count) = (Instant::now(), (time.as_secs_f64() / PAUSE.as_secs_f64()) as u32);
    let due = move |number: u32| PAUSE * number;
    let sender = async {
        for number in 0..count {
            tokio::time::sleep(due(number).saturating_sub(begin.elapsed())).await;
            let mut payload = vec![0; MESSAGE_BYTES];
            payload[..4].copy_from_slice(&number.to_be_bytes());
            sending.send(Message::binary(payload)).await.context("send")?;
        }
        anyhow::Ok(())
    };
    let receiver = async {
        let mut latencies = Vec::with_capacity(count as usize);
        while latencies.len() < count as usize {
            let message = receiving.next().await.context("the connection ended")?.context("receive")?;
            if let Message::Binary(payload) = message {
                let number = u32::from_be_bytes(*payload.first_chunk().context("a message without a number")?);
                ensure!(number as usize == latencies.len(), "message {number} came out of order");
                latencies.push(begin.elapsed().saturating_sub(due(number)));
            }
        }
        anyhow::Ok(latencies)
    };
    let ((), latencies) = tokio::try_join!(sender, receiver)?;
    Ok(latencies)
}
