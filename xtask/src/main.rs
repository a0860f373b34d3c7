//! Checks of the repository's own structure and of what it depends on.
//!
//! `cargo xtask tidy` reads the sources, `cargo xtask deps` reads the lock file. Both print one
//! `path:line: message` per finding and exit with 1 when there is any.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod deps;
mod finding;
mod metadata;
mod repository;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use finding::Finding;
use repository::Repository;

/// Checks of the repository's own structure.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Crate edges, module docs, sizes of files and functions, names, public text
    Tidy,
    /// Licences, advisories, sources and duplicates of all dependencies, from the lock file
    Deps {
        /// A checkout of the RustSec advisory database to check against as well
        #[arg(long, value_name = "DIR")]
        advisory_db: Option<PathBuf>,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let repository = Repository::find()?;
    let (name, findings) = match arguments.command {
        Command::Tidy => ("tidy", tidy::check(&repository)?),
        Command::Deps { advisory_db } => ("deps", deps::check(&repository, advisory_db.as_deref())?),
    };
    Ok(report(name, &findings))
}

fn report(name: &str, findings: &[Finding]) -> ExitCode {
    for finding in findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("{name}: ok");
        return ExitCode::SUCCESS;
    }
    println!("{name}: {} findings", findings.len());
    ExitCode::FAILURE
}
