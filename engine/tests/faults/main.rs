//! Fault runs: writes, searches, deletions, snapshots, backup, restarts, trimming and clean-up through several engines on one database of FoundationDB's stand-in,
//! while commits lose their results, reads fail, engines are cut off and writes are dropped where they wait. After each step what clients see must be what a
//! model in plain maps says (`model.rs`).
//!
//! A seed decides the whole trace before anything runs (`generate.rs`): every operation, its engine, its document and content, what goes on at once, when a
//! write is dropped (by how often it was polled), when clocks go on and by how much, which faults each engine meets, and the stand-in's draws. The engines' clocks,
//! ids and jitter are manual ([`coditect_store::Clock::manual`]), and engines and test share one thread of tokio.
//!
//! A seed does not decide everything. The stand-in has a network thread of its own, versions by the machine's clock, and delays and partitions in real time;
//! indexes are searched and changed on blocking threads. So which operation gets which draw, and in which order those of one step arrive, may differ from run to run. What
//! fails seldom fails again at once, and a failing seed is run several times when it is reproduced and shrunk.
//!
//! | variable | meaning |
//! |---|---|
//! | `SEEDS` | how many seeds (20) |
//! | `FIRST` | the first of them (1) |
//! | `SEED` | this seed alone: its trace is printed, and it is run up to ten times, until it fails |
//! | `KEEP` | with `SEED`: these steps of the trace alone, as `3,7,8` |
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::print_stdout, reason = "its output is for who runs it")]

mod act;
mod apply;
mod backup;
mod content;
mod end;
mod generate;
mod log;
mod look;
mod model;
mod plan;
mod raw;
mod replay;
mod run;
mod runs;
mod settle;
mod shrink;
mod trace;
mod violation;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    let failed = match runs::number("SEED") {
        Some(seed) => runs::again(seed),
        None => runs::all(runs::number("FIRST").unwrap_or(1), runs::number("SEEDS").unwrap_or(20)),
    };
    coditect_store::stop_fdb_network().unwrap();
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
