//! From the suspension of a session to the end of its connection. The store is shared with the sidecar, so both are in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser as _;
use coditect_benches::report::quantile;
use coditect_store::TenantId;
use coditect_websocket::{Settings, Sidecar, Source};
use futures::StreamExt as _;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::client::{Socket, Way, small};
use crate::{sidecar, workspace};

/// How long it took, ms.
#[derive(Debug, Serialize)]
pub(crate) struct Revocation {
    pub(crate) trials: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) async fn measure(trials: usize) -> Result<Revocation> {
    let (store, _) = sidecar::store("ws-revocation").await?;
    let auth = sidecar::auth(&store)?;
    let user = sidecar::user(&auth).await?;
    let upstream = format!("http://{}", workspace::start().await?);
    let (mut settings, anywhere) = (
        Cli::parse_from(["ws", "--workspace=bench", "--upstream", &upstream, "--user", user.as_str()]).settings,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    );
    (settings.listen, settings.ops_listen) = (anywhere, anywhere);
    let sidecar = Sidecar::start(settings, Source::Store(auth.clone()), store.clock().clone(), None).await?;
    let (address, stop) = (sidecar.address(), CancellationToken::new());
    let running = tokio::spawn(sidecar.run(stop.clone().cancelled_owned()));
    let token = sidecar::login(&auth).await?.token.expose_secret().to_owned();
    let session = auth.acting(auth.authenticate(&token).await?, "bench").session().await?.session_id;
    let (way, operator) = (Way { address, token: Some(token) }, auth.operator(&TenantId::new("default")?));
    let mut times = Vec::with_capacity(trials);
    for _ in 0..trials {
        let socket = way.connect("/echo", None, small()).await?;
        let begin = Instant::now();
        operator.suspend(&session).await?;
        until_closed(socket).await?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        operator.resume(&session).await?;
    }
    stop.cancel();
    running.await.context("stop the sidecar")?;
    auth.stop().await;
    store.close().await.context("close the store")?;
    let (p50, p99, worst) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99), quantile(&mut times, 1.0));
    Ok(Revocation { trials, p50, p99, worst })
}

async fn until_closed(mut socket: Socket) -> Result<()> {
    loop {
        match socket.next().await.context("the connection ended without a word")?? {
            Message::Close(Some(frame)) if u16::from(frame.code) == 4401 => return Ok(()),
            Message::Close(other) => bail!("closed with {other:?}"),
            _ => {}
        }
    }
}
