//! Documents in the store: atomic replacement by generations, the change log, reading back, and clean-up.

pub(crate) mod cleanup;
pub(crate) mod codes;
pub(crate) mod collections;
pub(crate) mod delete;
pub(crate) mod failures;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod passages;
pub(crate) mod read;
pub(crate) mod write;

pub use listing::{ListQuery, Listed, Page};
pub use log::{Noted, Observer};

use std::path::Path;
use std::sync::Arc;

use coditect_store::{Clock, Store};

use crate::error::{Error, Result};
use crate::model::Version;
use crate::storage::Keys;

/// What every operation on documents needs.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    /// Where files go that are of use to this process alone.
    pub(crate) scratch: Arc<Path>,
    /// Who adds to the commits of changes.
    pub(crate) observer: Option<Observer>,
}

impl Context {
    /// The newest version: whatever was acknowledged is at or before it.
    pub(crate) async fn version(&self) -> Result<Version> {
        let newest = self.store.run(|tx| async move { Ok::<_, Error>(tx.read_version().await?) }).await?;
        Ok(Version::of_read(newest))
    }
}
