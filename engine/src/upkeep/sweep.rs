//! The sweep: generations that nothing names. No way of writing is known to leave any; should there be one, its leavings do not stay.

use std::collections::HashSet;

use coditect_store::tuple::{Element, Subspace, TupleUnpack};
use coditect_store::{RangeQuery, RunOptions, Term};
use uuid::Uuid;

use crate::documents::Context;
use crate::documents::cleanup::{Retired, Target};
use crate::documents::collections::{self, Named};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{CollectionId, DocumentHead, Generation};
use crate::storage::{Scan, TenantKeys, record};

/// What a cluster is told the work is.
const TAG: &str = "sweep";

/// One round over all collections. Answers how many generations were cleared.
pub(super) async fn round(context: &Context, term: &Term) -> Result<usize> {
    let mut cleared = 0;
    for (tenant, Named { name, head }) in collections::list_all(context).await? {
        let keys = context.keys.tenant(&tenant);
        for orphan in orphans(context, &keys, head.id).await? {
            if clear(context, term, &keys, head.id, orphan).await? {
                tracing::warn!(%tenant, collection = %name, generation = %orphan.0, "a generation that nothing names is cleared");
                cleared += 1;
            }
        }
    }
    Ok(cleared)
}

/// Generations of a collection that hold something and that nothing names.
///
/// A generation goes from a note that it is staged to a document's record, and from either to a note that it is retired. Read in this order, with
/// the generations themselves before all, nothing moves from what is still to be read to what was read already.
pub(crate) async fn orphans(context: &Context, keys: &TenantKeys, collection: CollectionId) -> Result<Vec<Generation>> {
    let mut found = HashSet::new();
    for table in keys.generations(collection) {
        first_of_each(context, &table, &mut found).await?;
    }
    each(context, &context.keys.staged(), |key, space, _| {
        let generation: Uuid = unpack(space, key)?;
        found.remove(&generation);
        Ok(())
    })
    .await?;
    each(context, &keys.heads(collection), |_, _, value| {
        let (head, _): (DocumentHead, _) = record::decode_stamped(value, "a document's record")?;
        found.remove(&head.generation.0);
        Ok(())
    })
    .await?;
    each(context, &context.keys.retired(), |_, _, value| {
        let retired: Retired = record::decode(value, "a clean-up note")?;
        match retired.target {
            Target::Generation { generation, .. } => drop(found.remove(&generation.0)),
            Target::Collection { collection: gone } if gone == collection => found.clear(),
            Target::Collection { .. } => {}
        }
        Ok(())
    })
    .await?;
    Ok(found.into_iter().map(Generation).collect())
}

/// Adds the generations that have keys in `table`: reads one key of each and leaps over the others.
async fn first_of_each(context: &Context, table: &Subspace, found: &mut HashSet<Uuid>) -> Result<()> {
    let mut scan = Scan::of(&context.store, table).in_pages_of(1).in_background(TAG);
    while let Some(first) = scan.next().await? {
        let key: Vec<Element<'_>> = unpack(table, &first[0].key)?;
        let Some(&Element::Uuid(generation)) = key.first() else {
            return Err(Error::corrupt("decode the key of a generation"));
        };
        found.insert(generation);
        scan.leap_over(&table.subspace(&generation));
    }
    Ok(())
}

/// Calls `what` with every key and value of `space`.
async fn each(
    context: &Context,
    space: &Subspace,
    mut what: impl FnMut(&[u8], &Subspace, &[u8]) -> Result<()> + Send,
) -> Result<()> {
    let mut scan = Scan::of(&context.store, space).in_pages_of(limits::SWEEP_BATCH).in_background(TAG);
    while let Some(items) = scan.next().await? {
        items.iter().try_for_each(|item| what(&item.key, space, &item.value))?;
    }
    Ok(())
}

fn unpack<'a, T: TupleUnpack<'a>>(space: &Subspace, key: &'a [u8]) -> Result<T> {
    space.unpack(key).map_err(|error| Error::corrupt("decode the key of a generation").caused_by(error))
}

