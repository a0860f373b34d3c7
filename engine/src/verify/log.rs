//! The change log: whether it can be read, and whether it and the documents tell the same.

use std::collections::HashMap;

use super::{Area, Verified, Verify, documents};
use crate::documents::Context;
use crate::documents::collections::Named;
use crate::documents::log::{self, Change};
use crate::error::{Error, ErrorKind, Result, chain};
use crate::model::{CollectionId, DocumentId, TenantId, Version};

/// What the log says last of each document that it names.
#[derive(Default)]
pub(super) struct Log {
    /// Entries up to this version are gone.
    trimmed: Version,
    /// It was read up to here.
    through: Version,
    last: HashMap<(CollectionId, DocumentId), (Version, Said)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Put,
    Deleted,
}

/// Reads the log.
pub(super) async fn read(context: &Context, done: &mut Verified) -> Result<Log> {
    let trimmed = log::trimmed(context).await?;
    let mut log = Log { trimmed, through: trimmed, ..Log::default() };
    loop {
        let page = match log::read(&context.store, &context.keys, log.through).await {
            Ok(Some(page)) => page,
            // It was trimmed further meanwhile.
            Ok(None) => return Box::pin(read(context, done)).await,
            Err(error) if *error.kind() == ErrorKind::Corrupt => {
                done.differs(Area::Log, format!("behind {}", log.through), chain(&error).to_string());
                return Ok(Log::default());
            }
            Err(error) => return Err(error),
        };
        done.log_entries += page.entries.len();
        for (version, entry) in page.entries {
            let (document, said) = match entry.change {
                Change::Put { document, .. } => (document, Said::Put),
                Change::Deleted { document } => (document, Said::Deleted),
                Change::Created { .. } | Change::Altered { .. } | Change::Dropped { .. } => continue,
            };
            log.last.insert((entry.collection, document), (version, said));
        }
        log.through = page.through;
        if !page.more {
            check_tail(context, &log, done).await?;
            return Ok(log);
        }
    }
}

/// The newest entry is the one that followers are woken for.
async fn check_tail(context: &Context, log: &Log, done: &mut Verified) -> Result<()> {
    let keys = &context.keys;
    let tail = context.store.run(|tx| async move { log::tail(&tx, keys).await }).await?;
    let newest = log.last.values().map(|(version, _)| *version).max().unwrap_or_default();
    if tail < newest {
        done.differs(Area::Log, "tail", format!("it says {tail}, and there is an entry of {newest}"));
    }
    Ok(())
}

impl Log {
    /// What the log says of a document that is of a version, and is not so. Nothing of one that came after `begun`.
    pub(super) fn fault_of(
        &self,
        collection: CollectionId,
        id: &DocumentId,
        version: Version,
        begun: Version,
    ) -> Option<String> {
        if version <= self.trimmed || version > begun.min(self.through) {
            return None;
        }
        match self.last.get(&(collection, id.clone())) {
            Some((_, Said::Put)) => None,
            Some((at, Said::Deleted)) => Some(format!("it was deleted at {at}, and is there")),
            None => Some(format!("no entry tells of its version {version}")),
        }
    }
}

impl Verify<'_> {
    /// Looks for documents that the log says were written and that are not there.
    pub(super) async fn log_names_what_is_there(&self, all: &[(TenantId, Named)], done: &mut Verified) -> Result<()> {
        let named: HashMap<CollectionId, &(TenantId, Named)> = all.iter().map(|it| (it.1.head.id, it)).collect();
        for ((collection, id), (version, said)) in &self.log.last {
            let Some((tenant, named)) = named.get(collection) else { continue };
            if *said == Said::Deleted || documents::current(self.context, tenant, named, id).await?.is_some() {
                continue;
            }
            // It may have gone, or its collection, since the log was read.
            if !self.has_newer_entry(*collection, id, *version).await? {
                let place = format!("{tenant}/{}/{id}", named.name);
                done.differs(Area::Store, place, format!("it was written at {version}, and is not there"));
            }
        }
        Ok(())
    }

    /// Whether the log tells of a document behind a version.
    pub(super) async fn has_newer_entry(
        &self,
        collection: CollectionId,
        id: &DocumentId,
        version: Version,
    ) -> Result<bool> {
        let mut cursor = version;
        loop {
            let page = log::read(&self.context.store, &self.context.keys, cursor).await?;
            let page = page.ok_or_else(|| Error::unavailable("the log was trimmed while it was compared"))?;
            let concerns = |change: &Change| match change {
                Change::Put { document, .. } | Change::Deleted { document } => document == id,
                Change::Dropped { .. } => true,
                Change::Created { .. } | Change::Altered { .. } => false,
            };
            if page.entries.iter().any(|(_, entry)| entry.collection == collection && concerns(&entry.change)) {
                return Ok(true);
            }
            if !page.more {
                return Ok(false);
            }
            cursor = page.through;
        }
    }
}
