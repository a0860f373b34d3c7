//! `coditect-server`: reads settings, serves, and tells the shell how it went.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use coditect_server::settings::{self, Cli, Command, Loaded};
use coditect_server::{Server, StartError, commands, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// Gives memory back when it is no longer needed; the system's keeps much of what filling the indexes took.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With nobody reading the error output there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "coditect-server: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<(), StartError> {
    let loaded = settings::load(&cli.flags, |name| std::env::var(name).ok())
        .map_err(|error| StartError::Settings(error.to_string()))?;
    if cli.flags.print_config {
        say(&settings::print(&loaded))?;
    }
    if cli.flags.check_config {
        check(&loaded)?;
    }
    if cli.flags.print_config || cli.flags.check_config {
        return Ok(());
    }
    telemetry::start_log(&loaded.settings.log);
    for key in &loaded.unknown {
        tracing::warn!(key, "unknown key in the settings file");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Other(format!("start the runtime: {error}")))?;
    let served = match &cli.command {
        None | Some(Command::Serve) => runtime.block_on(Box::pin(serve(loaded))),
        Some(command) => runtime.block_on(Box::pin(commands::run(command, &loaded.settings))),
    };
    // Its network thread must end before the process does.
    #[cfg(feature = "fdb")]
    if let Err(error) = coditect_store::stop_fdb_network() {
        tracing::warn!(%error, "FoundationDB's network thread did not stop cleanly");
    }
    served
}

async fn serve(loaded: Loaded) -> Result<(), StartError> {
    let cannot = |error: std::io::Error| StartError::Other(format!("listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let server = tokio::select! {
        started = Server::start(loaded.settings) => started?,
        name = signalled() => return Err(StartError::Other(format!("{name} while starting"))),
    };
    let stop = async {
        let name = signalled().await;
        tracing::info!(signal = name, "asked to stop");
    };
    let running = server.run(stop);
    running.await;
    Ok(())
}

fn check(loaded: &Loaded) -> Result<(), StartError> {
    if !loaded.unknown.is_empty() {
        let keys = loaded.unknown.join(", ");
        return Err(StartError::Settings(format!("unknown keys in the settings file: {keys}")));
    }
    say("settings: ok\n")
}

fn say(text: &str) -> Result<(), StartError> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| StartError::Other(format!("write to the standard output: {error}")))
}
