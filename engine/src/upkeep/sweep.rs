//! The sweep: generations that nothing names. No way of writing is known to leave any; should there be one, its leavings do not stay.

use std::collections::HashSet;

use coditect_store::tuple::{Element, Subspace, TupleUnpack};
use coditect_store::{RunOptions, Term};
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
        let orphans = orphans(context, &keys, head.id).await?;
        if !orphans.is_empty() {
            tracing::warn!(%tenant, collection = %name, count = orphans.len(), "generations that nothing names are cleared");
        }
        for &orphan in &orphans {
            clear(context, term, &keys, head.id, orphan).await?;
        }
        cleared += orphans.len();
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

async fn clear(
    context: &Context,
    term: &Term,
    keys: &TenantKeys,
    collection: CollectionId,
    generation: Generation,
) -> Result<()> {
    let spaces = &keys.of_generation(collection, generation);
    context
        .store
        .run_with(RunOptions::background(TAG), |tx| async move {
            term.fence(&tx).await?;
            for space in spaces {
                let (begin, end) = space.range();
                tx.clear_range(&begin, &end);
            }
            Ok::<_, Error>(())
        })
        .await
}
