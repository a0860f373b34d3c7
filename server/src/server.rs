//! A server from start to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use coditect_auth::Auth;
use coditect_websocket::Sidecar;
use coditect_workspaces::Reconciler;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connections::Serving;
use crate::settings::Settings;
use crate::start::{StartError, assemble};
use crate::state::AppState;
use crate::tls::Tls;
use crate::{connections, gateway, limits, routes, telemetry, workspaces};

/// A server that holds its port and its data directory.
pub struct Server {
    app: AppState,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
    metrics: Option<(TcpListener, SocketAddr)>,
    sidecar: Option<Sidecar>,
    reconciler: Option<Box<Reconciler>>,
}

impl Server {
    /// Opens store, embedder and engine, binds the port, and writes the address file.
    ///
    /// # Errors
    /// See [`StartError`]; nothing stays open then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let tls = Tls::load(&settings.tls)?;
        let app = assemble(settings).await?;
        let bound = async {
            let reconciler = Box::pin(workspaces::reconciler(&app)).await?;
            Ok((bind(&app.settings).await?, gateway::local::start(&app).await?, reconciler))
        };
        match bound.await {
            Ok((((listener, address), metrics), sidecar, reconciler)) => {
                tracing::info!(%address, tls = tls.is_some(), "listening");
                if tls.is_none() && !address.ip().is_loopback() {
                    tracing::warn!(
                        "tokens and documents travel unencrypted, unless a proxy before this server speaks TLS"
                    );
                }
                Ok(Self { app, listener, address, tls, metrics, sidecar, reconciler })
            }
            Err(error) => {
                close(&app).await;
                Err(error)
            }
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which metrics are told, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
    }

    /// Users, sessions and tokens, as an operator at this machine has them.
    pub fn auth(&self) -> &Auth {
        &self.app.auth
    }

    /// Serves until `stop` is done, finishes what is under way within a bound, and closes everything.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self { app, listener, tls, metrics, sidecar, reconciler, .. } = self;
        let (ending, leaving, tasks) = (CancellationToken::new(), app.leaving.clone(), TaskTracker::new());
        let upkeep = telemetry::upkeep(app.metrics.clone());
        tasks.spawn(ending.clone().run_until_cancelled_owned(upkeep));
        if let Some(tls) = tls.clone() {
            tasks.spawn(ending.clone().run_until_cancelled_owned(tls.keep_new()));
        }
        if let Some((listener, _)) = metrics {
            let grace = Duration::ZERO;
            let most = limits::METRICS_CONNECTIONS;
            let serving = Serving { router: routes::metrics_router(&app), tls: None, most, grace };
            tasks.spawn(connections::serve(listener, serving, ending.clone().cancelled_owned()));
        }
        if let Some(every) = cleanup_interval(&app.settings) {
            let (auth, kept) = (app.auth.clone(), Duration::from_secs(app.settings.auth.audit_kept_s));
            let stop = ending.clone();
            tasks.spawn(async move { auth.keep_clean(every, kept, stop).await });
        }
        let sweeping = {
            let auth = app.auth.clone();
            async move { auth.keep_swept().await }
        };
        tasks.spawn(ending.clone().run_until_cancelled_owned(sweeping));
        if let Some(sidecar) = sidecar {
            // Its clients are told to come back before their sockets are cut off.
            tasks.spawn(sidecar.run(leaving.clone().cancelled_owned()));
        }
        if let Some(reconciler) = reconciler {
            // It hands its lease over as soon as the server is to stop.
            let stop = leaving.clone();
            tasks.spawn(async move { reconciler.run(stop).await });
        }
        let stop = async {
            stop.await;
            leaving.cancel();
        };
        let bounds = &app.settings.limits;
        let grace = Duration::from_millis(bounds.shutdown_ms);
        let serving = Serving { router: routes::router(&app), tls, most: bounds.connections, grace };
        let sockets = async {
            leaving.cancelled().await;
            app.tunnels.stop(grace).await;
        };
        tokio::join!(connections::serve(listener, serving, stop), sockets);
        ending.cancel();
        tasks.close();
        tasks.wait().await;
        close(&app).await;
        tracing::info!("stopped");
    }
}

fn cleanup_interval(settings: &Settings) -> Option<Duration> {
    Some(settings.auth.cleanup_interval_s).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

type Bound = (TcpListener, SocketAddr);

async fn bind(settings: &Settings) -> Result<(Bound, Option<Bound>), StartError> {
    let (listener, address) = listen(settings.listen).await?;
    let metrics = match settings.metrics.listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    if let Some(file) = &settings.address_file {
        write_address(file, address)
            .map_err(|error| StartError::Other(format!("write the address to {}: {error}", file.display())))?;
    }
    Ok(((listener, address), metrics))
}

async fn listen(address: SocketAddr) -> Result<Bound, StartError> {
    let cannot = |error: std::io::Error| StartError::Other(format!("listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Whoever waits for the file finds all of the address in it, or no file.
fn write_address(file: &Path, address: SocketAddr) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    let mut handle = std::fs::File::create(&new)?;
    writeln!(handle, "{address}")?;
    handle.sync_all()?;
    std::fs::rename(&new, file)
}

async fn close(app: &AppState) {
    app.auth.stop().await;
    app.engine.stop().await;
    if let Err(error) = app.store.close().await {
        tracing::error!(%error, "the store did not close cleanly");
    }
}
