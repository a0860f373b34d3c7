//! Replacing a document atomically: passages are staged under a new generation, one transaction flips the head.

use coditect_store::{AtomicOp, Transaction};
use jiff::Timestamp;

use super::cleanup::{self, Retired, Staged, Target};
use super::log::{self, Change, LogEntry};
use super::{Context, codes, collections, passages, read};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{
    CollectionHead, CollectionName, CollectionSpec, DocumentHead, DocumentId, Generation, NewDocument, Version,
    WriteReceipt, WriteStatus,
};
use crate::storage::keys::Counter;
use crate::storage::{TenantKeys, parts, record};

/// A document on its way into the store: its record, and every key and value of its new generation.
struct Draft<'a> {
    name: &'a CollectionName,
    collection: CollectionHead,
    document: DocumentId,
    head: DocumentHead,
    values: Vec<(Vec<u8>, Vec<u8>)>,
    staged: bool,
    /// Of a document that is restored.
    version: Option<Version>,
}

/// When a document that is restored was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) version: Version,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Stores a document in place of its earlier self. The same content hash means nothing to do.
pub(crate) async fn put(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    spec: &CollectionSpec,
    document: NewDocument,
) -> Result<WriteReceipt> {
    check(&document, spec)?;
    let (collection, _) = collections::ensure(context, keys, name, spec).await?;
    let draft = draft(context, keys, name, spec, collection, document)?;
    write(context, keys, draft).await
}

/// Stores a document as it was when it was written, with its version and times.
pub(crate) async fn restore(
    context: &Context,
    keys: &TenantKeys,
    name: &CollectionName,
    collection: &CollectionHead,
    document: NewDocument,
    origin: Origin,
) -> Result<WriteReceipt> {
    let spec = &collection.spec();
    check(&document, spec)?;
    let mut draft = draft(context, keys, name, spec, collection.clone(), document)?;
    draft.version = Some(origin.version);
    (draft.head.created_at, draft.head.updated_at) = (origin.created_at, origin.updated_at);
    write(context, keys, draft).await
}

async fn write(context: &Context, keys: &TenantKeys, mut draft: Draft<'_>) -> Result<WriteReceipt> {
    let bytes: usize = draft.values.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > limits::SINGLE_TRANSACTION_BYTES {
        stage(context, keys, &draft).await?;
        draft.values.clear();
        draft.staged = true;
    }
    flip(context, keys, &draft).await
}

fn check(document: &NewDocument, spec: &CollectionSpec) -> Result<()> {
    let too_long = |pointer: &str, length: usize, limit: usize| match length > limit {
        true => Err(Error::invalid(pointer, format!("{length} bytes, at most {limit} are allowed"))),
        false => Ok(()),
    };
    too_long("/title", document.title.len(), limits::TITLE_BYTES)?;
    too_long("/source", document.source.len(), limits::SOURCE_BYTES)?;
    too_long("/kind", document.kind.len(), limits::COLLECTION_NAME_BYTES)?;
    too_long("/language", document.language.as_ref().map_or(0, String::len), limits::COLLECTION_NAME_BYTES)?;
    too_long("/text", document.text.len(), limits::DOCUMENT_BYTES)?;
    if document.passages.len() > limits::DOCUMENT_PASSAGES {
        let limit = limits::DOCUMENT_PASSAGES;
        return Err(Error::invalid(
            "/text",
            format!("{} passages, at most {limit} are allowed", document.passages.len()),
        ));
    }
    let dimension = spec.embedder.dimension as usize;
    for passage in &document.passages {
        let good = passage.vector.len() == dimension && passage.vector.iter().all(|x| x.is_finite());
        if !good {
            return Err(Error::invalid("/passages", format!("a vector must have {dimension} finite numbers")));
        }
    }
    Ok(())
}

