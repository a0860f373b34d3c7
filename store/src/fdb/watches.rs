//! How many watches of a store are pending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Limit, Result};
use crate::limits;

/// The number of watches that callers hold.
#[derive(Debug, Default)]
pub(super) struct Watches(AtomicUsize);

/// The place of one; given back when dropped.
pub(super) struct Place(Arc<Watches>);

impl Watches {
    /// Takes a place for a watch.
    pub(super) fn reserve(self: &Arc<Self>) -> Result<Place> {
        let place = Place(Arc::clone(self));
        if self.0.fetch_add(1, Ordering::Relaxed) >= limits::WATCHES {
            let message = format!("more than {} watches are pending", limits::WATCHES);
            return Err(Error::new(ErrorKind::TooLarge(Limit::Watches), message));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
