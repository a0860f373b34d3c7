//! `demo`: a tree of documents goes into a fresh server, and ranked passages come out of it.
#![allow(clippy::print_stdout, reason = "a command line tool reports on standard output")]

mod questions;
mod show;
mod snippet;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use coditect_benches::client::{Client, SearchRequest};
use coditect_benches::push::{Summary, push};
use coditect_benches::report::quantile;
use coditect_benches::server::{Server, ServerOptions, interruptible};
use rand::Rng as _;

use show::Screen;

/// Collection that the demo fills.
const COLLECTION: &str = "demo";

/// Tenant of the demo, and its administrator.
const TENANT: &str = "demo";
const EMAIL: &str = "demo@example.com";

/// Passages shown for a question.
const SHOWN: usize = 3;

/// Tokens of the context that the demo asks for.
const CONTEXT_TOKENS: usize = 400;

/// Pushes a tree into a fresh server, asks it questions, shows the passages.
#[derive(Parser)]
struct Arguments {
    /// Tree of documents and sources
    #[arg(long, default_value = ".")]
    docs: PathBuf,
    /// Searches that the latencies are measured over
    #[arg(long, default_value_t = 100)]
    searches: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(arguments.docs.exists(), "there is no tree at {}", arguments.docs.display());
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    match interruptible(demo(&arguments, folder.path())).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let kept = folder.keep();
            Err(error.context(format!("the demo failed; data and log are kept in {}", kept.display())))
        }
    }
}

async fn demo(arguments: &Arguments, folder: &Path) -> Result<()> {
    let screen = Screen::new();
    let started = Instant::now();
    let options = ServerOptions { tenant: None, ..ServerOptions::new(&folder.join("data"))? };
    let password = password();
    options.command(&["admin", "create", "--tenant", TENANT, "--email", EMAIL], &password)?;
    let server = Server::start(&options).await?;
    let anybody = server.client()?;
    screen.step(&format!("server ready in {:.1} s on {}", started.elapsed().as_secs_f64(), anybody.base()));
    let client = anybody.login(TENANT, EMAIL, &password).await?;
    let token = client.service_token("coditect-ingest", COLLECTION).await?;
    screen.step(&format!("signed in as {EMAIL}, with a service token for coditect-ingest"));
    let ingest = Client::new(client.base(), Some(&token))?;
    let summary = push(&ingest, COLLECTION, &arguments.docs).await?;
    ensure!(summary.documents > 0, "found no documents in {}", arguments.docs.display());
    ensure!(summary.failed == 0, "{} documents failed", summary.failed);
    let info = client.collection(COLLECTION).await?.context("find the collection after the push")?;
    screen.step(&format!(
        "{} documents, {} passages searchable in {:.1} s, {} files left out",
        info.documents, info.passages, summary.seconds, summary.skipped
    ));
    let asked = questions::choose(&client, COLLECTION, &arguments.docs).await?;
    for question in &asked {
        ask(&screen, &client, question, &info.version).await?;
    }
    context(&screen, &client, &asked[0]).await?;
    let mut latencies = measure(&client, arguments.searches, &info.version).await?;
    server.stop().await?;
    println!("{}", last_line(info.documents, info.passages, &summary, &mut latencies));
    Ok(())
}

/// A password that nobody has to know.
fn password() -> String {
    let mut random = rand::rng();
    (0..4).map(|_| format!("{:016x}", random.next_u64())).collect()
}

async fn ask(screen: &Screen, client: &Client, question: &str, version: &str) -> Result<()> {
    let started = Instant::now();
    let answer = client.search(&request(question, version)).await?;
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    ensure!(!answer.results.is_empty(), "nothing was found for: {question}");
    screen.question(question, millis, answer.took_ms);
    for result in answer.results.iter().take(SHOWN) {
        screen.result(result);
    }
    Ok(())
}

async fn context(screen: &Screen, client: &Client, question: &str) -> Result<()> {
    let started = Instant::now();
    let answer = client.context(question, &[COLLECTION.to_owned()], CONTEXT_TOKENS).await?;
    ensure!(!answer.citations.is_empty(), "the context for the question cites nothing: {question}");
    screen.context(question, &answer, started.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

/// Milliseconds of searches with text that the server has not seen as a query yet.
async fn measure(client: &Client, searches: usize, version: &str) -> Result<Vec<f64>> {
    let queries = questions::from_passages(client, COLLECTION, searches).await?;
    let mut latencies = Vec::new();
    for query in queries.iter().cycle().take(searches) {
        let started = Instant::now();
        client.search(&request(query, version)).await?;
        latencies.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(latencies)
}

fn request(query: &str, version: &str) -> SearchRequest {
    SearchRequest {
        query: Some(query.to_owned()),
        collections: vec![COLLECTION.to_owned()],
        min_version: Some(version.to_owned()).filter(|it| !it.is_empty()),
        ..SearchRequest::default()
    }
}

fn last_line(documents: usize, passages: usize, summary: &Summary, latencies: &mut [f64]) -> String {
    format!(
        "demo: ok, {documents} documents, {passages} passages, {:.1} passages/s, search p50 {:.1} p99 {:.1}",
        summary.passages_per_second,
        quantile(latencies, 0.5),
        quantile(latencies, 0.99)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_one_that_scripts_look_for() {
        let summary = Summary { passages_per_second: 55.25, ..Summary::default() };
        let line = last_line(3, 40, &summary, &mut [1.0, 2.0, 3.0]);
        assert_eq!(line, "demo: ok, 3 documents, 40 passages, 55.2 passages/s, search p50 2.0 p99 3.0");
    }
}
