//! Bringing everything to the bucket: at first, and when the change log no longer reaches back to what is there.

use std::collections::HashSet;

use coditect_store::Term;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::object::DocumentObject;
use super::state::{self, Progress, State};
use super::{Backup, follow, place};
use crate::documents::collections::{self, Named};
use crate::documents::{Context, read};
use crate::error::Result;
use crate::limits;
use crate::model::{CollectionName, DocumentId, TenantId, Version};
use crate::storage::Scan;

impl Backup {
    /// Goes on with what `state` says until everything is there. Answers how many objects it changed.
    pub(super) async fn copy(&self, context: &Context, term: &Term, state: &mut State) -> Result<usize> {
        let Progress::Copying { from, after } = state.progress.clone() else { return Ok(0) };
        let all = collections::list_all(context).await?;
        let mut changed = 0;
        for (tenant, named) in &all {
            let here = (tenant, &named.name);
            let done = after.as_ref().map(|(tenant, name, document)| ((tenant, name), document));
            let done = match done {
                Some((there, _)) if there > here => continue,
                Some((there, document)) if there == here => Some(document),
                _ => None,
            };
            changed += usize::from(follow::bring_collection(&self.keeper, tenant, named, from).await?);
            changed += self.copy_documents(context, term, state, (tenant, named), done).await?;
        }
        changed += self.remove_others(&all, from).await?;
        state.progress = Progress::Following { through: from };
        state.at = context.clock.now();
        state::save(context, term, state).await?;
        Ok(changed)
    }

    /// Brings the documents of a collection that come behind `done`, and removes objects of documents that are not there.
    async fn copy_documents(
        &self,
        context: &Context,
        term: &Term,
        state: &mut State,
        (tenant, named): (&TenantId, &Named),
        done: Option<&DocumentId>,
    ) -> Result<usize> {
        let Progress::Copying { from, .. } = state.progress else { return Ok(0) };
        let listed = self.keeper.bucket.list(&place::documents_of(tenant, &named.name)).await?;
        let mut others: HashSet<String> = listed.into_iter().collect();
        let space = context.keys.tenant(tenant).heads(named.head.id);
        let mut scan = Scan::of(&context.store, &space).in_pages_of(limits::REBUILD_BATCH).in_background("backup");
        let mut changed = 0;
        while let Some(heads) = scan.next().await? {
            let ids = heads.iter().map(|head| read::id_of(&space, &head.key));
            let ids: Vec<DocumentId> = ids.collect::<Result<_>>()?;
            let last = ids.last().cloned();
            let mut missing = Vec::with_capacity(ids.len());
            for id in ids {
                let path = place::document(tenant, &named.name, &id);
                let is_there = others.remove(&path);
                if done.is_none_or(|done| id > *done) {
                    missing.push((id, path, is_there));
                }
            }
            let Some(last) = last.filter(|_| !missing.is_empty()) else { continue };
            changed += self.copy_some(context, tenant, named, missing, from).await?;
            let after = Some((tenant.clone(), named.name.clone(), last));
            state.progress = Progress::Copying { from, after };
            state.at = context.clock.now();
            state::save(context, term, state).await?;
        }
        for path in others {
            changed += usize::from(self.keeper.supersede::<DocumentObject>(&path, from).await?);
        }
        Ok(changed)
    }

    async fn copy_some(
        &self,
        context: &Context,
        tenant: &TenantId,
        named: &Named,
        documents: Vec<(DocumentId, String, bool)>,
        from: Version,
    ) -> Result<usize> {
        let copied = documents.into_iter().map(|(id, path, is_there)| async move {
            let Some(object) = follow::current(context, tenant, named, &id).await? else { return Ok(false) };
            match is_there {
                true => self.keeper.replace(&path, &object, from).await,
                false => self.keeper.add(&path, &object).await.map(|()| true),
            }
        });
        let count = |sum, is_new| async move { Ok(sum + usize::from(is_new)) };
        stream::iter(copied).buffer_unordered(limits::BUCKET_CONCURRENCY).try_fold(0, count).await
    }

    /// Removes collections from the bucket that are not in the store.
    async fn remove_others(&self, all: &[(TenantId, Named)], from: Version) -> Result<usize> {
        let there: HashSet<(&TenantId, &CollectionName)> =
            all.iter().map(|(tenant, named)| (tenant, &named.name)).collect();
        let mut removed = 0;
        for path in self.keeper.bucket.list(place::COLLECTIONS).await? {
            let Some((tenant, name)) = place::of_collection(&path) else { continue };
            if !there.contains(&(&tenant, &name)) {
                removed += follow::remove_collection(&self.keeper, &tenant, &name, from).await?;
            }
        }
        Ok(removed)
    }
}
