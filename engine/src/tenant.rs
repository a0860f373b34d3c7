//! The engine as a tenant has it: the handle through which all documents are written, read and searched.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::documents::collections::Named;
use crate::documents::{self, Context, ListQuery, Observer, Page};
use crate::engine::{Engine, Inner};
use crate::error::{Error, ErrorKind, Result};
use crate::keyword::Spelling;
use crate::limits;
use crate::model::{
    CollectionChange, CollectionInfo, CollectionName, CollectionRef, CollectionSpec, DocumentId, NewDocument, Passage,
    SearchInfo, StoredDocument, TenantId, TextHash, TokenCodes, Version, WriteReceipt,
};
use crate::reach::Reach;
use crate::recall::Effort;
use crate::search::{self, SearchRequest, SearchResponse};
use crate::storage::TenantKeys;
use crate::vector::VectorOptions;

/// An engine bound to one tenant. Nothing of another tenant can be reached through it, but to read what is shared with all.
#[derive(Clone)]
pub struct Tenant {
    reach: Reach,
    context: Context,
    engine: Engine,
}

/// A collection that may be read, one of the tenant's or one that is shared. Nothing can be written through it.
pub struct Reading<'a> {
    tenant: &'a Tenant,
    keys: &'a TenantKeys,
    name: &'a CollectionName,
}

impl Tenant {
    pub(crate) fn new(engine: Engine, tenant: &TenantId) -> Self {
        let context = engine.inner.context.clone();
        Self { reach: Reach::of(context.keys.tenant(tenant)), context, engine }
    }

    /// The same, which can also read the collections of `shared`: searches of all collections include them.
    #[must_use]
    pub fn sharing(mut self, shared: &TenantId) -> Self {
        self.reach = self.reach.sharing(self.context.keys.tenant(shared));
        self
    }

    /// The same, which can reach these collections alone: all others are as if they did not exist.
    #[must_use]
    pub fn confined_to(mut self, collections: BTreeSet<CollectionName>) -> Self {
        self.reach = self.reach.confined_to(collections);
        self
    }

