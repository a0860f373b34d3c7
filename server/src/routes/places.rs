//! Names and bounds that several routes read from requests.

use std::time::Duration;

use coditect_engine::Tenant;
use coditect_engine::model::{CollectionName, CollectionRef, DocumentId, Version};

use crate::problem::{Problem, Result};

/// A collection named in the path or the query string.
pub(super) fn collection(name: &str) -> Result<CollectionName> {
    Ok(CollectionName::new(name)?)
}

/// A document named in the path.
pub(super) fn document(id: &str) -> Result<DocumentId> {
    Ok(DocumentId::new(id)?)
}

/// A collection that is read, named in the path or the query string: one of the tenant's, or `shared:` and one that is shared.
pub(super) fn read_collection(name: &str) -> Result<CollectionRef> {
    Ok(name.parse()?)
}

/// The collections of a search.
pub(super) fn collections(names: &[String]) -> Result<Vec<CollectionRef>> {
    let numbered = names.iter().enumerate();
    numbered.map(|(i, name)| read_collection(name).map_err(|problem| problem.at(format!("/collections/{i}")))).collect()
}

/// The version that an answer must show at least.
pub(super) fn min_version(text: Option<&str>) -> Result<Option<Version>> {
    text.map(str::parse).transpose().map_err(|error| Problem::from(error).at("/min_version"))
}

/// Waits until `version` is visible here, for a bounded time.
pub(super) async fn wait_for(tenant: &Tenant, version: Option<Version>) -> Result<()> {
    if let Some(version) = version {
        tenant.wait_for(version, coditect_engine::limits::MIN_VERSION_WAIT).await?;
    }
    Ok(())
}

/// Milliseconds with three decimals.
pub(super) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
