//! Writes documents as fast as the server takes them, one batch after another, until told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use coditect_benches::client::{Client, DocumentInput};
use coditect_benches::prose::Prose;
use tokio::task::JoinHandle;

use crate::corpus::{document, stored};

/// Streams of the generator for these documents.
const STREAM: u64 = 1 << 41;

/// Documents of a batch.
const BATCH: u64 = 4;

/// Documents that are written over and over, so that the collection does not grow without end.
const DOCUMENTS: u64 = 400;

/// Sections of a document.
const SECTIONS: usize = 4;

/// The writer.
pub(crate) struct Churn {
    client: Client,
    stop: Arc<AtomicBool>,
    writer: JoinHandle<Result<u64>>,
}

impl Churn {
    /// Starts to write.
    pub(crate) fn start(client: Client, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn(write(client.clone(), seed, Arc::clone(&stop)));
        Self { client, stop, writer }
    }

    /// Stops, removes what was written, and says how many documents it was.
    pub(crate) async fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.writer.await.context("wait for the writer")??;
        for number in 0..written.min(DOCUMENTS) {
            self.client.delete(crate::corpus::COLLECTION, &name(number)).await?;
        }
        Ok(usize::try_from(written).unwrap_or(usize::MAX))
    }
}

async fn write(client: Client, seed: u64, stop: Arc<AtomicBool>) -> Result<u64> {
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let batch: Vec<DocumentInput> = (next..next + BATCH)
            .map(|number| document(&name(number % DOCUMENTS), Prose::new(seed, STREAM + number).page(SECTIONS)))
            .collect();
        stored(&client.put_batch(&batch).await.context("write while searching")?)?;
        next += BATCH;
    }
    Ok(next)
}

fn name(number: u64) -> String {
    format!("churn/{number:03}.md")
}