    /// The same, with somebody who adds to the commit of each change that is made through it.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer) -> Self {
        self.context.observer = Some(observer);
        self
    }

    /// The tenant's id.
    pub fn id(&self) -> &TenantId {
        self.reach.tenant().tenant()
    }

    /// A collection, to read from it.
    ///
    /// # Errors
    /// `NotFound` when it is out of reach. Whether it exists shows with what is read.
    pub fn reading<'a>(&'a self, name: &'a CollectionRef) -> Result<Reading<'a>> {
        Ok(Reading { tenant: self, keys: self.reach.keys_of(name)?, name: name.name() })
    }

    fn own<'a>(&'a self, name: &'a CollectionName) -> Result<Reading<'a>> {
        Ok(Reading { tenant: self, keys: self.reach.own(name)?, name })
    }

    /// Makes a collection unless it is there; the flag says whether it was made.
    ///
    /// # Errors
    /// `Conflict` when it is there with another embedder.
    pub async fn ensure_collection(
        &self,
        name: &CollectionName,
        spec: &CollectionSpec,
    ) -> Result<(CollectionInfo, bool)> {
        let keys = self.reach.own(name)?;
        let (head, created) = documents::collections::ensure(&self.context, keys, name, spec).await?;
        let info = self.info(keys, Named { name: name.clone(), head }).await?;
        Ok((info, created))
    }

    /// A collection by name.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn collection(&self, name: &CollectionName) -> Result<CollectionInfo> {
        self.own(name)?.info().await
    }

    /// A page of the tenant's collections in the order of their names, behind `after`; the flag says whether there are more.
    ///
    /// # Errors
    /// `Invalid` for a limit out of range.
    pub async fn collections(
        &self,
        after: Option<&CollectionName>,
        limit: usize,
    ) -> Result<(Vec<CollectionInfo>, bool)> {
        match self.reach.only() {
            Some(names) => self.listed_of(names, after, limit).await,
            None => self.listed(self.reach.tenant(), after, limit).await,
        }
    }

    /// Those of `names` that are there.
    async fn listed_of(
        &self,
        names: &BTreeSet<CollectionName>,
        after: Option<&CollectionName>,
        limit: usize,
    ) -> Result<(Vec<CollectionInfo>, bool)> {
        check_limit(limit)?;
        let mut infos = Vec::new();
        for name in names.iter().filter(|name| after.is_none_or(|after| *name > after)) {
            match self.own(name)?.info().await {
                Ok(_) if infos.len() == limit => return Ok((infos, true)),
                Ok(info) => infos.push(info),
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok((infos, false))
    }

    /// As [`Tenant::collections`], of those that are shared.
    ///
    /// # Errors
    /// As there.
    pub async fn shared_collections(
        &self,
        after: Option<&CollectionName>,
        limit: usize,
    ) -> Result<(Vec<CollectionInfo>, bool)> {
        match self.reach.shared() {
            Some(keys) => self.listed(keys, after, limit).await,
            None => Ok((Vec::new(), false)),
        }
    }

    async fn listed(
        &self,
        keys: &TenantKeys,
        after: Option<&CollectionName>,
        limit: usize,
    ) -> Result<(Vec<CollectionInfo>, bool)> {
        check_limit(limit)?;
        let (named, more) = documents::collections::list(&self.context, keys, after, limit).await?;
        let mut infos = Vec::with_capacity(named.len());
        for named in named {
            infos.push(self.info(keys, named).await?);
        }
        Ok((infos, more))
    }

    /// Changes what can be changed of a collection. It holds for searches as soon as they would show a write made now.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for settings out of range.
    pub async fn alter_collection(&self, name: &CollectionName, change: &CollectionChange) -> Result<CollectionInfo> {
        let keys = self.reach.own(name)?;
        let head = documents::collections::alter(&self.context, keys, name, change).await?;
        self.info(keys, Named { name: name.clone(), head }).await
    }

    pub(crate) async fn info_of(&self, named: Named) -> Result<CollectionInfo> {
        self.info(self.reach.tenant(), named).await
    }

    async fn info(&self, keys: &TenantKeys, named: Named) -> Result<CollectionInfo> {
        let counts = documents::collections::counts(&self.context, keys, named.head.id).await?;
        let index = self.engine.inner.indexes.get(keys.tenant(), &named.name);
        let index = index.filter(|index| index.id == named.head.id);
        let settings = named.head.search;
        let known = match &index {
            Some(index) => index.effort().report(),
            None => Effort::new(settings, VectorOptions::new(1).ef_search).report(),
        };
        let search = SearchInfo {
            settings,
            effort: known.effort,
            recall: known.recall,
            samples: known.samples,
            checked: known.checked,
            dropped: known.dropped,
        };
        Ok(CollectionInfo {
            version: index.map_or(Version::ZERO, |index| index.view().version),
            search,
            quantization: named.head.quantization,
            name: named.name,
            description: named.head.description,
            documents: counts.documents,
            passages: counts.passages,
            embedder: named.head.embedder,
            tokens: named.head.tokens,
            created_at: named.head.created_at,
        })
    }

    /// Drops a collection with all it holds; its data is cleared in the background. `None` when there was none.
    ///
    /// # Errors
    /// Store failures.
    pub async fn drop_collection(&self, name: &CollectionName) -> Result<Option<Version>> {
        match self.reach.has(name) {
            true => documents::collections::drop_collection(&self.context, self.reach.tenant(), name).await,
            false => Ok(None),
        }
    }

    /// Stores a document in place of its earlier self, atomically. The collection is made if it is not there.
    ///
    /// # Errors
    /// `Invalid` for what is out of bounds, `Conflict` for another embedder.
    pub async fn put(
        &self,
        name: &CollectionName,
        spec: &CollectionSpec,
        document: NewDocument,
    ) -> Result<WriteReceipt> {
        documents::write::put(&self.context, self.reach.own(name)?, name, spec, document).await
    }

    /// Deletes a document. The flag says whether it was there.
    ///
    /// # Errors
    /// `NotFound` when the collection does not exist.
    pub async fn delete(&self, name: &CollectionName, document: &DocumentId) -> Result<(bool, Version)> {
        documents::delete::delete(&self.context, self.reach.own(name)?, name, document).await
    }

    /// A document's record; `None` when the document or its collection does not exist.
    ///
    /// # Errors
    /// Store failures.
    pub async fn document(&self, name: &CollectionName, document: &DocumentId) -> Result<Option<StoredDocument>> {
        let found = documents::read::find(&self.context, self.reach.own(name)?, name, document).await?;
        Ok(found.map(|(_, document)| document))
    }

    /// A document with its source text and its passages, all of one version.
    ///
    /// # Errors
    /// Store failures.
    pub async fn document_with_text(
        &self,
        name: &CollectionName,
        document: &DocumentId,
    ) -> Result<Option<(StoredDocument, String, Vec<Passage>)>> {
        self.own(name)?.document_with_text(document).await
    }

    /// A page of a collection's documents.
    ///
    /// # Errors
    /// `NotFound` when the collection does not exist, `Invalid` for a bad page.
    pub async fn documents(&self, name: &CollectionName, query: &ListQuery) -> Result<Page> {
        self.own(name)?.documents(query).await
    }

    /// Keeps why a document's write failed, until a write of it succeeds.
    ///
    /// # Errors
    /// Store failures.
    pub async fn record_failure(&self, name: &CollectionName, document: &DocumentId, error: &str) -> Result<()> {
        documents::failures::record(&self.context, self.reach.own(name)?, name, document, error).await
    }

    /// The vector of an indexed passage whose embedded text has this hash, with its token codes if the shown text is the same
    /// too: copies need not be embedded again.
    pub fn known_embedding(
        &self,
        name: &CollectionName,
        embedder: &str,
        embed: TextHash,
        text: TextHash,
    ) -> Option<(Vec<f32>, Option<TokenCodes>)> {
        let index = self.engine.inner.indexes.get(self.id(), name).filter(|_| self.reach.has(name))?;
        (index.head.embedder.id == embedder).then(|| index.known_embedding(embed, text)).flatten()
    }

    /// Which of `words` was most likely meant by `word`, where no passage of the collections (all, when none is named) holds it.
    ///
    /// # Errors
    /// `Internal`.
    pub fn spelled(&self, collections: &[CollectionRef], word: &str, words: &[String]) -> Result<Option<String>> {
        let indexes = self.reach.all(&self.engine.inner.indexes).into_iter();
        let asked = indexes.filter(|reached| collections.is_empty() || collections.contains(&reached.name));
        let mut meant = None;
        for reached in asked {
            let spelling = reached.index.keywords().spelled(word, words);
            match spelling.map_err(|error| Error::internal("look a word up").caused_by(error))? {
                Spelling::Known => return Ok(None),
                Spelling::Unknown => {}
                Spelling::Meant(word) => meant = meant.or(Some(word)),
            }
        }
        Ok(meant)
    }

    /// Waits until everything up to `version` is visible to searches.
    ///
    /// # Errors
    /// `Lagging` after `wait`.
    pub async fn wait_for(&self, version: Version, wait: Duration) -> Result<Version> {
        let what = format!("version {version} is not visible here yet");
        self.engine.wait_until(wait, |applied| applied.version >= version, &what).await
    }

    /// Searches.
    ///
    /// # Errors
    /// `Invalid` names the field, `NotFound` the collection, `Conflict` another embedder, `Lagging` a version that did not come.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResponse> {
        let waiting = Instant::now();
        let version = match request.min_version {
            Some(version) => self.wait_for(version, request.wait).await?,
            None => self.engine.readiness().version,
        };
        let waited = waiting.elapsed();
        let Inner { indexes, sampler, .. } = &*self.engine.inner;
        let mut response = search::search(&self.context, &self.reach, indexes, sampler, version, request).await?;
        response.took.wait = waited;
        Ok(response)
    }
}