fn draft<'a>(
    context: &Context,
    keys: &TenantKeys,
    name: &'a CollectionName,
    spec: &CollectionSpec,
    collection: CollectionHead,
    document: NewDocument,
) -> Result<Draft<'a>> {
    let generation = Generation(context.clock.uuid());
    // Codes of another model would be compared with queries that they do not fit.
    let holds_codes = collection.tokens.is_some() && collection.tokens == spec.tokens;
    let mut values = Vec::new();
    for (ordinal, passage) in (0u32..).zip(&document.passages) {
        let space = keys.passage(collection.id, generation, ordinal);
        let value = passages::encode(passage)?;
        values.extend(parts::split(&space, &value).map(|(key, part)| (key, part.to_vec())));
        if let Some(codes) = passage.codes.as_ref().filter(|_| holds_codes) {
            let space = keys.codes_of(collection.id, generation, ordinal);
            let value = codes::encode(codes);
            values.extend(parts::split(&space, &value).map(|(key, part)| (key, part.to_vec())));
        }
    }
    let space = keys.text(collection.id, generation);
    values.extend(parts::split(&space, document.text.as_bytes()).map(|(key, part)| (key, part.to_vec())));
    let now = context.clock.now();
    let metadata = serde_json::Value::Object(document.metadata).to_string();
    if metadata.len() > limits::METADATA_BYTES {
        let limit = limits::METADATA_BYTES;
        return Err(Error::invalid(
            "/metadata",
            format!("{} bytes of JSON, at most {limit} are allowed", metadata.len()),
        ));
    }
    let head = DocumentHead {
        kind: document.kind,
        language: document.language,
        title: document.title,
        source: document.source,
        metadata,
        content_hash: document.content_hash,
        generation,
        passages: u32::try_from(document.passages.len()).unwrap_or(u32::MAX),
        bytes: document.text.len() as u64,
        created_at: now,
        updated_at: now,
    };
    Ok(Draft { name, collection, document: document.id, head, values, staged: false, version: None })
}

/// Writes the generation's values in as many transactions as they need, behind a note that it is on its way: none is written once the note is gone.
async fn stage(context: &Context, keys: &TenantKeys, draft: &Draft<'_>) -> Result<()> {
    let generation = draft.head.generation;
    let note = Staged {
        tenant: keys.tenant().clone(),
        collection: draft.collection.id,
        document: draft.document.clone(),
        at: context.clock.now(),
    };
    let (note_key, note) = (&context.keys.staged_generation(generation), &record::encode(&note)?);
    context
        .store
        .run(|tx| async move {
            tx.set(note_key, note);
            Ok::<_, Error>(())
        })
        .await?;
    let mut rest = draft.values.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(transaction_share(rest));
        context
            .store
            .run(|tx| async move {
                check_staging(&tx, context, generation).await?;
                now.iter().for_each(|(key, value)| tx.set(key, value));
                Ok::<_, Error>(())
            })
            .await?;
        rest = later;
    }
    Ok(())
}

/// How many of the first values fit into one staging transaction; at least one.
fn transaction_share(values: &[(Vec<u8>, Vec<u8>)]) -> usize {
    let mut bytes = 0;
    let fits = values.iter().take_while(|(key, value)| {
        bytes += key.len() + value.len();
        bytes <= limits::STAGE_TRANSACTION_BYTES
    });
    fits.count().max(1)
}

