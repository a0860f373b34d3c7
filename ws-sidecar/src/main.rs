//! `coditect-websocket`: reads settings, serves, and tells the shell how it went.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use coditect_websocket::{Settings, Sidecar, start};
use tokio::signal::unix::{SignalKind, signal};

/// A handshake takes several times what its connection needs later, and the system's allocator keeps the difference.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Settings that jemalloc reads when it starts: few arenas, because there are few threads, and memory that goes back soon.
#[allow(unsafe_code, reason = "jemalloc takes its settings from a symbol of this name, and nothing else has it")]
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static ALLOCATOR_SETTINGS: &[u8; 46] = b"narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0\0";

/// The sidecar of a workspace pod: authenticated, stable WebSocket connections to the workspace beside it.
///
/// Examples: coditect-websocket --gateway https://coditect-server:8080 --gateway-token-file /var/run/coditect/token
/// --gateway-ca-file /var/run/coditect/ca.crt --workspace ws-7 --user u-1 --origins https://ide.example.com;
/// JWT_SECRET=… FDB_CLUSTER_STRING=… coditect-websocket --workspace ws-7 --user u-1 --origins https://ide.example.com
#[derive(Debug, Parser)]
#[command(name = "coditect-websocket", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// Check the settings and exit.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            // With nobody reading the error output there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "coditect-websocket: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    cli.settings.check().map_err(anyhow::Error::msg)?;
    if cli.check_config {
        return Ok(());
    }
    start::log(&cli.settings.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let served = runtime.block_on(Box::pin(serve(cli.settings)));
    // Its network thread must end before the process does.
    #[cfg(feature = "fdb")]
    if let Err(error) = coditect_store::stop_fdb_network() {
        tracing::warn!(%error, "FoundationDB's network thread did not stop cleanly");
    }
    served
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for signals")?;
    let metrics = start::metrics()?;
    let opened = start::open(&settings.sessions).await?;
    let (source, clock) = (opened.source(), opened.clock());
    let sidecar = Sidecar::start(settings, source, clock, Some(metrics)).await.context("listen")?;
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    sidecar.run(stop).await;
    opened.close().await
}
