//! `crash`: kills the server with SIGKILL at random moments while documents are written, restarts
//! it, and proves that every acknowledged write is there once, whole, and found by both legs.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod content;
mod model;
mod reader;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use coditect_benches::limits;
use coditect_benches::server::{OUTPUT, Server, ServerOptions, interruptible};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use content::Contents;
use model::Model;
use verify::Problems;

/// Shortest and longest time from the first write to the kill, in milliseconds.
const LIFE: (u64, u64) = (50, 2500);

/// Longest time from the start of a server to a kill while it recovers, in milliseconds.
const RECOVERY: u64 = 250;

/// Every so many kills one hits a server that is starting.
const RECOVERY_EVERY: usize = 5;

/// Crash test of the server.
#[derive(Parser)]
struct Arguments {
    /// How often to kill the server
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Documents that are written, changed and deleted
    #[arg(long, default_value_t = 96)]
    documents: u32,
    /// Clients that write at the same time
    #[arg(long, default_value_t = 4)]
    writers: u32,
    /// Seed of the moments, the operations and the text; drawn from the system when absent
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.writers > 0 && arguments.documents >= arguments.writers, "each writer needs a document");
    let seed = arguments.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    println!("crash: seed {seed} (run it again with SEED={seed}; the moments of the kills depend on the machine too)");
    std::fs::create_dir_all(OUTPUT).with_context(|| format!("create {OUTPUT}"))?;
    let folder = tempfile::Builder::new().prefix("crash-").tempdir_in(OUTPUT).context("make a folder")?;
    let mut run = Run::new(&arguments, seed, folder.path())?;
    let result = interruptible(run.all()).await;
    if result.is_err() || !run.problems.is_empty() {
        let kept = folder.keep();
        run.problems.print();
        println!("data and log are kept in {}", kept.display());
        result?;
        let (lost, partial, other) = run.problems.counts();
        bail!("crash: failed, {lost} lost, {partial} partial, {other} other");
    }
    println!("crash: ok, {} kills, {} acknowledged, 0 lost, 0 partial", run.kills, run.acknowledged);
    Ok(())
}

/// A run of the test.
struct Run {
    kills_wanted: usize,
    writers: u32,
    options: ServerOptions,
    random: ChaCha8Rng,
    model: Arc<Model>,
    problems: Problems,
    kills: usize,
    acknowledged: usize,
}

impl Run {
    fn new(arguments: &Arguments, seed: u64, folder: &Path) -> Result<Self> {
        let data: PathBuf = folder.join("data");
        Ok(Self {
            kills_wanted: arguments.kills,
            writers: arguments.writers,
            options: ServerOptions::new(&data)?,
            random: ChaCha8Rng::seed_from_u64(seed),
            model: Arc::new(Model::new(Contents::new(seed), arguments.documents)),
            problems: Problems::default(),
            kills: 0,
            acknowledged: 0,
        })
    }

    async fn all(&mut self) -> Result<()> {
        while self.kills < self.kills_wanted && self.problems.is_empty() {
            if self.kills % RECOVERY_EVERY == RECOVERY_EVERY - 1 {
                self.kill_while_starting().await?;
            } else {
                self.kill_while_writing().await?;
            }
        }
        // What a crash left must survive an orderly stop as well.
        for _ in 0..2 {
            let server = Server::start(&self.options).await.context("start after the last kill")?;
            self.verify(&server).await?;
            server.stop().await?;
        }
        Ok(())
    }

    async fn kill_while_writing(&mut self) -> Result<()> {
        let started = Instant::now();
        let server = Server::start(&self.options).await.context("start after a kill")?;
        let ready = started.elapsed();
        let checked = self.verify(&server).await?;
        let life = Duration::from_millis(self.random.random_range(LIFE.0..LIFE.1));
        let traffic = writer::Traffic::start(&server.client()?, &self.model, self.writers, self.random.random());
        tokio::time::sleep(life).await;
        let killed = Instant::now();
        server.kill()?;
        let done = traffic.finish().await?;
        self.kills += 1;
        self.acknowledged += done.acknowledged;
        for (moment, error) in &done.errors {
            if *moment < killed {
                self.problems.other(format!("a request failed before the kill: {error}"));
            }
        }
        for partial in done.partial {
            self.problems.partial(partial);
        }
        println!(
            "kill {:>2}: ready in {:.2} s, {checked} documents checked, killed after {} ms, \
             {} acknowledged, {} in flight, {} live reads",
            self.kills,
            ready.as_secs_f64(),
            life.as_millis(),
            done.acknowledged,
            self.model.in_flight(),
            done.reads
        );
        Ok(())
    }

    async fn kill_while_starting(&mut self) -> Result<()> {
        let server = Server::spawn(&self.options)?;
        let life = Duration::from_millis(self.random.random_range(0..RECOVERY));
        tokio::time::sleep(life).await;
        server.kill()?;
        self.kills += 1;
        println!("kill {:>2}: while starting, after {} ms", self.kills, life.as_millis());
        Ok(())
    }

    async fn verify(&mut self, server: &Server) -> Result<usize> {
        let client = server.client()?;
        let checking = verify::verify(&client, &self.model, &mut self.problems);
        let checked = tokio::time::timeout(limits::REQUEST, checking).await;
        checked.context("check the documents in time")?.context("check the documents")
    }
}
