//! `ws`: the sidecar beside a direct connection: idle connections and their memory, added latency, a bulk stream, the time from the end of a session to the end of its
//! connections, and channels whose connections are cut. The sidecar is a release process of its own but where the store has to be shared with it.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod bulk;
mod client;
mod idle;
mod latency;
mod resume;
mod revocation;
mod sidecar;
mod workspace;

use anyhow::{Result, bail};
use clap::Parser;
use coditect_benches::report::{table, write_json};
use coditect_benches::server::interruptible;
use serde::Serialize;

/// Measures the WebSocket sidecar.
#[derive(Parser)]
struct Arguments {
    /// Idle connections
    #[arg(long, default_value_t = 2_000)]
    connections: usize,
    /// How long they are idle, seconds
    #[arg(long, default_value_t = 600)]
    idle_seconds: u64,
    /// Length of each run under load, seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Times that each pair of runs is done, one after the other
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sessions that are ended
    #[arg(long, default_value_t = 200)]
    revocations: usize,
    /// Channels whose connections are cut
    #[arg(long, default_value_t = 100)]
    channels: usize,
    /// Longest cut, seconds
    #[arg(long, default_value_t = 30)]
    cut_seconds: u64,
}

#[derive(Serialize)]
struct Record {
    binary_bytes: u64,
    idle: idle::Idle,
    latency: Vec<latency::Pair>,
    bulk: Vec<bulk::Pair>,
    revocation: revocation::Revocation,
    resume: resume::Resumed,
}

#[tokio::main]
async fn main() -> Result<()> {
    interruptible(measure(Arguments::parse())).await
}

async fn measure(arguments: Arguments) -> Result<()> {
    let binary_bytes = std::fs::metadata(coditect_benches::server::binary(sidecar::BINARY)?)?.len();
    let record = Record {
        binary_bytes,
        latency: latency::measure(&arguments).await?,
        bulk: bulk::measure(&arguments).await?,
        revocation: revocation::measure(arguments.revocations).await?,
        resume: resume::measure(&arguments).await?,
        idle: idle::measure(&arguments).await?,
    };
    print(&record);
    println!("\nwritten to {}", write_json("ws.json", &record)?.display());
    verdict(&record)
}

fn print(record: &Record) {
    let mut rows =
        vec![["200 connections, 50 messages/s each, 1 kB", "p50 ms", "p99 ms", "p99.9 ms"].map(str::to_owned).to_vec()];
    for pair in &record.latency {
        for (name, run) in [("direct", &pair.direct), ("through the sidecar", &pair.through)] {
            rows.push(vec![
                name.to_owned(),
                format!("{:.3}", run.p50),
                format!("{:.3}", run.p99),
                format!("{:.3}", run.p999),
            ]);
        }
    }
    println!("{}", table(&rows));
    let mut rows = vec![["one bulk stream, MB/s", "direct", "through", "share"].map(str::to_owned).to_vec()];
    for pair in &record.bulk {
        let share = pair.through / pair.direct;
        rows.push(vec![
            pair.name.clone(),
            format!("{:.0}", pair.direct),
            format!("{:.0}", pair.through),
            format!("{share:.2}"),
        ]);
    }
    println!("{}", table(&rows));
    let idle = &record.idle;
    println!(
        "idle: {} connections for {} s, {} disconnected, {:.1} kB each above the base of {:.1} MB, {} heartbeats answered",
        idle.connections, idle.seconds, idle.disconnected, idle.kb_each, idle.base_mb, idle.beats
    );
    let ended = &record.revocation;
    println!(
        "end of a session to Close: {} trials, p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        ended.trials, ended.p50, ended.p99, ended.worst
    );
    let resumed = &record.resume;
    println!(
        "channels: {} with {} cuts of up to {:.0} s, {} messages, {} lost, {} doubled, {} reordered",
        resumed.channels,
        resumed.cuts,
        resumed.longest_cut_s,
        resumed.messages,
        resumed.lost,
        resumed.doubled,
        resumed.reordered
    );
    println!("binary: {:.1} MB", record.binary_bytes as f64 / 1e6);
}

/// The last line: `ws: ok, …`, or what was not reached.
fn verdict(record: &Record) -> Result<()> {
    let added = latency::added_p99(&record.latency);
    let share = bulk::least_share(&record.bulk);
    let (idle, ended, resumed) = (&record.idle, &record.revocation, &record.resume);
    let faults = resumed.lost + resumed.doubled + resumed.reordered;
    let checks = [
        (record.binary_bytes < 15_000_000, "the binary is 15 MB or more"),
        (idle.disconnected == 0, "idle connections were disconnected"),
        (idle.kb_each < 25.0, "a connection takes 25 kB or more"),
        (added < 5.0, "the added p99 is 5 ms or more"),
        (share >= 0.7, "a bulk stream has less than 70 % of a direct one"),
        (ended.p99 < 1_000.0, "a session's end takes 1 s or more to close"),
        (faults == 0, "messages of channels were lost, doubled or reordered"),
    ];
    let missed: Vec<&str> = checks.iter().filter(|(is_reached, _)| !is_reached).map(|(_, what)| *what).collect();
    if !missed.is_empty() {
        bail!("ws: {}", missed.join("; "));
    }
    println!(
        "ws: ok, {:.1} kB a connection, added p99 {added:.2} ms, bulk {:.0} % of direct, closed {:.0} ms after a session's end (p99), {} cuts without a loss",
        idle.kb_each,
        share * 100.0,
        ended.p99,
        resumed.cuts
    );
    Ok(())
}
