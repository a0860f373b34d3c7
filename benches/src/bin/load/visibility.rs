//! How soon an acknowledged write is found by a search.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use coditect_benches::client::{Client, SearchRequest};
use coditect_benches::open_loop::{Latencies, Summary};
use coditect_benches::prose::Prose;
use serde::Serialize;

use crate::corpus::{COLLECTION, document};

/// Streams of the generator for these documents.
const STREAM: u64 = 1 << 42;

/// Pause between two searches for the same document.
const PAUSE: Duration = Duration::from_millis(1);

/// After this a document counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The result.
#[derive(Serialize)]
pub(crate) struct Visibility {
    /// Number of documents written.
    pub(crate) writes: usize,
    /// From acknowledged to found, by searching again and again.
    pub(crate) found_ms: Summary,
    /// Writes found by the first search that named their version.
    pub(crate) at_once_with_min_version: usize,
    /// Time of that search.
    pub(crate) min_version_ms: Summary,
}

/// Writes documents one by one and looks for each.
pub(crate) async fn measure(client: &Client, writes: usize, seed: u64) -> Result<Visibility> {
    let mut found = Latencies::new()?;
    let mut waited = Latencies::new()?;
    let mut at_once = 0;
    for number in 0..writes as u64 {
        let word = format!("probe{seed}x{number}");
        let id = format!("probes/{number}.md");
        let text = format!("{word} {}", Prose::new(seed, STREAM + number).paragraph(3));
        let version = client.put(&document(&id, text.clone())).await?.version;
        found.record(until_found(client, &word, &id).await?);
        let updated = client.put(&document(&id, format!("{text} Changed{word}."))).await?.version;
        ensure!(updated > version, "version {updated:?} is not behind {version:?}");
        let started = Instant::now();
        at_once += usize::from(search(client, &format!("Changed{word}"), updated, &id).await?);
        waited.record(started.elapsed());
        client.delete(COLLECTION, &id).await?;
    }
    Ok(Visibility {
        writes,
        found_ms: found.summary(),
        at_once_with_min_version: at_once,
        min_version_ms: waited.summary(),
    })
}

async fn until_found(client: &Client, word: &str, id: &str) -> Result<Duration> {
    let acknowledged = Instant::now();
    while !search(client, word, None, id).await? {
        ensure!(acknowledged.elapsed() < PATIENCE, "{id} was not found within {} s", PATIENCE.as_secs());
        tokio::time::sleep(PAUSE).await;
    }
    Ok(acknowledged.elapsed())
}

async fn search(client: &Client, word: &str, min_version: Option<String>, id: &str) -> Result<bool> {
    let request = SearchRequest {
        query: Some(word.to_owned()),
        collections: vec![COLLECTION.to_owned()],
        min_version,
        ..SearchRequest::default()
    };
    let answer = client.search(&request).await?;
    let hit = answer.results.iter().find(|result| result.document_id == id);
    Ok(hit.is_some_and(|result| result.passage.text.contains(word)))
}
