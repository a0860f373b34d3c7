//! `ingest`: what the way into the index costs beside the embedding that it is bounded by. Pushes a tree into a fresh
//! server, embeds the same passages with the embedder alone, and compares the two, several times in turn.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use coditect_benches::push::push;
use coditect_benches::report::{quantile, table, write_json};
use coditect_benches::server::{Memory, Server, ServerOptions, interruptible};
use coditect_ingest::embed::{Embedder, EmbedderConfig};
use coditect_ingest::split::{self, SplitOptions};
use coditect_ingest::walk::{self, WalkItem, WalkOptions};
use serde::Serialize;

/// Collection that the tree is pushed into.
const COLLECTION: &str = "ingest";

/// Compares the time of an ingest with that of its embedding alone.
#[derive(Parser)]
struct Arguments {
    /// Tree to push
    #[arg(long)]
    docs: PathBuf,
    /// How often both are measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// The result as JSON.
#[derive(Serialize)]
struct Record {
    documents: usize,
    passages: usize,
    /// Passages with different texts: those that are embedded.
    embedded: usize,
    rounds: Vec<Round>,
    /// Median of the rounds' ratios.
    ratio: f64,
}

/// One measurement of each.
#[derive(Serialize)]
struct Round {
    /// Seconds of `coditect-ingest push` into an empty server.
    push_seconds: f64,
    /// Seconds of embedding the same texts.
    embed_seconds: f64,
    /// Resident memory of the server afterwards, bytes.
    resident_bytes: u64,
    /// The most it had, bytes.
    peak_bytes: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    interruptible(compare(Arguments::parse())).await
}

async fn compare(arguments: Arguments) -> Result<()> {
    let embedder = Embedder::connect(EmbedderConfig::default()).await.context("load the embedding model")?;
    let texts = texts(&arguments.docs, &embedder)?;
    let mut record = Record { documents: 0, passages: 0, embedded: texts.len(), rounds: Vec::new(), ratio: 0.0 };
    for round in 1..=arguments.rounds {
        let (summary, memory) = pushed(&arguments.docs).await?;
        ensure!(summary.failed == 0, "{} documents failed", summary.failed);
        let started = Instant::now();
        embedder.embed_documents(&texts).await.context("embed the passages")?;
        let embed_seconds = started.elapsed().as_secs_f64();
        println!("round {round}: push {:.1} s, embedding alone {embed_seconds:.1} s", summary.seconds);
        (record.documents, record.passages) = (summary.documents, summary.passages);
        let (resident_bytes, peak_bytes) = (memory.resident, memory.peak);
        record.rounds.push(Round { push_seconds: summary.seconds, embed_seconds, resident_bytes, peak_bytes });
    }
    let mut ratios: Vec<f64> = record.rounds.iter().map(|it| it.push_seconds / it.embed_seconds).collect();
    record.ratio = quantile(&mut ratios, 0.5);
    print(&record);
    println!("\nwritten to {}", write_json("ingest.json", &record)?.display());
    Ok(())
}

/// What is embedded of a tree, each text once, as the server would split it.
fn texts(docs: &Path, embedder: &Embedder) -> Result<Vec<String>> {
    let (counter, options) = (embedder.counter(), SplitOptions::default());
    let mut seen = HashSet::new();
    let mut texts = Vec::new();
    for item in walk::walk(docs, &WalkOptions::default()).context("walk the tree")? {
        let WalkItem::Document(walked) = item else { continue };
        let split = split::split_input(&walked.document, &options, &*counter);
        let all = split.passages.iter().map(|passage| split::embed_text(split.title.as_deref(), passage));
        texts.extend(all.filter(|text| seen.insert(text.clone())));
    }
    ensure!(!texts.is_empty(), "{} holds nothing to embed", docs.display());
    Ok(texts)
}

async fn pushed(docs: &Path) -> Result<(coditect_benches::push::Summary, Memory)> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let server = Server::start(&ServerOptions::new(&folder.path().join("data"))?).await?;
    let summary = push(&server.client()?, COLLECTION, docs).await?;
    let memory = server.memory()?;
    server.stop().await?;
    Ok((summary, memory))
}

fn print(record: &Record) {
    let mut rows =
        vec![["", "push s", "embedding s", "ratio", "passages/s", "MB", "peak MB"].map(str::to_owned).to_vec()];
    for (number, round) in (1..).zip(&record.rounds) {
        rows.push(vec![
            format!("round {number}"),
            format!("{:.1}", round.push_seconds),
            format!("{:.1}", round.embed_seconds),
            format!("{:.3}", round.push_seconds / round.embed_seconds),
            format!("{:.1}", record.passages as f64 / round.push_seconds),
            format!("{:.0}", round.resident_bytes as f64 / 1e6),
            format!("{:.0}", round.peak_bytes as f64 / 1e6),
        ]);
    }
    println!("\n{} documents, {} passages, {} different texts", record.documents, record.passages, record.embedded);
    print!("{}", table(&rows));
    println!("ingest: {:.3} times the embedding alone", record.ratio);
}
