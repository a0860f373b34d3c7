//! `relevance`: runs a judged set through the real server and says how good the rankings are.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod ask;
mod compare;
mod index;
mod print;
mod record;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use coditect_benches::dataset::Dataset;
use coditect_benches::report::write_json;
use coditect_benches::server::{OUTPUT, Server, ServerOptions, interruptible};

/// Measures how good the rankings of the server are.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Index a judged set, ask its questions in every mode, print the metrics
    Run(Run),
    /// Compare two runs, or two modes of one run, question by question
    Compare(compare::Compare),
}

#[derive(Args)]
struct Run {
    /// Folder of the judged set
    #[arg(long)]
    data: PathBuf,
    /// Index from nothing, even if an index of an earlier run is there
    #[arg(long)]
    fresh: bool,
    /// Modes to ask in, in the order of the report
    #[arg(long, value_delimiter = ',', default_value = "keyword,vector,hybrid")]
    modes: Vec<String>,
    /// Format of ready documents, such as `python`; guessed by the server when absent
    #[arg(long)]
    format: Option<String>,
    /// Fold copies into one result; by default only where passages are judged
    #[arg(long)]
    fold_copies: Option<bool>,
    /// Name of the result below target/bench
    #[arg(long, default_value = "relevance.json")]
    out: String,
    /// Worst questions to show
    #[arg(long, default_value_t = 10)]
    worst: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(arguments) => interruptible(run(arguments)).await,
        Command::Compare(arguments) => compare::compare(&arguments),
    }
}

async fn run(arguments: Run) -> Result<()> {
    let set = Dataset::read(&arguments.data).with_context(|| format!("read the set {}", arguments.data.display()))?;
    let folder = PathBuf::from(OUTPUT).join("relevance-data").join(&set.name);
    if arguments.fresh && folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let options = ServerOptions::new(&folder)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    index::warn_if_stale(&folder, &options.program)?;
    println!("{}: {} questions, {} collections", set.name, set.questions.len(), set.collections.len());
    let server = Server::start(&options).await?;
    let client = server.client()?;
    let indexed = index::index(&client, &set, arguments.format.as_deref()).await?;
    let asking = ask::Asking::new(client, &set, &indexed, arguments.fold_copies);
    let record = record::Record {
        data: set.name.clone(),
        level: set.level,
        lengths: index::lengths(asking.client(), &set).await?,
        modes: asking.all(&arguments.modes).await?,
        resident_bytes: server.memory()?.resident,
    };
    server.stop().await?;
    print::print(&record, arguments.worst);
    let path = write_json(&arguments.out, &record)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
