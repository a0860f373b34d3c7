//! The command line: what can be asked for, with examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use coditect_ingest::client::{ServerUrl, limits as client_limits};
use coditect_ingest::walk;
use coditect_ingest::wire::DEFAULT_COLLECTION;
use secrecy::SecretString;

use crate::push::limits;

/// Brings documentation trees into a Coditect Knowledge Engine.
///
/// Walks a folder by the rules of .gitignore and .coditectignore, compares content hashes with the server's, and sends
/// only what is new or changed.
#[derive(Debug, Parser)]
#[command(name = "coditect-ingest", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send new and changed documents
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArguments),
    /// Send new and changed documents, then delete what vanished from the tree
    #[command(after_help = SYNC_EXAMPLES)]
    Sync(SyncArguments),
    /// Show the collection, and how the tree differs from it
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArguments),
    /// Send new and changed documents, then follow the tree until Ctrl-C
    #[command(after_help = WATCH_EXAMPLES)]
    Watch(WatchArguments),
}

/// Arguments of `push`.
#[derive(Debug, Args)]
pub(crate) struct PushArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// Show what would be sent, and send nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    #[command(flatten)]
    pub(crate) push: PushArguments,
    /// Delete what vanished even if it is more than half of the collection
    #[arg(long, short = 'y', visible_alias = "force")]
    pub(crate) yes: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,
    #[command(flatten)]
    pub(crate) sending: SendingArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    /// Delete what vanishes even if it is more than half of the tree at once
    #[arg(long, short = 'y', visible_alias = "force")]
    pub(crate) yes: bool,
}

/// Which tree goes into which collection of which server.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// Folder to walk, or a single file
    #[arg(default_value = ".")]
    pub(crate) path: PathBuf,
    /// Address of the server
    #[arg(long, env = "CODITECT_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) server: ServerUrl,
    /// Collection that holds the documents; made when there is none of this name
    #[arg(long, short, env = "CODITECT_COLLECTION", default_value = DEFAULT_COLLECTION, value_name = "NAME")]
    pub(crate) collection: String,
    /// Put in front of every document's id; only documents whose ids begin with it are compared and deleted
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) prefix: String,
    /// Largest file, or line of a JSONL file, that is read; larger ones are skipped
    #[arg(long, default_value_t = walk::limits::FILE_BYTES, value_name = "BYTES",
          value_parser = clap::value_parser!(u64).range(1..=limits::FILE_BYTES_MAX))]
    pub(crate) max_bytes: u64,
    /// Token for the server, sent as `Authorization: Bearer`; the environment keeps it out of the process list
    #[arg(long, env = "CODITECT_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<SecretString>,
    /// How long to wait for a server that is away or busy, in seconds
    #[arg(long, default_value_t = limits::RETRY_FOR_SECONDS, value_name = "SECONDS")]
    pub(crate) retry_for: u64,
    /// How long one request may take, in seconds
    #[arg(long, default_value_t = client_limits::REQUEST_TIMEOUT.as_secs(), value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) request_timeout: u64,
}

/// How documents are sent.
#[derive(Debug, Args)]
pub(crate) struct SendingArguments {
    /// Requests under way at once
    #[arg(long, default_value_t = limits::IN_FLIGHT as u64, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=limits::IN_FLIGHT_MAX as u64))]
    pub(crate) in_flight: u64,
    /// Most documents in one request
    #[arg(long, default_value_t = limits::BATCH_DOCUMENTS as u64, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=limits::BATCH_DOCUMENTS_MAX as u64))]
    pub(crate) batch_documents: u64,
    /// Bytes of text after which a request is full
    #[arg(long, default_value_t = limits::BATCH_BYTES as u64, value_name = "BYTES",
          value_parser = clap::value_parser!(u64).range(1..=limits::BATCH_BYTES_MAX as u64))]
    pub(crate) batch_bytes: u64,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArguments {
    /// Print the result as one JSON object on standard output, on its last line
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither progress nor skipped files nor warnings; failures and the result are printed all the same
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// A line for every document that is written or deleted
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

impl Default for SendingArguments {
    fn default() -> Self {
        Self {
            in_flight: limits::IN_FLIGHT as u64,
            batch_documents: limits::BATCH_DOCUMENTS as u64,
            batch_bytes: limits::BATCH_BYTES as u64,
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all is well (skipped files, such as empty or binary ones, are reported and are no failure)
  1    some documents failed, or a sync refused to delete too much
  2    wrong usage, or the server refuses the token, the address or the collection's name
  3    the server cannot be reached
  130  stopped by Ctrl-C (143 by SIGTERM); run it again to finish. A watch that is stopped ends with 0";

const PUSH_EXAMPLES: &str = "\
Examples:
  coditect-ingest push docs --collection handbook
  coditect-ingest push . --collection monorepo --prefix services/billing/
  coditect-ingest push docs --collection handbook --dry-run
  coditect-ingest push ready.jsonl --collection faq      one document a line: {\"document_id\", \"text\", ..}
  CODITECT_TOKEN=... coditect-ingest push docs --server https://kb.example.com --json | tail -n 1

A second run over an unchanged tree sends nothing. A run that was stopped is finished by running it again.";

const SYNC_EXAMPLES: &str = "\
Examples:
  coditect-ingest sync docs --collection handbook
  coditect-ingest sync docs --collection handbook --dry-run      show what would be sent and deleted
  coditect-ingest sync guides --collection handbook --prefix guides/      leave all other documents alone
  coditect-ingest sync docs --collection handbook --yes      even if more than half of it goes

Nothing is deleted when a part of the tree cannot be read.";

const STATUS_EXAMPLES: &str = "\
Examples:
  coditect-ingest status docs --collection handbook
  coditect-ingest status docs --collection handbook --json | tail -n 1";

const WATCH_EXAMPLES: &str = "\
Examples:
  coditect-ingest watch docs --collection handbook
  coditect-ingest watch . --collection monorepo --quiet

Deletes what vanishes while it watches; what vanished before is `sync`'s to delete. Waits for a server that restarts.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
