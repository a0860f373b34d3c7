//! `ann`: our vector index against the libraries that one would take instead, on real and generated vectors. Prepares the
//! sets, runs everyone in turn in one run, each in a process of its own, and compares speed, recall, memory, build and load time.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod contest;
mod contestants;
mod curve;
mod plot;
mod print;
mod process;
mod protocol;
mod record;
mod sets;
mod trials;
mod worker;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use coditect_benches::server::OUTPUT;

use contest::{Arena, Contest};
use contestants::Contestant;
use record::{Record, SetRecord};

/// The server's allocator, so that memory is what it would be there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A set from this many bytes on has one index in memory at a time: everyone's rounds follow each other directly.
const LARGE: usize = 1 << 30;
/// Sets of a quick run.
const QUICK: [&str; 1] = ["fashion-mnist"];

/// Compares vector indexes.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure everyone and report
    Run(Choice),
    /// Only make the sets
    Prepare(Choice),
    /// Put our index alone through one trial on each of the sets
    Trial {
        what: trials::Trial,
        #[command(flatten)]
        choice: Choice,
    },
    /// Only draw the plots of what was measured
    Plot,
    /// Hold one index and obey the lines on standard input
    #[command(hide = true)]
    Work { name: String, set: PathBuf, scratch: PathBuf },
}

#[derive(Args)]
struct Choice {
    /// Sets, all when none is named
    #[arg(long, value_delimiter = ',')]
    sets: Vec<String>,
    /// Indexes, all when none is named
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// One set and the strongest peers only
    #[arg(long)]
    quick: bool,
    /// How often everyone's searches are measured; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Python with the peers
    #[arg(long, default_value = "target/bench/ann/venv/bin/python")]
    python: PathBuf,
    /// Trees of text of which the set `passages` is made
    #[arg(long, value_delimiter = ' ')]
    texts: Vec<PathBuf>,
}

fn main() -> Result<()> {
    match Arguments::parse().what {
        What::Run(choice) => compare(&choice),
        What::Prepare(choice) => set_names(&choice).iter().try_for_each(|name| {
            println!("preparing {name}");
            sets::prepare(&cache(), name, &choice.texts).map(drop)
        }),
        What::Trial { what, choice } => set_names(&choice).iter().try_for_each(|name| {
            let set = sets::prepare(&cache(), name, &choice.texts)?;
            trials::run(what, &set, &cache().join("scratch").join("trial"))
        }),
        What::Plot => Record::read().sets.iter().try_for_each(plot::draw),
        What::Work { name, set, scratch } => worker::serve(&name, &set, &scratch),
    }
}

fn cache() -> PathBuf {
    Path::new(OUTPUT).join("ann")
}

fn set_names(choice: &Choice) -> Vec<&str> {
    match (choice.sets.as_slice(), choice.quick) {
        ([], true) => QUICK.to_vec(),
        ([], false) => sets::NAMES.to_vec(),
        (named, _) => named.iter().map(String::as_str).collect(),
    }
}

fn compare(choice: &Choice) -> Result<()> {
    let contestants = contestants::chosen(&choice.peers, choice.quick)?;
    let mut record = Record::read();
    let mut lines = Vec::new();
    for name in set_names(choice) {
        println!("preparing {name}");
        let set = sets::prepare(&cache(), name, &choice.texts).with_context(|| format!("prepare {name}"))?;
        let measured = measure(&set, &contestants, choice)?;
        print::set(&measured);
        lines.push(print::summary(&measured));
        if !choice.quick {
            plot::draw(&measured)?;
        }
        record.put(measured, &sets::NAMES)?;
    }
    print::growth(&record);
    println!();
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn measure(set: &sets::Set, contestants: &[&'static Contestant], choice: &Choice) -> Result<SetRecord> {
    let (truth, distances) = set.truth()?;
    let threads = std::thread::available_parallelism().context("count the processors")?.get();
    let scratch = std::path::absolute(cache().join("scratch").join(&set.info.name)).context("find the cache")?;
    let arena = Arena { set, truth, distances, python: &choice.python, scratch, threads };
    let mut contests: Vec<Contest<'_>> = contestants.iter().map(|it| Contest::new(&arena, it)).collect();
    let together = if set.bytes() >= LARGE { 1 } else { contests.len().max(1) };
    for group in contests.chunks_mut(together) {
        for contest in group.iter_mut() {
            println!("{}: building {}", set.info.name, contest.measured.name);
            contest.begin();
        }
        for round in 1..=choice.rounds {
            println!("{}: searching, round {round} of {}", set.info.name, choice.rounds);
            group.iter_mut().for_each(Contest::round);
        }
        group.iter_mut().for_each(Contest::end);
    }
    let measured = contests.into_iter().map(|it| it.measured).collect();
    Ok(SetRecord { set: set.info.clone(), quick: choice.quick, rounds: choice.rounds, threads, measured })
}