/// Clears a generation. Answers whether there was anything of it: the clean-up takes a generation and the note that named it away together, also between
/// the reads of [`orphans`].
async fn clear(
    context: &Context,
    term: &Term,
    keys: &TenantKeys,
    collection: CollectionId,
    generation: Generation,
) -> Result<bool> {
    let spaces = &keys.of_generation(collection, generation);
    context
        .store
        .run_with(RunOptions::background(TAG), |tx| async move {
            term.fence(&tx).await?;
            let mut holds_something = false;
            for space in spaces {
                let first = RangeQuery { limit: 1, ..RangeQuery::from(space.range()) };
                if !tx.snapshot().get_range(first).await?.items.is_empty() {
                    let (begin, end) = space.range();
                    tx.clear_range(&begin, &end);
                    holds_something = true;
                }
            }
            Ok::<_, Error>(holds_something)
        })
        .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coditect_store::faults::{Fault, Faults};
    use coditect_store::{Clock, EmbeddedOptions, Lease, Store};

    use super::*;
    use crate::documents::{cleanup, write};
    use crate::model::{
        CollectionName, CollectionSpec, DocumentId, EmbedderInfo, NewDocument, SearchSettings, TenantId,
    };
    use crate::storage::Keys;
    use crate::vector::Quantization;

    const WAIT: Duration = Duration::from_secs(30);

    fn spec() -> CollectionSpec {
        let embedder = EmbedderInfo { id: "e".into(), model: "m".into(), dimension: 8 };
        let (tokens, description, quantization) = (None, String::new(), Quantization::default());
        CollectionSpec { embedder, tokens, description, quantization, search: SearchSettings::default() }
    }

    /// A document that consists of its text alone.
    fn document(text: &str) -> NewDocument {
        NewDocument {
            id: DocumentId::new("doc").unwrap(),
            kind: "documentation".into(),
            language: None,
            title: String::new(),
            source: String::new(),
            metadata: serde_json::Map::new(),
            content_hash: text.into(),
            text: text.into(),
            passages: Vec::new(),
        }
    }

    /// Found by the fault runs (`engine/tests/faults`): between two reads of the sweep the clean-up took a generation away with the note that named it, and
    /// the sweep reported it as forgotten.
    #[tokio::test]
    async fn what_the_clean_up_takes_away_meanwhile_is_not_reported_as_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(EmbeddedOptions::new(dir.path())).await.unwrap();
        let (keys, clock) = (Keys::new("r"), Clock::system());
        let context = Context { store: store.clone(), keys, clock, scratch: dir.path().into(), observer: None };
        let (keys, name) = (context.keys.tenant(&TenantId::new("t").unwrap()), CollectionName::new("docs").unwrap());
        for text in ["replaced", "stays"] {
            write::put(&context, &keys, &name, &spec(), document(text)).await.unwrap();
        }
        let term = Lease::new(store.clone(), b"lease".to_vec(), WAIT).hold().await.unwrap().unwrap();
        let faults = Faults::default();
        let slow = Context { store: store.with_faults(faults.clone()), ..context.clone() };
        // The collections, two tables without a generation and one with two; then the notes, which it reads late.
        let at_once = [Fault::Delay(Duration::ZERO); 1 + 1 + 1 + 3];
        faults.on_reads(at_once.into_iter().chain([Fault::Delay(Duration::from_millis(500))]));
        let clean_up = async {
            let deadline = tokio::time::Instant::now() + WAIT;
            while faults.left() > 0 {
                assert!(tokio::time::Instant::now() < deadline, "the sweep never read the notes");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            cleanup::round(&context, &term, Duration::ZERO).await.unwrap()
        };
        let (swept, cleaned) = tokio::join!(round(&slow, &term), clean_up);
        assert_eq!((swept.unwrap(), cleaned), (0, 1));
    }
}
