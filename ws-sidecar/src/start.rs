//! What a process needs around a sidecar: its log, its metrics, the store and the sessions on it.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use coditect_auth::{Auth, AuthOptions, Issuing, KeyRing, Registration};
use coditect_store::{EmbeddedOptions, Store};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

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

/// Opens the store that the settings name.
///
/// # Errors
/// When they name none or several, or it does not open.
pub async fn store(sessions: &Sessions) -> anyhow::Result<Store> {
    let cluster = sessions.fdb_cluster_string.is_some() || sessions.fdb_cluster_file.is_some();
    match (&sessions.data_dir, cluster) {
        (Some(_), true) => bail!("set either a FoundationDB cluster or --data-dir"),
        (Some(folder), false) => {
            let opened = Store::open_embedded(EmbeddedOptions::new(folder)).await;
            opened.with_context(|| format!("open the store in {}", folder.display()))
        }
        (None, true) => fdb(sessions).await,
        (None, false) => bail!("set FDB_CLUSTER_STRING or FDB_CLUSTER_FILE: sessions are looked up there"),
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

/// Begins to look up sessions on `store`.
///
/// # Errors
/// For a secret that is missing or too short.
pub fn auth(store: &Store, sessions: &Sessions) -> anyhow::Result<Auth> {
    let secret =
        sessions.jwt_secret.as_ref().context("set JWT_SECRET to the secret that the gateway signs tokens with")?;
    let keys = KeyRing::new(secret, &sessions.jwt_previous_secrets).context("JWT_SECRET")?;
    let issuing =
        Issuing { issuer: sessions.issuer.clone(), audience: sessions.audience.clone(), ..Issuing::default() };
    let options = AuthOptions { issuing, registration: Registration::Closed, ..AuthOptions::new(keys) };
    Auth::start(store.clone(), options).context("begin to look up sessions")
}
