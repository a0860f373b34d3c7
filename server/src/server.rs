//! A server from start to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::settings::Settings;
use crate::start::{StartError, assemble};
use crate::state::AppState;
use crate::{connections, routes, telemetry};

/// A server that holds its port and its data directory.
pub struct Server {
    app: AppState,
    listener: TcpListener,
    address: SocketAddr,
    upkeep: JoinHandle<()>,
}

impl Server {
    /// Opens store, embedder and engine, binds the port, and writes the address file.
    ///
    /// # Errors
    /// See [`StartError`]; nothing stays open then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let app = assemble(settings).await?;
        match bind(&app.settings).await {
            Ok((listener, address)) => {
                tracing::info!(%address, "listening");
                let upkeep = tokio::spawn(telemetry::upkeep(app.metrics.clone()));
                Ok(Self { app, listener, address, upkeep })
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

    /// Serves until `stop` is done, finishes what is under way within a bound, and closes everything.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let router = routes::router(&self.app);
        let grace = Duration::from_millis(self.app.settings.limits.shutdown_ms);
        connections::serve(self.listener, router, self.app.settings.limits.connections, grace, stop).await;
        self.upkeep.abort();
        close(&self.app).await;
        tracing::info!("stopped");
    }
}

async fn bind(settings: &Settings) -> Result<(TcpListener, SocketAddr), StartError> {
    let cannot = |error: std::io::Error| StartError::Other(format!("listen on {}: {error}", settings.listen));
    let listener = TcpListener::bind(settings.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    if let Some(file) = &settings.address_file {
        write_address(file, address)
            .map_err(|error| StartError::Other(format!("write the address to {}: {error}", file.display())))?;
    }
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
    app.engine.stop().await;
    if let Err(error) = app.store.close().await {
        tracing::error!(%error, "the store did not close cleanly");
    }
}
