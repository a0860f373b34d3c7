//! A client that reads documents while they are written and looks for halves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use coditect_benches::client::{Client, SearchRequest};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::content::{COLLECTION, name, revision_of};
use crate::model::Model;
use crate::verify::whole;
use crate::writer::Done;

/// Results asked for, more than a document has passages.
const TOP_K: usize = 50;

/// Pause between two looks, so that reading leaves the processor to the writers.
const PAUSE: Duration = Duration::from_millis(5);

/// Reads until the server dies.
pub(crate) async fn run(client: Client, model: Arc<Model>, seed: u64) -> Done {
    let mut random = ChaCha8Rng::seed_from_u64(!seed);
    let mut done = Done::default();
    loop {
        let document = random.random_range(0..model.documents);
        match look(&client, &model, document).await {
            Ok(partial) => {
                done.reads += 1;
                done.partial.extend(partial);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                done.errors.push((Instant::now(), format!("{error:#}")));
                return done;
            }
        }
    }
}

/// What is half about a document at this moment.
async fn look(client: &Client, model: &Model, document: u32) -> Result<Option<String>> {
    let Some(stored) = client.get(COLLECTION, &name(document)).await? else {
        return Ok(None);
    };
    let Some(revision) = revision_of(stored.text.as_deref().unwrap_or_default()) else {
        return Ok(Some(format!("{} has no whole text", name(document))));
    };
    if let Err(problem) = whole(&stored, &model.contents.of(document, revision)) {
        return Ok(Some(format!("{} while it was written: {problem}", name(document))));
    }
    let request = SearchRequest {
        query: Some(format!("Note {document} revision {revision}")),
        collections: vec![COLLECTION.to_owned()],
        top_k: Some(TOP_K),
        mode: Some("keyword".to_owned()),
        fold_copies: Some(false),
        ..SearchRequest::default()
    };
    let answer = client.search(&request).await?;
    let passages = answer.results.iter().filter(|result| result.document_id == stored.document_id);
    let hashes: BTreeSet<&str> = passages.map(|result| result.content_hash.as_str()).collect();
    let mixed = hashes.len() > 1;
    Ok(mixed.then(|| format!("one answer shows {} versions of {}", hashes.len(), stored.document_id)))
}
