//! `load`: drives the real server at a fixed rate and says how long searches take, at rest and
//! while documents are being written, and how soon a written document is found.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod churn;
mod corpus;
mod searches;
mod visibility;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use coditect_benches::client::{Client, CollectionInfo};
use coditect_benches::open_loop::{Schedule, Summary};
use coditect_benches::report::{table, write_json};
use coditect_benches::server::{OUTPUT, Server, ServerOptions, interruptible};
use serde::Serialize;

use corpus::COLLECTION;
use searches::{Kind, Measured};
use visibility::Visibility;

/// Measures search latency under an open-loop load.
#[derive(Parser)]
struct Arguments {
    /// Searches per second
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Seconds of each run
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Passages that the collection holds at least
    #[arg(long, default_value_t = 10_000)]
    passages: usize,
    /// Writes whose way into the index is timed
    #[arg(long, default_value_t = 200)]
    writes: usize,
    /// Seed of all generated text and vectors
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Index from nothing, even if an index of an earlier run is there
    #[arg(long)]
    fresh: bool,
}

/// The result as JSON.
#[derive(Serialize)]
struct Record {
    rate: f64,
    seconds: u64,
    documents: usize,
    passages: usize,
    runs: Vec<Measured>,
    visibility: Visibility,
    resident_bytes: Resident,
}

/// Resident memory of the server, in bytes.
#[derive(Serialize)]
struct Resident {
    before: u64,
    after: u64,
    peak: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    interruptible(load(Arguments::parse())).await
}

async fn load(arguments: Arguments) -> Result<()> {
    ensure!(arguments.rate > 0.0 && arguments.seconds > 0, "rate and seconds must be above zero");
    let folder = PathBuf::from(OUTPUT).join(format!("load-data-{}", arguments.passages));
    if arguments.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    std::fs::create_dir_all(OUTPUT).with_context(|| format!("create {OUTPUT}"))?;
    let server = Server::start(&ServerOptions::new(&folder)?).await?;
    let client = server.client()?;
    let info = corpus::fill(&client, arguments.passages, arguments.seed).await?;
    println!("{COLLECTION}: {} documents, {} passages", info.documents, info.passages);
    let record = measure(&arguments, &server, &client, &info).await?;
    server.stop().await?;
    print(&record);
    println!("\nwritten to {}", write_json("load.json", &record)?.display());
    let failed: usize = record.runs.iter().map(|run| run.errors).sum();
    ensure!(failed == 0, "{failed} searches failed");
    Ok(())
}

async fn measure(arguments: &Arguments, server: &Server, client: &Client, info: &CollectionInfo) -> Result<Record> {
    let schedule = Schedule { rate: arguments.rate, time: Duration::from_secs(arguments.seconds) };
    let dimension = info.embedder["dimension"].as_u64().and_then(|it| usize::try_from(it).ok());
    let dimension = dimension.context("find the dimension in the collection's embedder")?;
    let before = server.memory()?.resident;
    let mut runs = Vec::new();
    for kind in [Kind::Text, Kind::Vector { dimension }] {
        runs.push(searches::run(client, schedule, kind, arguments.seed, server).await?);
    }
    let churn = churn::Churn::start(client.clone(), arguments.seed);
    let during = searches_while_writing(arguments, server, client, schedule, dimension).await;
    let written = churn.stop().await?;
    for mut run in during? {
        run.documents_written = written;
        runs.push(run);
    }
    let visibility = visibility::measure(client, arguments.writes, arguments.seed).await?;
    let after = server.memory()?;
    Ok(Record {
        rate: arguments.rate,
        seconds: arguments.seconds,
        documents: info.documents,
        passages: info.passages,
        runs,
        visibility,
        resident_bytes: Resident { before, after: after.resident, peak: after.peak },
    })
}

async fn searches_while_writing(
    arguments: &Arguments,
    server: &Server,
    client: &Client,
    schedule: Schedule,
    dimension: usize,
) -> Result<Vec<Measured>> {
    let mut runs = Vec::new();
    for kind in [Kind::Text, Kind::Vector { dimension }] {
        // Another seed: questions of the runs before are in the server's cache.
        let mut run = searches::run(client, schedule, kind, arguments.seed + 1, server).await?;
        run.name.push_str(" while ingesting");
        runs.push(run);
    }
    Ok(runs)
}

fn print(record: &Record) {
    println!(
        "\n{} searches/s for {} s, latency from the moment a search was due, in ms:\n",
        record.rate, record.seconds
    );
    let header = ["", "p50", "p90", "p99", "p99.9", "max", "service p99", "errors", "server cpu"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for run in &record.runs {
        let mut row = vec![run.name.clone()];
        row.extend(cells(&run.latency_ms));
        row.push(format!("{:.1}", run.service_ms.p99));
        row.push(run.errors.to_string());
        row.push(format!("{:.0} %", run.server_cpu * 100.0));
        rows.push(row);
    }
    print!("{}", table(&rows));
    let found = &record.visibility;
    println!(
        "\nfound after an acknowledged write: p50 {:.1} ms, p99 {:.1} ms over {} writes; \
         with min_version at once in {} of {}",
        found.found_ms.p50, found.found_ms.p99, found.writes, found.at_once_with_min_version, found.writes
    );
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let resident = &record.resident_bytes;
    println!(
        "server memory: {:.0} MB before, {:.0} MB after, {:.0} MB at most",
        megabytes(resident.before),
        megabytes(resident.after),
        megabytes(resident.peak)
    );
}

fn cells(summary: &Summary) -> Vec<String> {
    let values = [summary.p50, summary.p90, summary.p99, summary.p999, summary.max];
    values.iter().map(|value| format!("{value:.1}")).collect()
}
