//! Passages in the store: text, place and vector of each, under the generation that they belong to.

use bytes::Bytes;
use coditect_store::Transaction;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::error::{Error, Result};
use crate::model::{CollectionId, Generation, NewPassage, Passage};
use crate::storage::{TenantKeys, parts, record};

/// A passage's record: the passage and its vector as little-endian `f32`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PassageRecord {
    passage: Passage,
    vector: Bytes,
}

/// A passage as the indexes take it, but for its token codes.
#[derive(Debug, Clone)]
pub(crate) struct IndexedPassage {
    pub(crate) ordinal: u32,
    pub(crate) passage: Passage,
    pub(crate) vector: Vec<f32>,
}

/// Encodes a passage for the store.
pub(crate) fn encode(new: &NewPassage) -> Result<Vec<u8>> {
    let passage = Passage {
        text: new.text.clone(),
        index_text: (new.index_text != new.text).then(|| new.index_text.clone()),
        location: new.location.clone(),
        embed_hash: new.embed_hash,
    };
    let vector = new.vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    record::encode(&PassageRecord { passage, vector })
}

fn decode(bytes: &[u8], ordinal: u32) -> Result<IndexedPassage> {
    let stored: PassageRecord = record::decode(bytes, "a passage")?;
    let (floats, rest) = stored.vector.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Error::corrupt("decode a passage's vector"));
    }
    let vector = floats.iter().map(|x| f32::from_le_bytes(*x)).collect();
    Ok(IndexedPassage { ordinal, passage: stored.passage, vector })
}

/// Reads one passage; `None` when the generation has been cleaned up.
pub(crate) async fn get(
    tx: &Transaction,
    keys: &TenantKeys,
    collection: CollectionId,
    generation: Generation,
    ordinal: u32,
) -> Result<Option<Passage>> {
    let value = parts::get(&tx.snapshot(), &keys.passage(collection, generation, ordinal)).await?;
    value.map(|bytes| decode(&bytes, ordinal).map(|indexed| indexed.passage)).transpose()
}

/// Reads all passages of a generation in order, in as many transactions as it takes: a generation never changes.
pub(crate) async fn all(
    context: &Context,
    keys: &TenantKeys,
    collection: CollectionId,
    generation: Generation,
) -> Result<Vec<IndexedPassage>> {
    let space = keys.passages(collection, generation);
    let values = parts::all(&context.store, &space, "a passage").await?;
    values.into_iter().map(|(ordinal, bytes)| decode(&bytes, ordinal)).collect()
}