fn check_limit(limit: usize) -> Result<()> {
    match (1..=limits::PAGE).contains(&limit) {
        true => Ok(()),
        false => Err(Error::invalid("/limit", format!("a limit is 1 to {}", limits::PAGE))),
    }
}

impl Reading<'_> {
    /// What there is to say of the collection.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn info(&self) -> Result<CollectionInfo> {
        let (keys, name) = (self.keys, self.name);
        let read =
            self.tenant.context.store.run(|tx| async move { documents::collections::expect(&tx, keys, name).await });
        let named = Named { name: name.clone(), head: read.await? };
        self.tenant.info(keys, named).await
    }

    /// As [`Tenant::document_with_text`].
    ///
    /// # Errors
    /// As there.
    pub async fn document_with_text(
        &self,
        document: &DocumentId,
    ) -> Result<Option<(StoredDocument, String, Vec<Passage>)>> {
        let (context, keys) = (&self.tenant.context, self.keys);
        loop {
            let found = documents::read::find(context, keys, self.name, document).await?;
            let Some((id, stored)) = found else { return Ok(None) };
            let text = documents::read::text(context, keys, id, &stored.head).await?;
            let passages = documents::read::passages(context, keys, id, &stored.head).await?;
            // Replaced and cleaned up between the reads: the new state is there to read.
            if let (Some(text), true) = (text, passages.len() == stored.head.passages as usize) {
                return Ok(Some((stored, text, passages.into_iter().map(|indexed| indexed.passage).collect())));
            }
        }
    }

    /// As [`Tenant::documents`].
    ///
    /// # Errors
    /// As there.
    pub async fn documents(&self, query: &ListQuery) -> Result<Page> {
        documents::listing::list(&self.tenant.context, self.keys, self.name, query).await
    }
}
