//! Many connections on which nothing is said but heartbeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt as _, stream};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Socket, small};
use crate::sidecar::Sidecar;
use crate::{Arguments, workspace};

/// Connections that are opened at once.
const OPENED_AT_ONCE: usize = 32;
/// What the sidecar's memory needs to come to rest.
const REST: Duration = Duration::from_secs(5);

/// What became of idle connections.
#[derive(Debug, Serialize)]
pub(crate) struct Idle {
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    pub(crate) disconnected: usize,
    /// Resident memory of the sidecar before the first connection.
    pub(crate) base_mb: f64,
    /// What each connection adds to it, at the worst of all looks.
    pub(crate) kb_each: f64,
    /// Pings that clients answered.
    pub(crate) beats: u64,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<Idle> {
    let sidecar = Sidecar::start("ws-idle", workspace::start().await?, &[]).await?;
    // The first connection brings what all share.
    drop(sidecar.way.connect("/echo", None, small()).await?);
    tokio::time::sleep(REST).await;
    let base = sidecar.memory()?.resident as f64;
    let sockets: Vec<Result<Socket>> = stream::iter(0..arguments.connections)
        .map(|_| sidecar.way.connect("/echo", None, small()))
        .buffer_unordered(OPENED_AT_ONCE)
        .collect()
        .await;
    let beats = Arc::new(AtomicU64::new(0));
    let mut watched = JoinSet::new();
    for socket in sockets {
        watched.spawn(watch(socket?, beats.clone()));
    }
    let mut worst: f64 = 0.0;
    let end = tokio::time::Instant::now() + Duration::from_secs(arguments.idle_seconds);
    while tokio::time::Instant::now() < end {
        tokio::time::sleep(REST.min(end - tokio::time::Instant::now())).await;
        worst = worst.max(sidecar.memory()?.resident as f64);
    }
    let mut disconnected = 0;
    while watched.try_join_next().is_some() {
        disconnected += 1;
    }
    Ok(Idle {
        connections: arguments.connections,
        seconds: arguments.idle_seconds,
        disconnected,
        base_mb: base / 1e6,
        kb_each: (worst - base) / 1e3 / arguments.connections as f64,
        beats: beats.load(Ordering::Relaxed),
    })
}

/// Answers heartbeats until the connection ends.
async fn watch(mut socket: Socket, beats: Arc<AtomicU64>) -> Result<()> {
    loop {
        match socket.next().await.context("disconnected")?? {
            Message::Ping(_) => beats.fetch_add(1, Ordering::Relaxed),
            Message::Close(_) => return Ok(()),
            _ => 0,
        };
    }
}
