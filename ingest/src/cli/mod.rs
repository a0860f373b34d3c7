//! The command itself: arguments in, work done, exit code out.

mod args;
mod exit;
mod output;
mod run;
mod signals;
mod status;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Arguments, Command};
use self::signals::Signals;
use crate::push::Mode;

/// Reads the command line, runs the command, and gives its exit code.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&anyhow::Error::from(error).context("start")),
    };
    let code = runtime.block_on(dispatch(arguments.command));
    // A walk that is stuck on a dead network drive must not keep the process alive.
    runtime.shutdown_background();
    code.unwrap_or_else(|error| failure(&error))
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    let signals = Signals::listen()?;
    match command {
        Command::Push(push) => {
            let mode = Mode { dry_run: push.dry_run, ..Mode::default() };
            run::once(push, mode, &signals).await
        }
        Command::Sync(sync) => {
            let mode = Mode { delete: true, yes: sync.yes, dry_run: sync.push.dry_run };
            run::once(sync.push, mode, &signals).await
        }
        Command::Status(status) => status::run(status, &signals).await,
        Command::Watch(watch) => run::watch(watch, &signals).await,
    }
}

fn failure(error: &anyhow::Error) -> ExitCode {
    // A closed standard error changes nothing about the exit code.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::from(exit::USAGE)
}
