//! The passages of a set with the whole vectors of their tokens, made as the server makes them but for rounding.

use std::collections::HashMap;

use anyhow::{Context, Result};
use coditect_benches::client::{Client, Document};
use coditect_benches::dataset::Dataset;
use coditect_benches::limits;
use coditect_ingest::embed::{EmbeddedQuery, Embedder};
use coditect_ingest::split::{self, SplitOptions};
use coditect_ingest::wire::DocumentInput;
use futures::{StreamExt, TryStreamExt, stream};

/// The tokens of a passage.
pub(super) struct Passage {
    /// Vectors of unit length, one after the other.
    pub(super) vectors: Vec<f32>,
    /// How many of the tokens are of title and headings.
    pub(super) before: usize,
}

/// Passages by collection, document and first line, with how many passages of a collection hold each token.
#[derive(Default)]
pub(super) struct Passages {
    by_place: HashMap<(String, String, u32), Passage>,
    holding: HashMap<String, (f32, HashMap<u32, f32>)>,
}

impl Passages {
    /// Splits and embeds every document that the server holds.
    pub(super) async fn read(client: &Client, set: &Dataset, embedder: &Embedder) -> Result<Self> {
        let mut passages = Self::default();
        for collection in &set.collections {
            let listed = client.list(&collection.name).await?;
            let reading =
                stream::iter(listed).map(|it| async move { client.get(&collection.name, &it.document_id).await });
            let documents: Vec<Option<Document>> =
                reading.buffer_unordered(limits::REQUESTS_IN_FLIGHT).try_collect().await?;
            for document in documents.into_iter().flatten() {
                passages.add(&collection.name, document, embedder).await?;
            }
        }
        Ok(passages)
    }

    async fn add(&mut self, collection: &str, document: Document, embedder: &Embedder) -> Result<()> {
        let text = document.text.as_deref().with_context(|| format!("{} has no text", document.document_id))?;
        let mut input = DocumentInput::new(&document.document_id, text);
        // Where a document has no title the server shows its name instead, and embeds none.
        let name = document.document_id.rsplit('/').next();
        input.title = document.title.filter(|title| Some(title.as_str()) != name);
        let options = SplitOptions { max_tokens: embedder.max_tokens(), ..SplitOptions::default() };
        let split = split::split_input(&input, &options, embedder.counter().as_ref());
        for passage in &split.passages {
            let text = split::embed_text(split.title.as_deref(), passage);
            let tokens = embedder.embed_query_with_tokens(&text).await?.context("the embedder gives no tokens")?;
            let body = text.len() - passage.index_text.len();
            let before = tokens.places.iter().take_while(|place| (place.0 as usize) < body).count();
            self.insert(collection, &document.document_id, passage.lines.0, tokens, before);
        }
        Ok(())
    }

    fn insert(&mut self, collection: &str, document: &str, line: u32, tokens: EmbeddedQuery, before: usize) {
        let (count, holding) = self.holding.entry(collection.to_owned()).or_default();
        *count += 1.0;
        let mut distinct = tokens.ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().for_each(|id| *holding.entry(id).or_default() += 1.0);
        let passage = Passage { vectors: unit(tokens.vectors, tokens.ids.len()), before };
        self.by_place.entry((collection.to_owned(), document.to_owned(), line)).or_insert(passage);
    }

    pub(super) fn get(&self, collection: &str, document: &str, line: u32) -> Option<&Passage> {
        self.by_place.get(&(collection.to_owned(), document.to_owned(), line))
    }

    /// The inverse document frequency of a token, as the engine has it.
    pub(super) fn idf(&self, collection: &str, id: u32) -> f32 {
        let Some((all, holding)) = self.holding.get(collection) else { return 0.0 };
        let holding = holding.get(&id).copied().unwrap_or(0.0);
        (1.0 + (all - holding + 0.5) / (holding + 0.5)).ln()
    }
}

/// Scales every vector to length 1.
pub(super) fn unit(mut vectors: Vec<f32>, count: usize) -> Vec<f32> {
    let dimension = vectors.len().checked_div(count).unwrap_or(0).max(1);
    for vector in vectors.chunks_exact_mut(dimension) {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vectors
}
