//! The places of connections: how many there may be at once.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

/// The place of a connection: it is free again when the last holder is gone.
#[derive(Debug, Clone)]
pub(crate) struct Place(#[expect(dead_code, reason = "it is held, and not looked at")] Arc<OwnedSemaphorePermit>);

impl Place {
    pub(crate) fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(permit))
    }
}
