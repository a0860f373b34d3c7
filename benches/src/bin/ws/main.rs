//! `ws`: the sidecar beside a direct connection: idle connections and their memory, added latency, a bulk stream, the time from the end of a session to the end of its
//! connections, and channels whose connections are cut. The sidecar is a release process of its own but where the store has to be shared with it.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod bulk;
mod client;
mod idle;
mod latency;
mod proxies;
mod resume;
mod revocation;
mod sidecar;
mod workspace;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
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
    /// Measure these alone, rather than everything
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Latency,
    Bulk,
    Revocation,
    Resume,
    Idle,
}

impl Arguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[derive(Default, Serialize)]
struct Record {
    binary_bytes: u64,
    latency: Option<Vec<latency::Pair>>,
    bulk: Option<Vec<bulk::Run>>,
    revocation: Option<revocation::Revocation>,
    resume: Option<resume::Resumed>,
    idle: Option<idle::Idle>,
}

#[tokio::main]
async fn main() -> Result<()> {
    interruptible(measure(Arguments::parse())).await
}

async fn measure(arguments: Arguments) -> Result<()> {
    let binary_bytes = std::fs::metadata(coditect_benches::server::binary(sidecar::BINARY)?)?.len();
    let mut record = Record { binary_bytes, ..Record::default() };
    if arguments.wants(Part::Latency) {
        record.latency = Some(latency::measure(&arguments).await?);
    }
    if arguments.wants(Part::Bulk) {
        record.bulk = Some(bulk::measure(&arguments).await?);
    }
    if arguments.wants(Part::Revocation) {
        record.revocation = Some(revocation::measure(arguments.revocations).await?);
    }
    if arguments.wants(Part::Resume) {
        record.resume = Some(resume::measure(&arguments).await?);
    }
    if arguments.wants(Part::Idle) {
        record.idle = Some(idle::measure(&arguments).await?);
    }
    print(&record);
    println!("\nwritten to {}", write_json("ws.json", &record)?.display());
    verdict(&record)
}

fn print(record: &Record) {
    if let Some(pairs) = &record.latency {
        print_latency(pairs);
    }
    if let Some(runs) = &record.bulk {
        print_bulk(runs);
    }
    if let Some(idle) = &record.idle {
        println!(
            "idle: {} connections for {} s, {} disconnected, {:.1} kB each above the base of {:.1} MB, {} heartbeats answered",
            idle.connections, idle.seconds, idle.disconnected, idle.kb_each, idle.base_mb, idle.beats
        );
    }
    if let Some(ended) = &record.revocation {
        println!(
            "end of a session to Close: {} trials, p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
            ended.trials, ended.p50, ended.p99, ended.worst
        );
    }
    if let Some(resumed) = &record.resume {
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
    }
    println!("binary: {:.1} MB", record.binary_bytes as f64 / 1e6);
}

fn print_latency(pairs: &[latency::Pair]) {
    let mut rows =
        vec![["200 connections, 50 messages/s each, 1 kB", "p50 ms", "p99 ms", "p99.9 ms"].map(str::to_owned).to_vec()];
    for pair in pairs {
        for (name, run) in [("direct", &pair.direct), ("through the sidecar", &pair.through)] {
            let cells = [run.p50, run.p99, run.p999].map(|time| format!("{time:.3}"));
            rows.push([vec![name.to_owned()], cells.to_vec()].concat());
        }
    }
    println!("{}", table(&rows));
}

fn print_bulk(runs: &[bulk::Run]) {
    for size in bulk::sizes(runs) {
        let head = format!("one stream of messages of {} KiB, medians", size >> 10);
        let mut rows = vec![[&head, "from, MB/s", "share", "to, MB/s", "share"].map(str::to_owned).to_vec()];
        for (way, both) in bulk::by_way(runs, size) {
            let mut row = vec![way.to_owned()];
            for reached in both {
                row.extend([format!("{:.0}", reached.speed), format!("{:.2}", reached.share)]);
            }
            rows.push(row);
        }
        println!("{}", table(&rows));
    }
}

/// What was asked of each part: whether it was reached, what it was, and what to say when it was missed.
fn checks(record: &Record) -> Vec<(bool, String, &'static str)> {
    let mut checks = Vec::new();
    if let Some(idle) = &record.idle {
        let found = format!("{:.1} kB a connection", idle.kb_each);
        checks.push((idle.kb_each < 25.0, found, "a connection takes 25 kB or more"));
        let found = format!("{} of {} idle connections lost", idle.disconnected, idle.connections);
        checks.push((idle.disconnected == 0, found, "idle connections were disconnected"));
    }
    if let Some(pairs) = &record.latency {
        let added = latency::added_p99(pairs);
        checks.push((added < 5.0, format!("added p99 {added:.2} ms"), "the added p99 is 5 ms or more"));
    }
    if let Some(runs) = &record.bulk {
        let share = bulk::least_share(runs);
        let found = format!("bulk {:.0} % of direct", share * 100.0);
        checks.push((share >= 0.7, found, "a bulk stream has less than 70 % of a direct one"));
    }
    if let Some(ended) = &record.revocation {
        let found = format!("closed {:.0} ms after a session's end (p99)", ended.p99);
        checks.push((ended.p99 < 1_000.0, found, "a session's end takes 1 s or more to close"));
    }
    if let Some(resumed) = &record.resume {
        let faults = resumed.lost + resumed.doubled + resumed.reordered;
        let found = format!("{} cuts without a loss", resumed.cuts);
        checks.push((faults == 0, found, "messages of channels were lost, doubled or reordered"));
    }
    let found = format!("a binary of {:.1} MB", record.binary_bytes as f64 / 1e6);
    checks.push((record.binary_bytes < 15_000_000, found, "the binary is 15 MB or more"));
    checks
}

/// The last line: `ws: ok, …`, or what was not reached.
fn verdict(record: &Record) -> Result<()> {
    let checks = checks(record);
    let missed: Vec<&str> = checks.iter().filter(|(is_reached, ..)| !is_reached).map(|(.., what)| *what).collect();
    if !missed.is_empty() {
        bail!("ws: {}", missed.join("; "));
    }
    let found: Vec<&str> = checks.iter().map(|(_, found, _)| found.as_str()).collect();
    println!("ws: ok, {}", found.join(", "));
    Ok(())
}
