//! Each document: its record, its passages, its entry in the log, its place in the indexes and its object in the backup.

use std::collections::HashSet;

use coditect_store::{RangeQuery, RunOptions};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{Area, LOOKS, MOST_LOOKS, PAUSE, Verified, Verify};
use crate::documents::Context;
use crate::documents::collections::{self, Named};
use crate::documents::read::{self, Whole};
use crate::error::{Error, ErrorKind, Result, chain};
use crate::limits;
use crate::model::{DocumentHead, DocumentId, TenantId, Version};
use crate::storage::{Scan, record};

/// What there is to say of a document.
#[derive(Default)]
struct Findings {
    what: Vec<(Area, String)>,
    passages: usize,
    version: Version,
}

/// Documents and passages of a collection.
type Counts = (u64, u64);

/// What is counted of a collection, and what there is, at one version. `None` when there is more than can be read at one.
pub(super) async fn counts(context: &Context, tenant: &TenantId, named: &Named) -> Result<Option<(Counts, Counts)>> {
    let keys = &context.keys.tenant(tenant);
    let counted = context
        .store
        .run_with(RunOptions::deadline(limits::VERIFY_COUNT), |tx| async move {
            let collections::Counts { documents, passages } = collections::counts_in(&tx, keys, named.head.id).await?;
            let (begin, end) = keys.heads(named.head.id).range();
            let heads = tx.snapshot().collect_range(RangeQuery::from((begin, end))).await?;
            let mut there = (0, 0);
            for item in &heads.items {
                // One that cannot be read is reported by itself.
                let Ok((head, _)) = record::decode_stamped::<DocumentHead>(&item.value, "a document's record") else {
                    continue;
                };
                there = (there.0 + 1, there.1 + u64::from(head.passages));
            }
            Ok::<_, Error>(((documents, passages), there))
        })
        .await;
    match counted {
        Ok(counted) => Ok(Some(counted)),
        Err(error) if *error.kind() == ErrorKind::Unavailable => {
            tracing::warn!(%tenant, collection = %named.name, error = %chain(&error), "the collection's counters could not be compared");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The version of a document; `None` when it is not there.
pub(super) async fn current(
    context: &Context,
    tenant: &TenantId,
    named: &Named,
    id: &DocumentId,
) -> Result<Option<Version>> {
    Ok(at_version(context, tenant, named, id).await?.1)
}

/// The same, with the version at which it was so.
pub(super) async fn at_version(
    context: &Context,
    tenant: &TenantId,
    named: &Named,
    id: &DocumentId,
) -> Result<(Version, Option<Version>)> {
    let keys = &context.keys.tenant(tenant);
    context
        .store
        .run(|tx| async move {
            let now = Version::of_read(tx.read_version().await?);
            let head = read::head(&tx, keys, named.head.id, id).await?;
            Ok((now, head.map(|(_, version)| version)))
        })
        .await
}

impl Verify<'_> {
    /// Compares all documents of a collection. Answers those that are there. What it finds in the bucket it takes out of `objects`.
    pub(super) async fn documents(
        &self,
        tenant: &TenantId,
        named: &Named,
        objects: &mut HashSet<String>,
        done: &mut Verified,
        progress: &(dyn Fn(&Verified) + Send + Sync),
    ) -> Result<HashSet<DocumentId>> {
        let space = self.context.keys.tenant(tenant).heads(named.head.id);
        let mut scan = Scan::of(&self.context.store, &space).in_pages_of(limits::REBUILD_BATCH).in_background("verify");
        let mut seen = HashSet::new();
        while let Some(heads) = scan.next().await? {
            let ids = heads.iter().map(|head| read::id_of(&space, &head.key));
            let ids: Vec<DocumentId> = ids.collect::<Result<_>>()?;
            let looked = ids.into_iter().map(|id| async move {
                let found = self.document(tenant, named, &id).await?;
                Ok::<_, Error>((id, found))
            });
            let looked: Vec<(DocumentId, Findings)> =
                stream::iter(looked).buffered(limits::BUCKET_CONCURRENCY).try_collect().await?;
            for (id, found) in looked {
                objects.remove(&self.object_of(tenant, named, &id));
                for (area, what) in found.what {
                    done.differs(area, format!("{tenant}/{}/{id}", named.name), what);
                }
                done.passages += found.passages;
                done.documents += 1;
                done.backup_objects += usize::from(self.backed_up.is_some());
                seen.insert(id);
            }
            progress(done);
        }
        Ok(seen)
    }

    /// Looks at a document, again where something differs: only what stays the same and differs is reported.
    async fn document(&self, tenant: &TenantId, named: &Named, id: &DocumentId) -> Result<Findings> {
        let mut found = self.look(tenant, named, id).await?;
        let mut same = 1;
        for _ in 0..MOST_LOOKS {
            if found.what.is_empty() || same == LOOKS {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
            self.catch_up().await?;
            let again = self.look(tenant, named, id).await?;
            same = if again.version == found.version { same + 1 } else { 1 };
            found = again;
        }
        tracing::warn!(%tenant, collection = %named.name, document = %id, "it changes too often to be compared");
        Ok(Findings { what: Vec::new(), ..found })
    }

    async fn look(&self, tenant: &TenantId, named: &Named, id: &DocumentId) -> Result<Findings> {
        let keys = self.context.keys.tenant(tenant);
        let has_codes = named.head.tokens.is_some();
        let read = read::whole_with_text(self.context, &keys, named.head.id, has_codes, id).await;
        let (whole, text) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Findings::default()),
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                let what = vec![(Area::Store, chain(&error).to_string())];
                return Ok(Findings { what, ..Findings::default() });
            }
            Err(error) => return Err(error),
        };
        let mut found: Vec<(Area, String)> = Vec::new();
        found.extend(record_faults(named, &whole, &text).into_iter().map(|what| (Area::Store, what)));
        found.extend(self.log.fault_of(named.head.id, id, whole.version, self.begun).map(|what| (Area::Log, what)));
        if let Some(index) = self.indexes.by_id(named.head.id) {
            found.extend(index.faults(id, &whole).into_iter().map(|what| (Area::Index, what)));
        }
        let (passages, version) = (whole.passages.len(), whole.version);
        if let Some(what) = self.object_fault(tenant, named, id, (whole, text)).await? {
            found.push((Area::Backup, what));
        }
        Ok(Findings { what: found, passages, version })
    }
}

/// What a record says that its passages and its text do not.
fn record_faults(named: &Named, whole: &Whole, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if whole.head.bytes != text.len() as u64 {
        faults.push(format!("its text has {} bytes, its record says {}", text.len(), whole.head.bytes));
    }
    if serde_json::from_str::<serde_json::Map<_, _>>(&whole.head.metadata).is_err() {
        faults.push("its metadata is no JSON object".into());
    }
    let dimension = named.head.embedder.dimension as usize;
    for (expected, indexed) in (0..).zip(&whole.passages) {
        if indexed.ordinal != expected {
            faults.push(format!("passage {expected} is missing"));
            break;
        }
        if indexed.vector.len() != dimension {
            faults.push(format!("passage {expected} has a vector of {} dimensions", indexed.vector.len()));
        }
    }
    if let Some(stranger) = whole.codes.keys().find(|ordinal| **ordinal as usize >= whole.passages.len()) {
        faults.push(format!("there are token codes of passage {stranger}, which there is not"));
    }
    faults
}