/// The one transaction that makes the generation visible: head, log, counters, and the old generation's clean-up.
async fn flip(context: &Context, keys: &TenantKeys, draft: &Draft<'_>) -> Result<WriteReceipt> {
    let attempts = &log::Attempts::default();
    let is_ours = |_: &WriteStatus, entry: &LogEntry| matches!(entry.change, Change::Put { generation, .. } if generation == draft.head.generation);
    let (receipt, stamp) = context
        .store
        .run(|tx| async move {
            if let Some((version, status)) = attempts.done(&tx, &context.keys, is_ours).await? {
                return Ok::<_, Error>((receipt(status, version, &draft.head), None));
            }
            check_collection(&tx, keys, draft).await?;
            let old = read::head(&tx, keys, draft.collection.id, &draft.document).await?;
            if let Some((old, version)) = &old
                && old.content_hash == draft.head.content_hash
            {
                abandon(&tx, context, keys, draft)?;
                return Ok((receipt(WriteStatus::Unchanged, *version, old), None));
            }
            if draft.staged {
                check_staging(&tx, context, draft.head.generation).await?;
            }
            write_generation(&tx, context, keys, draft, old.as_ref().map(|(head, _)| head))?;
            let status = if old.is_some() { WriteStatus::Updated } else { WriteStatus::Created };
            attempts.try_to(&tx, status).await?;
            Ok((receipt(status, Version::ZERO, &draft.head), Some(tx.versionstamp())))
        })
        .await?;
    match stamp {
        Some(stamp) => Ok(WriteReceipt { version: Version::from_bytes(stamp.await?), ..receipt }),
        None => Ok(receipt),
    }
}

fn receipt(status: WriteStatus, version: Version, head: &DocumentHead) -> WriteReceipt {
    WriteReceipt { status, version, passages: head.passages }
}

async fn check_collection(tx: &Transaction, keys: &TenantKeys, draft: &Draft<'_>) -> Result<()> {
    let now = collections::expect(tx, keys, draft.name).await?;
    if now.id != draft.collection.id {
        return Err(Error::conflict(format!("collection {} was dropped during the write: write again", draft.name)));
    }
    Ok(())
}

/// A generation whose note is gone was cleared as abandoned: it must not become visible, and nothing more must be written of it.
async fn check_staging(tx: &Transaction, context: &Context, generation: Generation) -> Result<()> {
    if tx.get(&context.keys.staged_generation(generation)).await?.is_none() {
        return Err(Error::unavailable("staging the document took too long and was cleaned up: write again"));
    }
    Ok(())
}

/// The document is there already: what was staged for it goes to the clean-up.
fn abandon(tx: &Transaction, context: &Context, keys: &TenantKeys, draft: &Draft<'_>) -> Result<()> {
    if !draft.staged {
        return Ok(());
    }
    tx.clear(&context.keys.staged_generation(draft.head.generation));
    retire(tx, context, keys, draft, draft.head.generation)
}

fn retire(
    tx: &Transaction,
    context: &Context,
    keys: &TenantKeys,
    draft: &Draft<'_>,
    generation: Generation,
) -> Result<()> {
    let target = Target::Generation { collection: draft.collection.id, generation };
    let retired = Retired { tenant: keys.tenant().clone(), target, at: draft.head.updated_at };
    cleanup::retire(tx, &context.keys, &retired, 0)
}

fn write_generation(
    tx: &Transaction,
    context: &Context,
    keys: &TenantKeys,
    draft: &Draft<'_>,
    old: Option<&DocumentHead>,
) -> Result<()> {
    let collection = draft.collection.id;
    draft.values.iter().for_each(|(key, value)| tx.set(key, value));
    let mut head = draft.head.clone();
    if let Some(old) = old {
        if draft.version.is_none() {
            head.created_at = old.created_at;
        }
        retire(tx, context, keys, draft, old.generation)?;
    }
    let key = keys.head(collection, &draft.document);
    match draft.version {
        Some(version) => tx.set(&key, &record::encode_versioned(&head, version)?),
        None => tx.atomic(AtomicOp::SetVersionstampedValue, &key, &record::encode_stamped(&head)?),
    }
    if draft.staged {
        tx.clear(&context.keys.staged_generation(head.generation));
    }
    tx.clear(&keys.failure(collection, &draft.document));
    collections::count(tx, keys, collection, Counter::Documents, i64::from(old.is_none()));
    let passages = i64::from(head.passages) - old.map_or(0, |old| i64::from(old.passages));
    collections::count(tx, keys, collection, Counter::Passages, passages);
    let change = Change::Put { document: draft.document.clone(), generation: head.generation };
    log::append(tx, context, keys.tenant(), (draft.name, collection), change)
}
