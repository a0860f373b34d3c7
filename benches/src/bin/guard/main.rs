//! `guard`: what it costs that every request proves who it is: a look at the session beside none, many sessions at a rate, searches beside logins, and the clean-up of
//! many sessions beside requests. The server is a process of its own on the embedded store.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod accounts;
mod cleanup;
mod requests;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use coditect_benches::open_loop::{Schedule, Summary};
use coditect_benches::report::{table, write_json};
use coditect_benches::server::{OUTPUT, Server, ServerOptions, interruptible};
use serde::Serialize;

use accounts::Accounts;
use cleanup::Cleaned;

/// Measures the guard.
#[derive(Parser)]
struct Arguments {
    /// Length of each run, seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Requests a second
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Sessions that the clean-up looks at
    #[arg(long, default_value_t = 100_000)]
    sessions: usize,
    /// Times that each pair of runs is done, one after the other
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// A run of requests.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    name: String,
    latency: Summary,
    achieved: f64,
}

#[derive(Serialize)]
struct Record {
    runs: Vec<Run>,
    conflicts: f64,
    cleanup: Cleaned,
}

#[tokio::main]
async fn main() -> Result<()> {
    interruptible(measure(Arguments::parse())).await
}

async fn measure(arguments: Arguments) -> Result<()> {
    let folder = PathBuf::from(OUTPUT).join("guard-data");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(OUTPUT).with_context(|| format!("create {OUTPUT}"))?;
    let metrics = free_address()?;
    let settings = vec![format!("metrics.listen={metrics}"), "log.level=warn".to_owned()];
    let options = ServerOptions { tenant: None, settings, ..ServerOptions::new(&folder)? };
    let accounts = Accounts::make(&options).await?;
    let server = Server::start(&options).await?;
    let mut runs = requests::pairs(&arguments, server.client()?.base(), &accounts).await?;
    let conflicts = requests::conflicts(metrics).await?;
    runs.extend(requests::searches_beside_logins(&arguments, &server.client()?, &accounts).await?);
    server.stop().await?;
    let cleanup = cleanup::measure(&folder.with_extension("cleanup"), arguments.sessions).await?;
    let record = Record { runs, conflicts, cleanup };
    print(&record);
    println!("\nwritten to {}", write_json("guard.json", &record)?.display());
    ensure!(record.conflicts.abs() < 0.5, "{} transactions conflicted", record.conflicts);
    Ok(())
}

/// An address that nobody listens on for the moment.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    listener.local_addr().context("find a free port")
}

impl Arguments {
    fn schedule(&self) -> Schedule {
        Schedule { rate: self.rate, time: Duration::from_secs(self.seconds) }
    }
}

fn print(record: &Record) {
    let mut rows = vec![["run", "requests/s", "p50 ms", "p99 ms", "p99.9 ms"].map(str::to_owned).to_vec()];
    for run in &record.runs {
        let Summary { p50, p99, p999, .. } = run.latency;
        rows.push(vec![
            run.name.clone(),
            format!("{:.0}", run.achieved),
            format!("{p50:.2}"),
            format!("{p99:.2}"),
            format!("{p999:.2}"),
        ]);
    }
    println!("{}", table(&rows));
    let Cleaned { scanned, deleted, seconds, alone, beside } = &record.cleanup;
    println!(
        "clean-up: {scanned} sessions, {deleted} deleted, {seconds:.1} s; a look at a session p99 {:.3} ms alone, {:.3} ms beside it: {:.2}x",
        alone.p99,
        beside.p99,
        beside.p99 / alone.p99
    );
    println!("conflicts: {}", record.conflicts);
}
