//! Fills the collection that the load runs against with generated pages.

use anyhow::{Context, Result, ensure};
use coditect_benches::client::{BatchOutcome, Client, CollectionInfo, DocumentInput};
use coditect_benches::limits;
use coditect_benches::prose::Prose;

/// Collection of the load.
pub(crate) const COLLECTION: &str = "load";

/// Sections of a page, and so about as many passages.
const SECTIONS: usize = 10;

/// Brings the collection to at least that many passages; pages of an earlier run are kept.
pub(crate) async fn fill(client: &Client, passages: usize, seed: u64) -> Result<CollectionInfo> {
    let mut next: u64 = 0;
    let mut held = 0;
    if let Some(info) = client.collection(COLLECTION).await?
        && info.passages >= passages
    {
        return Ok(info);
    }
    while held < passages {
        let batch: Vec<DocumentInput> = (0..limits::BATCH as u64).map(|index| page(seed, next + index)).collect();
        next += batch.len() as u64;
        held += stored(&client.put_batch(&batch).await?)?;
        println!("filling {COLLECTION}: {held} of {passages} passages");
    }
    client.collection(COLLECTION).await?.context("find the collection after filling it")
}

/// Passages of a batch that was stored as a whole.
pub(crate) fn stored(answer: &BatchOutcome) -> Result<usize> {
    let failed = answer.outcomes.iter().find(|outcome| outcome.status == "failed");
    ensure!(failed.is_none(), "a generated page failed: {failed:?}");
    Ok(answer.outcomes.iter().map(|outcome| outcome.passages).sum())
}

fn page(seed: u64, number: u64) -> DocumentInput {
    document(&format!("pages/{number:05}.md"), Prose::new(seed, number).page(SECTIONS))
}

/// A Markdown document of the collection.
pub(crate) fn document(document_id: &str, text: String) -> DocumentInput {
    DocumentInput {
        collection: COLLECTION.to_owned(),
        document_id: document_id.to_owned(),
        text,
        format: Some("markdown".to_owned()),
        ..DocumentInput::default()
    }
}
