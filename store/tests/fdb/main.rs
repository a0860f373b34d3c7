//! The conformance suite on FoundationDB: on the stand-in, calm and with faults, or on the cluster of `FDB_CLUSTER_FILE`.
//!
//! It has a `main` of its own because the client library's network thread must be stopped before the process ends. Arguments that
//! do not begin with `-` select behaviours by a part of their name; `FDB_TEST_SEEDS` is the number of seeds (3), `FDB_TEST_SEED`
//! the one to run alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::print_stdout, reason = "its output is for who runs it")]

mod beds;
mod open;
mod trials;

use std::process::ExitCode;

use coditect_store::stop_fdb_network;
use metrics_exporter_prometheus::PrometheusBuilder;

/// Metrics that a run must have left behind.
const METRICS: &[&str] = &[
    "store_commits_total",
    "store_commit_bytes_total",
    "store_commit_seconds",
    "store_retries_total{kind=\"conflict\"}",
    "store_retries_total{kind=\"unknown_result\"}",
    "store_retries_total{kind=\"too_old\"}",
    "store_retries_total{kind=\"unavailable\"}",
    "store_refused_total{kind=\"conflict\"}",
    "store_operation_seconds",
    "operation=\"get\"",
    "operation=\"get_key\"",
    "operation=\"get_range\"",
    "operation=\"read_version\"",
    "operation=\"commit\"",
];

/// Metrics that only faults leave behind.
const METRICS_OF_FAULTS: &[&str] = &[
    "store_refused_total{kind=\"too_old\"}",
    "store_refused_total{kind=\"unknown_result\"}",
    "store_operation_errors_total",
];

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cluster = std::env::var("FDB_CLUSTER_FILE").ok().filter(|file| !file.is_empty());
    let trials = match &cluster {
        Some(file) => beds::on_cluster(file),
        None => beds::on_standin().into_iter().chain(open::trials()).collect(),
    };
    let mut outcome = runtime.block_on(trials::run(trials, &filters));
    if let Some(file) = &cluster {
        outcome.add(runtime.block_on(trials::run(beds::on_quiet_cluster(file), &filters)));
    }
    drop(runtime);
    stop_fdb_network().unwrap();
    if filters.is_empty() {
        let report = recorder.render();
        let of_faults = METRICS_OF_FAULTS.iter().filter(|_| cluster.is_none());
        let missing: Vec<_> = METRICS.iter().chain(of_faults).filter(|name| !report.contains(**name)).collect();
        if !missing.is_empty() {
            println!("metrics that are missing: {missing:?}");
            outcome.failed.push("metrics".into());
        }
    }
    outcome.report(cluster.as_deref().unwrap_or("stand-in"))
}
