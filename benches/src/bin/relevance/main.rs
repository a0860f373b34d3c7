//! `relevance`: runs a judged set through the real server and says how good the rankings are.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod ablations;
mod ask;
mod compare;
mod features;
mod fusions;
mod index;
mod print;
mod record;
mod session;
mod train;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use coditect_benches::report::write_json;
use coditect_benches::server::interruptible;

use self::session::{Indexing, Session};

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
    /// Rank what the server's two legs found by other fusions, and compare them with the server's own
    Fusions(fusions::Fusions),
    /// Write down what the server sees of the candidates of every question, for `train`
    Features(features::Features),
    /// Train the weights of the ranking on several sets, each judged by weights of the others
    Train(train::Train),
    /// Rank with other token codes, weights and depths, and compare them with what the engine does
    Ablations(ablations::Ablations),
    /// Compare two runs, or two modes of one run, question by question
    Compare(compare::Compare),
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    indexing: Indexing,
    /// Modes to ask in, in the order of the report
    #[arg(long, value_delimiter = ',', default_value = "keyword,vector,hybrid,hybrid+late")]
    modes: Vec<String>,
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
        Command::Fusions(arguments) => interruptible(fusions::fusions(arguments)).await,
        Command::Features(arguments) => interruptible(features::features(arguments)).await,
        Command::Ablations(arguments) => interruptible(ablations::ablations(arguments)).await,
        Command::Train(arguments) => train::train(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
    }
}

async fn run(arguments: Run) -> Result<()> {
    let session = Session::start(&arguments.indexing).await?;
    let asking = session.asking()?;
    let record = record::Record {
        data: session.set.name.clone(),
        level: session.set.level,
        lengths: index::lengths(asking.client(), &session.set).await?,
        modes: asking.all(&arguments.modes).await?,
        resident_bytes: session.server.memory()?.resident,
    };
    session.stop().await?;
    print::print(&record, arguments.worst);
    let path = write_json(&arguments.out, &record)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
