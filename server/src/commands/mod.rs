//! What the binary does besides serving: each opens the store by the same settings as the server.

mod admin;
mod cleanup;
mod output;
mod restore;
mod verify;

pub use admin::{AdminCommand, CreateArgs, TokenArgs};
pub use restore::RestoreArgs;

use coditect_engine::Bucket;

use crate::settings::{Command, Settings};
use crate::start::{StartError, chain};

/// Does what a command says; `serve` is not among them.
///
/// # Errors
/// See [`StartError`].
pub async fn run(command: &Command, settings: &Settings) -> Result<(), StartError> {
    match command {
        Command::Serve => Ok(()),
        Command::Restore(arguments) => restore::run(arguments, settings).await,
        Command::Verify => verify::run(settings).await,
        Command::Admin(command) => admin::run(command, settings).await,
        Command::CleanupSessions => cleanup::run(settings).await,
    }
}

fn open_bucket(url: &str) -> Result<Bucket, StartError> {
    Bucket::open(url, std::env::vars()).map_err(|error| StartError::Settings(chain(&error)))
}

fn failed(what: &str, error: &coditect_engine::Error) -> StartError {
    StartError::Other(format!("{what}: {}", chain(error)))
}
