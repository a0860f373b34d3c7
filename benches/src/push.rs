//! Runs `coditect-ingest push` as a user would and reads its summary.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::process::Command;

use crate::client::Client;
use crate::server::binary;

/// What a run of `coditect-ingest push --json` says at its end.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Documents of the tree that were taken.
    pub documents: usize,
    /// Passages of these documents.
    pub passages: usize,
    /// Documents that are new.
    pub created: usize,
    /// Documents that replaced an older version.
    pub updated: usize,
    /// Documents that were there already.
    pub unchanged: usize,
    /// Documents that failed.
    pub failed: usize,
    /// Files that were left out, each with a reason.
    pub skipped: usize,
    /// Seconds from beginning to end.
    pub seconds: f64,
    /// Passages stored per second.
    pub passages_per_second: f64,
}

/// Pushes the tree at `path` into a collection of the client's server, with its token; progress and problems go to standard error.
///
/// # Errors
/// When the command fails or its summary cannot be read.
pub async fn push(client: &Client, collection: &str, path: &Path) -> Result<Summary> {
    let token = client.token().map_or("", |token| token.expose_secret());
    let output = Command::new(binary("coditect-ingest")?)
        .args(["push", "--server", client.base(), "--collection", collection, "--json"])
        .env("CODITECT_TOKEN", token)
        .arg(path)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("run coditect-ingest")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "coditect-ingest stopped with {}: {}", output.status, text.trim());
    parse(&text)
}

fn parse(text: &str) -> Result<Summary> {
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).context("find the summary")?;
    serde_json::from_str(last).context("read the summary of coditect-ingest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_last_line() {
        let text = "one.md created\n{\"documents\": 2, \"passages\": 7, \"passages_per_second\": 3.5}\n\n";
        let summary = parse(text).unwrap();
        assert_eq!((summary.documents, summary.passages), (2, 7));
        assert!(parse("").is_err());
    }
}
