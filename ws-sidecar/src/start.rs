//! What a process needs around a sidecar: its log, its metrics, the store and the sessions on it.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use coditect_auth::{Auth, AuthOptions, Issuing, KeyRing, Registration};
use coditect_store::{Clock, EmbeddedOptions, Store};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::lookup::{Gateway, GatewayOptions, Source};
use crate::meters;
use crate::settings::{Log, LogFormat, Sessions};

/// Bounds of histograms of times, seconds.
const SECONDS: [f64; 12] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// Starts the log.
pub fn log(log: &Log) {
    let filter = EnvFilter::try_new(format!("hyper=warn,{}", log.level)).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Only a second start in one process fails, and the first one's log goes on.
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Starts metrics.
///
/// # Errors
/// When another recorder was installed before.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?;
    let handle = builder.install_recorder()?;
    meters::describe();
    Ok(handle)
}

/// What sessions are looked up in, opened.
pub enum Opened {
    /// The store, and the sessions on it.
    Store(Store, Auth),
    /// The gateway.
    Gateway(Gateway),
}

/// Opens what the settings name.
///
/// # Errors
/// When they name nothing or several things, or it does not open.
pub async fn open(sessions: &Sessions) -> anyhow::Result<Opened> {
    match (&sessions.gateway, &sessions.gateway_token_file) {
        (Some(url), Some(token_file)) => {
            let (url, token_file, ca_file) = (url.clone(), token_file.clone(), sessions.gateway_ca_file.clone());
            Ok(Opened::Gateway(Gateway::new(GatewayOptions { url, token_file, ca_file })?))
        }
        _ => {
            let store = store(sessions).await?;
            let auth = auth(&store, sessions)?;
            Ok(Opened::Store(store, auth))
        }
    }
}

impl Opened {
    /// For a sidecar.
    pub fn source(&self) -> Source {
        match self {
            Self::Store(_, auth) => Source::Store(auth.clone()),
            Self::Gateway(gateway) => Source::Gateway(gateway.clone()),
        }
    }

    /// Source of ids and time.
    pub fn clock(&self) -> Clock {
        match self {
            Self::Store(store, _) => store.clock().clone(),
            Self::Gateway(_) => Clock::system(),
        }
    }

    /// Writes down what is not written down yet, and closes the store.
    ///
    /// # Errors
    /// When it does not close cleanly.
    pub async fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Store(store, auth) => {
                auth.stop().await;
                store.close().await.context("close the store")
            }
            Self::Gateway(_) => Ok(()),
        }
    }
}

async fn store(sessions: &Sessions) -> anyhow::Result<Store> {
    let cluster = sessions.fdb_cluster_string.is_some() || sessions.fdb_cluster_file.is_some();
    match (&sessions.data_dir, cluster) {
        (Some(_), true) => bail!("set either a FoundationDB cluster or --data-dir"),
        (Some(folder), false) => {
            let opened = Store::open_embedded(EmbeddedOptions::new(folder)).await;
            opened.with_context(|| format!("open the store in {}", folder.display()))
        }
        (None, true) => fdb(sessions).await,
        (None, false) => {
            bail!("set CODITECT_WS_GATEWAY, FDB_CLUSTER_STRING or FDB_CLUSTER_FILE: sessions are looked up there")
        }
    }
}

#[cfg(feature = "fdb")]
async fn fdb(sessions: &Sessions) -> anyhow::Result<Store> {
    use coditect_store::{FdbCluster, FdbOptions};
    let cluster = match (&sessions.fdb_cluster_string, &sessions.fdb_cluster_file) {
        (Some(text), _) => FdbCluster::String(text.clone()),
        (None, Some(file)) => FdbCluster::File(file.clone()),
        (None, None) => FdbCluster::Default,
    };
    Store::open_fdb(FdbOptions::new(cluster)).await.context("open the FoundationDB cluster")
}

#[cfg(not(feature = "fdb"))]
async fn fdb(_: &Sessions) -> anyhow::Result<Store> {
    bail!("this build has no FoundationDB client: build with --features fdb")
}

fn auth(store: &Store, sessions: &Sessions) -> anyhow::Result<Auth> {
    let secret =
        sessions.jwt_secret.as_ref().context("set JWT_SECRET to the secret that the gateway signs tokens with")?;
    let keys = KeyRing::new(secret, &sessions.jwt_previous_secrets).context("JWT_SECRET")?;
    let issuing =
        Issuing { issuer: sessions.issuer.clone(), audience: sessions.audience.clone(), ..Issuing::default() };
    let options = AuthOptions { issuing, registration: Registration::Closed, ..AuthOptions::new(keys) };
    Auth::start(store.clone(), options).context("begin to look up sessions")
}
