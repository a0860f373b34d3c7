//! Searches while vectors come and go: latency beside that of an index at rest, with the wait in the queue counted in, and whether all that was
//! acknowledged is found.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use coditect_benches::report::{quantile, table};
use coditect_engine::vector::{VectorIndex, VectorOptions, VectorQuery};
use serde::Serialize;

use super::{MUCH, index, insert, search};
use crate::sets::{Set, Vectors};

/// Vectors that come and that go, a second.
const INSERTED: usize = 2_000;
const REMOVED: usize = 500;
/// So often a second some of them do.
const TICKS: usize = 100;
/// Seconds with writes, and without.
const SECONDS: usize = 10;
/// Searches that are due a second, whether the one before has ended or not.
const SEARCHES: usize = 500;

/// Milliseconds from when a search was due to its end.
#[derive(Debug, Clone, Copy, Serialize)]
struct Latency {
    searches: usize,
    p50_ms: f64,
    p99_ms: f64,
    most_ms: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    at_rest: Latency,
    with_writes: Latency,
    inserted_per_second: f64,
    removed_per_second: f64,
    /// Acknowledged vectors that a search for themselves misses with the usual effort.
    missed: usize,
    /// The same with much effort: nothing leads to them.
    unsearchable: usize,
    /// Removed ones that are found.
    undead: usize,
}

pub(super) fn run(set: &Set, options: VectorOptions) -> Result<Outcome> {
    let (base, queries) = (set.base()?, set.queries()?);
    let kept = base.rows().checked_sub(INSERTED * SECONDS).context("the set has too few vectors")?;
    let index = index(options)?;
    insert(&index, &base, 0..kept)?;
    let at_rest = alone(&index, &queries)?;
    let (with_writes, seconds) = beside_writes(&index, &base, &queries, kept)?;
    let gone = REMOVED * SECONDS;
    let outcome = Outcome {
        at_rest,
        with_writes,
        inserted_per_second: (INSERTED * SECONDS) as f64 / seconds,
        removed_per_second: gone as f64 / seconds,
        missed: not_found(&index, &base, gone..base.rows(), None)?,
        unsearchable: not_found(&index, &base, gone..base.rows(), Some(MUCH))?,
        undead: gone - not_found(&index, &base, 0..gone, Some(MUCH))?,
    };
    print(&set.info.name, &outcome);
    Ok(outcome)
}

fn alone(index: &VectorIndex, queries: &Vectors) -> Result<Latency> {
    let began = Instant::now();
    searches(index, queries, &|| began.elapsed() >= Duration::from_secs(SECONDS as u64))
}

fn beside_writes(index: &VectorIndex, base: &Vectors, queries: &Vectors, kept: usize) -> Result<(Latency, f64)> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let searching = scope.spawn(|| searches(index, queries, &|| is_over.load(Ordering::Relaxed)));
        let written = writes(index, base, kept);
        is_over.store(true, Ordering::Relaxed);
        let latency = searching.join().map_err(|_| anyhow!("the searching thread panicked"))??;
        Ok((latency, written?))
    })
}

/// Searches at fixed times until it is over.
fn searches(index: &VectorIndex, queries: &Vectors, is_over: &dyn Fn() -> bool) -> Result<Latency> {
    let began = Instant::now();
    let mut times = Vec::new();
    while !is_over() {
        let due = began + Duration::from_secs_f64(times.len() as f64 / SEARCHES as f64);
        wait_until(due);
        search(index, queries.row(times.len() % queries.rows()), &VectorQuery::default())?;
        times.push(due.elapsed().as_secs_f64() * 1e3);
    }
    let (p50_ms, p99_ms) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    Ok(Latency { searches: times.len(), p50_ms, p99_ms, most_ms: times.last().copied().unwrap_or(0.0) })
}

/// Inserts the rest of the vectors and removes the first, at the rate; returns the seconds it took.
fn writes(index: &VectorIndex, base: &Vectors, kept: usize) -> Result<f64> {
    let began = Instant::now();
    for tick in 0..TICKS * SECONDS {
        let due = began + Duration::from_secs_f64(tick as f64 / TICKS as f64);
        wait_until(due);
        let first = kept + tick * INSERTED / TICKS;
        insert(index, base, first..first + INSERTED / TICKS)?;
        let first = tick * REMOVED / TICKS;
        for row in first..first + REMOVED / TICKS {
            ensure!(index.remove(row as u32), "vector {row} was not there");
        }
    }
    Ok(began.elapsed().as_secs_f64())
}

fn wait_until(due: Instant) {
    while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

fn not_found(index: &VectorIndex, base: &Vectors, rows: Range<usize>, ef: Option<usize>) -> Result<usize> {
    let mut lost = 0;
    for row in rows {
        let hits = search(index, base.row(row), &VectorQuery { ef, ..VectorQuery::default() })?.0;
        lost += usize::from(!hits.iter().any(|hit| hit.slot as usize == row));
    }
    Ok(lost)
}

fn print(name: &str, outcome: &Outcome) {
    let Outcome { at_rest, with_writes, inserted_per_second, removed_per_second, missed, unsearchable, undead } =
        outcome;
    println!(
        "\n{name}: {SEARCHES} searches a second; {inserted_per_second:.0} inserted, {removed_per_second:.0} removed a second"
    );
    let row = |name: &str, it: &Latency| {
        let ms = [it.p50_ms, it.p99_ms, it.most_ms].map(|ms| format!("{ms:.2}"));
        [vec![name.to_owned(), it.searches.to_string()], ms.to_vec()].concat()
    };
    let head = ["", "searches", "p50 ms", "p99 ms", "most ms"].map(str::to_owned).to_vec();
    print!("{}", table(&[head, row("at rest", at_rest), row("with writes", with_writes)]));
    println!(
        "p99 ratio {:.2}; of the acknowledged vectors a search for themselves misses {missed}, and {unsearchable} with ef {MUCH}; {undead} \
         removed ones found",
        with_writes.p99_ms / at_rest.p99_ms
    );
}
