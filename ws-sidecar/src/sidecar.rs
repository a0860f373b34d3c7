//! The sidecar from start to stop: what all of its connections share, and its listeners.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use coditect_auth::{NewSidecar, Pod, SidecarId};
use coditect_store::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::channel::directory::Directory;
use crate::http::origin::Origins;
use crate::http::proxy::Proxy;
use crate::listen;
use crate::live::Live;
use crate::lookup::{Lookup, Source};
use crate::meters::Meters;
use crate::settings::Settings;
use crate::side::Make;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) lookup: Lookup,
    pub(crate) live: Live,
    pub(crate) channels: Directory,
    pub(crate) origins: Origins,
    pub(crate) proxy: Proxy,
    pub(crate) make: Make,
    pub(crate) meters: Meters,
    pub(crate) metrics: Option<PrometheusHandle>,
    pub(crate) relays: TaskTracker,
    /// Ends relays that have not ended by themselves.
    pub(crate) cut: CancellationToken,
    is_stopping: AtomicBool,
}

impl Shared {
    /// Whether no new connection is taken.
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// `host:port` of the workspace.
    pub(crate) fn authority(&self) -> String {
        authority(&self.settings)
    }
}

fn authority(settings: &Settings) -> String {
    let url = &settings.upstream;
    format!("{}:{}", url.host_str().unwrap_or("127.0.0.1"), url.port_or_known_default().unwrap_or(80))
}

/// A sidecar that holds its ports.
pub struct Sidecar {
    shared: Arc<Shared>,
    listener: TcpListener,
    ops: TcpListener,
    address: SocketAddr,
    ops_address: SocketAddr,
}

impl Sidecar {
    /// Binds the ports. What `source` reads stays open when the sidecar has stopped.
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start(
        settings: Settings,
        source: Source,
        clock: Clock,
        metrics: Option<PrometheusHandle>,
    ) -> std::io::Result<Self> {
        let (listener, ops) =
            (TcpListener::bind(settings.listen).await?, TcpListener::bind(settings.ops_listen).await?);
        let (address, ops_address) = (listener.local_addr()?, ops.local_addr()?);
        if let Some(file) = &settings.address_file {
            write_addresses(file, address, ops_address)?;
        }
        let record = record(&settings, address, &clock);
        tracing::info!(%address, %ops_address, upstream = %settings.upstream, sidecar = %record.id, "listening");
        if settings.allowed.origins.is_empty() {
            tracing::warn!("no origin is allowed: pages of other hosts cannot connect (--origins)");
        }
        let lookup = Lookup::new(source, pod(&settings));
        let make = Make { bounds: settings.bounds, times: settings.times, clock: clock.clone() };
        let shared = Shared {
            live: Live::new(lookup.clone(), clock, record, settings.times.store_grace),
            lookup,
            channels: Directory::new(settings.bounds.connections),
            origins: Origins::new(&settings.allowed.origins),
            proxy: Proxy::new(authority(&settings)),
            make,
            meters: Meters::new(),
            metrics,
            relays: TaskTracker::new(),
            cut: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            settings: Arc::new(settings),
        };
        Ok(Self { shared: Arc::new(shared), listener, ops, address, ops_address })
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of health and metrics.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Serves until `stop` is done. Then no new connection is taken, clients are told to come back, and what they have to end is bounded.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        let Self { shared, listener, ops, .. } = self;
        shared.live.start();
        let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(listen::ops(ops, shared.clone(), ending.clone()));
        let accepting = ending.child_token();
        tasks.spawn(listen::clients(listener, shared.clone(), accepting.clone()));
        stop.await;
        shared.is_stopping.store(true, Ordering::Relaxed);
        accepting.cancel();
        let told = shared.live.close_all();
        tracing::info!(connections = told, "stopping: clients are told to come back");
        shared.relays.close();
        if tokio::time::timeout(shared.settings.times.drain, shared.relays.wait()).await.is_err() {
            tracing::warn!(connections = shared.live.count(), "connections did not end in time and are cut off");
            shared.cut.cancel();
            shared.relays.wait().await;
        }
        shared.live.stop().await;
        ending.cancel();
        tasks.close();
        tasks.wait().await;
        tracing::info!("stopped");
    }
}

/// Whoever waits for the file finds all of both addresses in it, or no file.
fn write_addresses(file: &Path, address: SocketAddr, ops_address: SocketAddr) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = file.with_file_name(name);
    std::fs::write(&new, format!("{address}\n{ops_address}\n"))?;
    std::fs::rename(&new, file)
}

fn pod(settings: &Settings) -> Pod {
    let place = &settings.place;
    Pod { tenant: place.tenant.clone(), workspace: place.workspace.clone(), user: place.user.clone() }
}

/// What the registry says of this process.
fn record(settings: &Settings, address: SocketAddr, clock: &Clock) -> NewSidecar {
    let place = &settings.place;
    let reached = place.pod_ip.map_or(address, |ip| SocketAddr::new(ip, address.port()));
    NewSidecar {
        id: SidecarId::made(clock),
        address: reached.to_string(),
        pod_namespace: place.pod_namespace.clone(),
        pod_name: place.pod_name.clone(),
    }
}
